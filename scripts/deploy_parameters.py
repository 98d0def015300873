"""The parameters of the template, and what CloudFormation would say of values
for them: that in a second, without an account."""

import re

VALUE_MAX = 4096


def scalar(text):
    """A value of YAML as our template writes them: on one line."""
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text.startswith("["):
        return [scalar(part.strip()) for part in text[1:-1].split(",")]
    return text


def read(template):
    """{name: {"Type": ..., "Default": ..., ...}}."""
    block = re.search(r"^Parameters:\n((?:(?: .*)?\n)+)", template, re.M)
    known = {}
    for line in block.group(1).splitlines():
        head = re.fullmatch(r"  (\w+):", line)
        field = re.fullmatch(r"    (\w+): (.*)", line)
        if head:
            known[head.group(1)] = {}
        elif field:
            known[list(known)[-1]][field.group(1)] = scalar(field.group(2))
    return known


def missing(given, known):
    return [name for name, fields in known.items()
            if "Default" not in fields and name not in given]


def number_fault(value, fields):
    try:
        number = float(value)
    except ValueError:
        return "'%s' is no number" % value
    if "MinValue" in fields and number < float(fields["MinValue"]):
        return "%s is less than %s" % (value, fields["MinValue"])
    if "MaxValue" in fields and number > float(fields["MaxValue"]):
        return "%s is more than %s" % (value, fields["MaxValue"])
    return None


def fault(value, fields):
    """What is wrong with the value; None: nothing."""
    if len(value) > VALUE_MAX:
        return "%d characters, CloudFormation takes %d; put the job into S3 " \
            "and give JobUri" % (len(value), VALUE_MAX)
    if "AllowedValues" in fields and value not in fields["AllowedValues"]:
        return "'%s' is none of %s" % (value,
                                       ", ".join(fields["AllowedValues"]))
    if fields["Type"] == "Number":
        return number_fault(value, fields)
    pattern = fields.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, value):
        return fields.get("ConstraintDescription") or \
            "'%s' does not match %s" % (value, pattern)
    return None


def needs(given):
    """What the template's Rules say, as far as it was given."""
    destination = given.get("Destination")
    has_query = bool(given.get("Query"))
    has_uri = bool(given.get("JobUri"))
    if destination == "pinpoint" and given.get("PinpointProjectId") == "":
        yield "the destination pinpoint needs PinpointProjectId"
    if has_query and has_uri:
        yield "give a Query or a JobUri, not both"
    if given.get("Orchestration") == "plain" and has_query:
        yield "plain takes a JobUri, and no Query"


def faults(given, known):
    found = []
    for name, value in given.items():
        if name not in known:
            found.append("there is no parameter '%s'; there are: %s" % (
                name, ", ".join(known)))
            continue
        text = fault(value, known[name])
        if text is not None:
            found.append("%s: %s" % (name, text))
    return found + list(needs(given))
