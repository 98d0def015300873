"""The checks of `csv-validate-normalize --rules basic` in DuckDB.

Usage: duckdb_job.py INPUT OUTPUT THREADS

The good rows, normalized, go into a temporary table, and of rows with the same
Id, without ASCII case, the first is written. 1.5.6 keeps the order of the rows;
2.0.0 does not, although it is asked to. Ids are
first counted by their 64-bit hashes, which is several times quicker than by
the strings; only the few that occur twice are compared as strings.

store_rejects, not ignore_errors: with more than one thread the latter alone
lost most of the good rows of a file with bad ones (1.5.6, 2.0.0).
"""

import sys

import duckdb

import columns


def text(value):
    return "'" + value.replace("'", "''") + "'"


def name(column):
    return '"' + column.replace('"', '""') + '"'


def condition(column):
    """What a trimmed cell of this column must be, or None."""
    cell = name(column)
    if column == "Id":
        return f"{cell} <> ''"
    if columns.is_value(column):
        return f"({cell} IS NULL OR length({cell}) <= {columns.VALUE_MAX})"
    if columns.is_number(column):
        return (f"({cell} IS NULL OR {cell} = '' OR "
                f"(regexp_matches({cell}, {text(columns.NUMBER)}) AND "
                f"isfinite(try_cast({cell} AS DOUBLE))))")
    return None


def address_condition():
    channels = ", ".join(text(channel) for channel in columns.CHANNELS)
    # Not IN: for so many values that becomes a join, which loses the order.
    return (f"list_contains([{channels}], ChannelType) AND CASE ChannelType "
            f"WHEN 'EMAIL' THEN strlen(Address) <= {columns.EMAIL_BYTES} AND "
            f"regexp_matches(Address, {text(columns.EMAIL)}) "
            f"WHEN 'SMS' THEN regexp_matches(Address, {text(columns.PHONE)}) "
            f"WHEN 'VOICE' THEN regexp_matches(Address, {text(columns.PHONE)}) "
            f"ELSE Address <> '' END")


def output(column):
    cell = name(column)
    if column == "Address":
        return ("CASE WHEN ChannelType = 'EMAIL' THEN "
                "concat(split_part(Address, '@', 1), '@', "
                "lower(split_part(Address, '@', 2))) "
                f"ELSE Address END AS {cell}")
    return f"nullif({cell}, '') AS {cell}"


def good_rows(source, header):
    types = ", ".join(f"{text(column)}: 'VARCHAR'" for column in header)
    trimmed = ", ".join(f"trim({name(c)}) AS {name(c)}" for c in header)
    conditions = [condition(column) for column in header]
    conditions = [one for one in conditions if one] + [address_condition()]
    return (f"SELECT {', '.join(output(column) for column in header)} FROM "
            f"(SELECT {trimmed} FROM read_csv({text(source)}, "
            "auto_detect=false, header=true, delim=',', quote='\"', "
            "escape='\"', new_line='\\n', strict_mode=true, "
            "store_rejects=true, null_padding=false, "
            f"columns={{{types}}})) WHERE {' AND '.join(conditions)}")


def main():
    source, target, threads = sys.argv[1:]
    header = columns.header_of(source)
    db = duckdb.connect()
    db.execute(f"SET threads = {int(threads)}")
    db.execute("SET preserve_insertion_order = true")
    db.execute("SET enable_progress_bar = false")
    db.execute(f"CREATE TEMP TABLE good AS {good_rows(source, header)}")
    db.execute("CREATE TEMP TABLE twice AS SELECT hash(lower(Id)) AS h "
               "FROM good GROUP BY h HAVING count(*) > 1")
    # Not COPY ... WHERE rowid NOT IN: that is a join, too.
    db.execute("DELETE FROM good WHERE rowid IN (SELECT row_id FROM "
               "(SELECT rowid AS row_id, lower(Id) AS id FROM good "
               "WHERE hash(lower(Id)) IN (SELECT h FROM twice)) QUALIFY "
               "row_number() OVER (PARTITION BY id ORDER BY row_id) > 1)")
    db.execute(f"COPY good TO {text(target)} (FORMAT csv, HEADER true)")


main()
