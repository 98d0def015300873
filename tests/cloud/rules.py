"""What our state machines must keep that no validator of others looks at.
judge() takes the text of a definition and returns its faults, a line each."""

import json
import re

PROGRAMS = {"query-validate", "athena-exec", "s3-fetch", "s3-put",
            "csv-validate-normalize", "pinpoint-import", "profiles-import",
            "parts-split", "parts-collect"}
SUBJECTS = {"successful", "query invalid", "query failed",
            "import failed: nothing imported",
            "import failed: partly imported", "incomplete"}
STATUSES = {"pending", "succeeded", "duplicate"}
# What a Fargate task may be started again for: it says that later may do, or
# it could not be placed. Anything else would only fail again.
AGAIN = {"ServiceUnavailable", "Throttled", "AmazonECS.Unknown",
         "ECS.ThrottlingException", "ECS.ServerException"}
RESOURCES = {"ecs:runTask.waitForTaskToken", "sns:publish",
             "aws-sdk:s3:putObject", "aws-sdk:sfn:getExecutionHistory"}
BEAT_SECONDS = 60
OVERRIDES_MAX = 8192
TOKEN_MAX = 2048
PATH_MAX = 1024


def strings(value, key=""):
    """Every text in a value, with its key."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from strings(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item, key)
    elif isinstance(value, str):
        yield key, value


def edges(state):
    for choice in state.get("Choices", []):
        yield choice.get("Next")
    for catch in state.get("Catch", []):
        yield catch.get("Next")
    for key in ("Next", "Default"):
        if key in state:
            yield state[key]


def is_token(state):
    return str(state.get("Resource", "")).endswith(".waitForTaskToken")


def is_publish(state):
    return str(state.get("Resource", "")).endswith(":::sns:publish")


def environment(state):
    return [pair for override in state.get("Parameters", {})
            .get("Overrides", {}).get("ContainerOverrides", [])
            for pair in override.get("Environment", [])]


def judge_task(name, state):
    resource = str(state.get("Resource", "")).partition(":::")[2]
    if resource not in RESOURCES:
        yield "%s: a resource that nobody tried: %s" % (name, resource)
    if "TimeoutSeconds" not in state:
        yield name + ": no TimeoutSeconds"
    if not state.get("Retry"):
        yield name + ": no Retry"
    if not any(c.get("ErrorEquals") == ["States.ALL"] and "ResultPath" in c
               for c in state.get("Catch", [])):
        yield name + ": no Catch of States.ALL that keeps what is known"
    for retry in state.get("Retry", []):
        if not 1 <= retry.get("MaxAttempts", 0) <= 6:
            yield name + ": a Retry says how often, six times at most"


def judge_token(name, state):
    tokens = [p for p in environment(state)
              if p.get("Name") == "LAKESEG_TASK_TOKEN"]
    if [t.get("Value.$") for t in tokens] != ["$$.Task.Token"]:
        yield name + ": the task's token is not passed to it"
    beat, most = state.get("HeartbeatSeconds"), state.get("TimeoutSeconds", 0)
    if not isinstance(beat, int) or beat < 3 * BEAT_SECONDS:
        yield name + ": HeartbeatSeconds leaves no room for a missed beat"
    elif beat >= most:
        yield name + ": HeartbeatSeconds is no shorter than TimeoutSeconds"
    for retry in state.get("Retry", []):
        for error in set(retry.get("ErrorEquals", [])) - AGAIN:
            yield "%s: a task is started again after %s" % (name, error)
    overrides = state.get("Parameters", {}).get("Overrides", {})
    if "TaskRoleArn" not in overrides:
        yield name + ": no role"
    for container in overrides.get("ContainerOverrides", []):
        command = container.get("Command", [])
        stages = [s for s in command[1:] if not s.startswith("${")]
        if command[:1] != ["sfn-task"] or not command[1:] or \
                set(stages) - PROGRAMS:
            yield "%s: no such stages: %s" % (name, command)
    size = len(json.dumps(overrides)) + TOKEN_MAX + PATH_MAX
    if size > OVERRIDES_MAX:
        yield "%s: overrides of up to %d characters" % (name, size)


def judge_map(name, state):
    """A child's execution has a name and a context of its own, and its
    failure must not hide which part failed, or why."""
    processor = state.get("ItemProcessor", {})
    inner = processor.get("States", {})
    config = processor.get("ProcessorConfig", {})
    if config != {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}:
        yield name + ": only standard executions wait for a token"
    if str(state.get("ItemReader", {}).get("Resource")).partition(
            ":::")[2] != "s3:getObject":
        yield name + ": its items are read from S3"
    if not 1 <= state.get("MaxConcurrency", 0) <= 100:
        yield name + ": MaxConcurrency says how many tasks at once"
    if not any(c.get("ErrorEquals") == ["States.ALL"] and "ResultPath" in c
               for c in state.get("Catch", [])):
        yield name + ": no Catch of States.ALL that keeps what is known"
    given = {key.removesuffix(".$") for key in state.get("ItemSelector", {})}
    yield from judge_flow(inner, processor.get("StartAt"), given)
    for one, child in inner.items():
        for way in set(edges(child)) - set(inner):
            yield "%s: a part goes on to %s, which is outside" % (one, way)
        if any("$$.Execution" in text for _, text in strings(child)):
            yield one + ": $$.Execution is the part's, not the run's"
        if child.get("Type") == "Fail" or is_publish(child):
            yield one + ": a part neither fails nor tells"
        yield from judge_state(one, child)


def judge_parts(states):
    """Parts are made before the Map, and put together behind it."""
    commands = [container.get("Command", []) for state in states.values()
                if is_token(state)
                for container in state.get("Parameters", {}).get(
                    "Overrides", {}).get("ContainerOverrides", [])]
    has_map = any(s.get("Type") == "Map" for s in states.values())
    for stage, at in (("parts-split", -1), ("parts-collect", 1)):
        if any(c[at] == stage for c in commands if len(c) > 1) != has_map:
            yield "%s and the Map need each other" % stage


def judge_publish(name, state):
    given = state.get("Parameters", {})
    attributes = given.get("MessageAttributes", {})
    for key in ("Subject.$", "Message.$"):
        if key not in given:
            yield "%s: no %s" % (name, key)
    for key in ("notification_type", "run_id"):
        if key not in attributes:
            yield "%s: no attribute %s" % (name, key)


def judge_words(name, state):
    """Subjects, statuses and names that others read."""
    result = state.get("Result", {})
    subject = result.get("subject", "successful")
    if subject not in SUBJECTS:
        yield "%s: no such subject: %s" % (name, subject)
    for choice in state.get("Choices", []):
        if str(choice.get("Variable", "")).endswith("query.status") and \
                choice.get("StringEquals") not in STATUSES:
            yield name + ": no task answers with that status"
    for key, text in strings(state):
        if not key.endswith(".$") and text.startswith("$") and \
                not text.startswith("${") and not key.endswith("Path") and \
                key != "Variable":
            yield "%s: '%s' is taken as a text, its key lacks .$" % (name, key)


def told(states, start):
    """Whether every way from here to a Fail publishes first."""
    ways, seen = [start], set()
    while ways:
        name = ways.pop()
        if name in seen or name not in states:
            continue
        seen.add(name)
        state = states[name]
        if is_publish(state):
            continue
        if state.get("Type") in ("Fail", "Succeed"):
            return False
        ways += edges(state)
    return True


def judge_catches(states):
    for name, state in states.items():
        if is_publish(state):
            continue
        for catch in state.get("Catch", []):
            if not told(states, catch.get("Next")):
                yield name + ": a caught failure ends untold"
            if catch.get("Next") == state.get("Next"):
                yield name + ": after a failure all goes on as after success"
            elif any(is_token(states[n]) for n in
                     reach(states, catch.get("Next"))):
                yield name + ": after a failure the run goes on"


def judge_messages(states):
    """One message a run: what published ends, unless it could not publish."""
    for name, state in states.items():
        if is_publish(state) and any(
                is_publish(states[n]) or is_token(states[n])
                for n in reach(states, state.get("Next"))):
            yield name + ": after the message the run goes on"


def reach(states, start):
    ways, seen = [start], set()
    while ways:
        name = ways.pop()
        if name in states and name not in seen:
            seen.add(name)
            ways += edges(states[name])
    return seen


def top(path):
    found = re.match(r"\$\.(\w+)", path or "")
    return {found.group(1)} if found else set()


def after(state, before):
    """What the output of a state holds, by its first names; None: anything."""
    if state.get("Type") not in ("Task", "Pass"):
        return before
    path = state.get("ResultPath", "$")
    if path is None:
        return before
    if path != "$":
        return before if before is None else before | top(path)
    made = state.get("ResultSelector") or (
        state.get("Result", state.get("Parameters"))
        if state["Type"] == "Pass" else None)
    if made is None:
        return before if state["Type"] == "Pass" else None
    return {key.removesuffix(".$") for key in made}


def reads(state):
    own = {k: v for k, v in state.items()
           if k not in ("ResultSelector", "Catch", "ResultPath", "Comment",
                        "ItemProcessor")}
    for _, text in strings(own):
        for found in re.findall(r"(?<!\$)\$\.(\w+)", text):
            yield found


def flow(states, start, given=None):
    """What each state finds, however the run came there."""
    found, ways = {}, [(start, given)]
    while ways:
        name, given = ways.pop()
        state = states.get(name)
        if state is None:
            continue
        old = found.get(name, "new")
        given = given if old in ("new", None) else \
            old if given is None else old & given
        if old != "new" and given == old:
            continue
        found[name] = given
        for catch in state.get("Catch", []):
            kept = given if given is None else \
                given | top(catch.get("ResultPath"))
            ways.append((catch.get("Next"), kept))
        done = after(state, given)
        for key in ("Next", "Default"):
            if key in state:
                ways.append((state[key], done))
        for choice in state.get("Choices", []):
            ways.append((choice.get("Next"), done))
    return found


def judge_flow(states, start, given=None):
    for name, given in flow(states, start, given).items():
        if given is None:
            continue
        for key in sorted(set(reads(states[name])) - given):
            yield "%s: reads $.%s, which not every way there writes" % (
                name, key)


def judge_placeholders(text, substitutions):
    used = set(re.findall(r"\$\{(\w+)\}", text))
    for name in sorted(used - substitutions):
        yield "nobody substitutes ${%s}" % name
    for name in sorted(substitutions - used):
        yield "${%s} is substituted and not there" % name


def judge_state(name, state):
    yield from judge_words(name, state)
    if state.get("Type") == "Task":
        yield from judge_task(name, state)
    if state.get("Type") == "Map":
        yield from judge_map(name, state)
    if is_token(state):
        yield from judge_token(name, state)
    if is_publish(state):
        yield from judge_publish(name, state)


def judge(text, substitutions):
    try:
        definition = json.loads(text)
        states = definition["States"]
    except (ValueError, KeyError, TypeError) as error:
        return ["no definition: %s" % error]
    found = list(judge_placeholders(text, substitutions))
    if "TimeoutSeconds" not in definition:
        found.append("no TimeoutSeconds for the whole")
    for name, state in states.items():
        found += judge_state(name, state)
    found += judge_parts(states)
    found += judge_catches(states)
    found += judge_messages(states)
    found += judge_flow(states, definition.get("StartAt"))
    return found
