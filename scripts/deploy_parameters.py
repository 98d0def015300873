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


def needs(values, defaults):
    """What the template's Rules say of values, a parameter that it is about
    and a text each; a parameter that is not there is not known."""
    value = values.get

    def is_left(name):
        return value(name) == defaults[name]

    orchestration = value("Orchestration")
    if value("Destination") == "pinpoint" and is_left("PinpointProjectId"):
        yield "Destination", "the destination pinpoint needs PinpointProjectId"
    if value("Destination") == "customer-profiles" and \
            is_left("CustomerProfilesDomain"):
        yield "Destination", "the destination customer-profiles needs " \
            "CustomerProfilesDomain"
    if value("ScheduleExpression") and is_left("Query") and is_left("JobUri"):
        yield "ScheduleExpression", "a schedule needs a Query or a JobUri"
    if value("Query") and value("JobUri"):
        yield "JobUri", "give a Query or a JobUri, not both"
    if value("Network") == "existing" and (
            is_left("SubnetIds") or is_left("SecurityGroupIds")):
        yield "Network", "an existing network needs SubnetIds and " \
            "SecurityGroupIds"
    if orchestration == "parts" and value("Destination") == "customer-profiles":
        yield "Orchestration", "only jobs for pinpoint can be made in parts"
    if orchestration == "plain" and value("Query"):
        yield "Orchestration", "plain takes a JobUri, and no Query"
    elif orchestration == "plain" and is_left("JobUri"):
        yield "Orchestration", "plain needs a JobUri"


def defaults_of(known):
    return {name: fields["Default"] for name, fields in known.items()
            if "Default" in fields}


def faults_of_new(given, known):
    """What the Rules would say of a new stack."""
    defaults = defaults_of(known)
    return [text for _, text in needs({**defaults, **given}, defaults)]


def stack_fault(name, given):
    """What is wrong with a stack's name. A schedule's has 64 characters at
    most, that of plain ends in -plain; a state machine's has 80, -tell too."""
    most = 64 - len("-plain") if given.get("Orchestration") == "plain" else 64
    if not re.fullmatch("[A-Za-z][A-Za-z0-9-]*", name):
        return "--stack %s: letters, digits and hyphens, a letter first" % name
    if len(name) > most:
        return "--stack %s: %d characters, a schedule can be named after %d" % (
            name, len(name), most)
    return None


def faults(given, known, is_check):
    """Of what was given. In a check, the rest has its defaults where a rule
    is about a parameter that was given; else it is as the stack has it."""
    found = []
    for name, value in given.items():
        if name not in known:
            found.append("there is no parameter '%s'; there are: %s" % (
                name, ", ".join(known)))
            continue
        text = fault(value, known[name])
        if text is not None:
            found.append("%s: %s" % (name, text))
    defaults = defaults_of(known)
    return found + [text for about, text in needs(
        {**defaults, **given} if is_check else given, defaults)
        if about in given]
