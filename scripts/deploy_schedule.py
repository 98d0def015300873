"""Whether EventBridge Scheduler takes an expression. CloudFormation finds out
only when everything else has been made; here it costs nothing."""

import datetime
import re
import zoneinfo

EXPRESSION_MAX = 256
MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
DAYS = "SUN MON TUE WED THU FRI SAT".split()
LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
# name, least, most, names that count from the least
FIELDS = [("minutes", 0, 59, []), ("hours", 0, 23, []),
          ("day-of-month", 1, 31, []), ("month", 1, 12, MONTHS),
          ("day-of-week", 1, 7, DAYS), ("year", 1970, 2199, [])]
DAY, MONTH, WEEKDAY = 2, 3, 4


class Wrong(ValueError):
    """The expression is none; the text says what to write instead."""


def number(field, text):
    name, least, most, names = field
    if text.upper() in names:
        return least + names.index(text.upper())
    if not re.fullmatch(r"[0-9]{1,4}", text) or \
            not least <= int(text) <= most:
        raise Wrong("%s '%s' is not within %d-%d" % (name, text, least, most))
    return int(text)


def item(field, text):
    """The values of one item of a list, as a range with a step."""
    name, least, most, _ = field
    span, slash, step = text.partition("/")
    if slash and (not re.fullmatch(r"[0-9]{1,4}", step) or int(step) == 0):
        raise Wrong("%s '%s': behind / stands a number from 1" % (name, text))
    first, dash, last = span.partition("-")
    if span == "*":
        begin, end = least, most
    elif dash:
        begin, end = number(field, first), number(field, last)
        if begin > end:
            raise Wrong("%s '%s' runs backwards" % (name, text))
    else:
        begin = number(field, span)
        end = most if slash else begin
    return set(range(begin, end + 1, int(step) if slash else 1))


def special(index, text):
    """L, W and #: the values it may have; None, it is none of these."""
    if index == DAY:
        if text in ("L", "LW"):
            return set(range(28, 32))
        if re.fullmatch(r"[0-9]{1,2}W", text):
            return {number(FIELDS[DAY], text[:-1])}
    if index == WEEKDAY:
        if text == "L":
            return {7}
        last = re.fullmatch(r"(\w{1,3})L", text)
        nth = re.fullmatch(r"(\w{1,3})#([1-5])", text)
        if last or nth:
            return {number(FIELDS[WEEKDAY], (last or nth).group(1))}
    return None


def values(index, text):
    found = special(index, text)
    if found is not None:
        return found
    return set().union(*(item(FIELDS[index], part)
                         for part in text.split(",")))


def check_cron(text):
    fields = text.split()
    if len(fields) != len(FIELDS):
        raise Wrong("cron(...) has %d fields, not 6: minutes hours "
                    "day-of-month month day-of-week year" % len(fields))
    if (fields[DAY] == "?") == (fields[WEEKDAY] == "?"):
        raise Wrong("one of day-of-month and day-of-week must be ?, "
                    "the other one not")
    found = [values(index, field) if field != "?" or
             index not in (DAY, WEEKDAY) else None
             for index, field in enumerate(fields)]
    if found[DAY] is not None and min(found[DAY]) > max(
            LONGEST[month - 1] for month in found[MONTH]):
        raise Wrong("no such month has a day %d: it never runs" %
                    min(found[DAY]))


def check_rate(text):
    if not re.fullmatch(r"[1-9][0-9]* (minutes|hours|days)", text):
        raise Wrong("rate(%s): write rate(1 days), in minutes, hours or days"
                    % text)


def check_at(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text):
        raise Wrong("at(%s): write at(2027-01-31T06:00:00)" % text)
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise Wrong("at(%s): %s" % (text, error)) from error


def check(expression, zone="UTC"):
    """Raises Wrong, with what to write instead."""
    kinds = {"cron": check_cron, "rate": check_rate, "at": check_at}
    found = re.fullmatch(r"(cron|rate|at)\((.*)\)", expression)
    if found is None:
        raise Wrong("'%s' is none of cron(...), rate(...) and at(...)" %
                    expression)
    if len(expression) > EXPRESSION_MAX:
        raise Wrong("it has more than %d characters" % EXPRESSION_MAX)
    kinds[found.group(1)](found.group(2))
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Wrong("there is no time zone '%s'" % zone) from error
