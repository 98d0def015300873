"""What the columns of a file are to the jobs of DuckDB and Polars."""

import csv

CHANNELS = ("EMAIL", "SMS", "GCM", "APNS", "APNS_SANDBOX", "APNS_VOIP",
            "APNS_VOIP_SANDBOX", "ADM", "VOICE", "BAIDU", "CUSTOM")
VALUE_MAX = 100
# No look-around: neither engine has it.
NUMBER = r"^[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?$"
PHONE = r"^\+[1-9][0-9]{1,14}$"
EMAIL = r"^[^@ ]{1,64}@[^@ .][^@ ]*\.([^@ ]*[^@ .])$"
EMAIL_BYTES = 254


def header_of(path):
    with open(path, newline="", encoding="utf-8") as file:
        names = next(csv.reader(file))
    for name in ("Id", "ChannelType", "Address"):
        if name not in names:
            raise SystemExit(f"{path}: there is no column {name}")
    return names


def is_value(name):
    return name.startswith(("Attributes.", "User.UserAttributes."))


def is_number(name):
    return name.startswith("Metrics.")
