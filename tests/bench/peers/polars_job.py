"""The checks of `csv-validate-normalize --rules basic` in Polars.

Usage: polars_job.py INPUT OUTPUT, with POLARS_MAX_THREADS in the environment

Polars keeps the order of the rows. It cannot put a broken row aside: text
behind a closing quote, a cell too many or a byte that is not UTF-8 stops it.
"""

import sys

import polars as pl

import columns


def condition(name):
    """What a trimmed cell of this column must be, or None."""
    cell = pl.col(name)
    if name == "Id":
        return cell.is_not_null() & (cell != "")
    if columns.is_value(name):
        return (cell.is_null() |
                (cell.str.len_chars() <= columns.VALUE_MAX))
    if columns.is_number(name):
        return (cell.is_null() | (cell == "") |
                (cell.str.contains(columns.NUMBER) &
                 cell.cast(pl.Float64, strict=False).is_finite()))
    return None


def address_condition():
    channel = pl.col("ChannelType")
    address = pl.col("Address")
    email = ((address.str.len_bytes() <= columns.EMAIL_BYTES) &
             address.str.contains(columns.EMAIL))
    phone = address.str.contains(columns.PHONE)
    return (channel.is_in(list(columns.CHANNELS)) &
            pl.when(channel == "EMAIL").then(email)
            .when(channel.is_in(["SMS", "VOICE"])).then(phone)
            .otherwise(address != ""))


def output(name):
    cell = pl.col(name)
    if name != "Address":
        return pl.when(cell != "").then(cell).alias(name)
    at = cell.str.splitn("@", 2)
    return (pl.when(pl.col("ChannelType") == "EMAIL")
            .then(at.struct[0] + "@" + at.struct[1].str.to_lowercase())
            .otherwise(cell).alias(name))


def main():
    source, target = sys.argv[1:]
    header = columns.header_of(source)
    conditions = [condition(name) for name in header]
    good = (pl.scan_csv(source, infer_schema=False)
            .with_columns(pl.all().str.strip_chars(" "))
            .filter(*[one for one in conditions if one is not None],
                    address_condition())
            .unique(pl.col("Id").str.to_lowercase(), keep="first",
                    maintain_order=True)
            .select(output(name) for name in header))
    good.sink_csv(target, quote_style="necessary")


main()
