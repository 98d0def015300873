"""Requests and answers beside botocore's service models: what() names the
operation of a request; request_faults() and answer_faults() list what the model
does not allow, in words."""

import base64
import binascii
import datetime
import io
import json
import re
import xml.etree.ElementTree
from urllib.parse import parse_qsl, unquote

import botocore.model
import botocore.parsers
import botocore.session
from botocore.awsrequest import HeadersDict

SESSION = botocore.session.get_session()
SIGNING_NAMES = {"athena": "athena", "s3": "s3", "mobiletargeting": "pinpoint",
                 "sns": "sns", "sts": "sts", "profile": "customer-profiles",
                 "states": "stepfunctions"}
UNSIGNED = {"AssumeRoleWithWebIdentity": "sts"}
# Headers of HTTP, of signatures, and of what clients say about themselves.
TRANSPORT = {"host", "content-length", "content-type", "user-agent", "accept",
             "accept-encoding", "authorization", "x-amz-date",
             "x-amz-content-sha256", "x-amz-security-token", "x-amz-target",
             "amz-sdk-invocation-id", "amz-sdk-request", "connection"}
CONTENT_TYPES = {"json": "application/x-amz-json-",
                 "rest-json": "application/json",
                 "query": "application/x-www-form-urlencoded"}
IN_PATH = re.compile(r"([A-Za-z0-9._~/!$&'()*+,;=:@-]|%[0-9A-F]{2})*")


def protocol_of(model):
    return model.metadata["protocol"]


def service_of(exchange):
    scope = re.search(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request,",
                      exchange.header("authorization") or "")
    if scope:
        return SIGNING_NAMES.get(scope.group(1))
    form = dict(parse_qsl(exchange.body.decode("latin-1")))
    return UNSIGNED.get(form.get("Action"))


def query_of(text):
    return parse_qsl(text, keep_blank_values=True)


def template_of(operation):
    path, _, query = operation.http["requestUri"].partition("?")
    pattern = ""
    for i, piece in enumerate(re.split(r"\{([^}]+)\}", path)):
        pattern += re.escape(piece) if i % 2 == 0 else \
            "(.+)" if piece.endswith("+") else "([^/]+)"
    labels = re.findall(r"\{([^}+]+)\+?\}", path)
    return re.compile(pattern, re.DOTALL), labels, query_of(query)


def members_in(shape, location):
    """wire name: (member's name, its shape)"""
    if shape is None:
        return {}
    return {member.serialization.get("name", name): (name, member)
            for name, member in shape.members.items()
            if member.serialization.get("location") == location}


def required_of(shape):
    return set(shape.metadata.get("required", [])) if shape else set()


def fits(operation, exchange):
    """How well a REST request fits; None: not at all."""
    pattern, _, fixed = template_of(operation)
    query = query_of(exchange.query)
    names = {name for name, _ in query}
    needed = {wire for wire, (name, _) in
              members_in(operation.input_shape, "querystring").items()
              if name in required_of(operation.input_shape)}
    headers = {name.lower() for name, _ in exchange.headers}
    heads = {wire.lower() for wire, (name, _) in
             members_in(operation.input_shape, "header").items()
             if name in required_of(operation.input_shape)}
    if exchange.method != operation.http["method"] or \
            not pattern.fullmatch(exchange.path) or \
            not set(fixed) <= set(query) or not needed <= names or \
            not heads <= headers:
        return None
    return len(fixed) + len(needed) + len(heads)


def what(exchange):
    """The operation that a request asks for, or None."""
    service = service_of(exchange)
    if service is None:
        return None
    model = SESSION.get_service_model(service)
    protocol = protocol_of(model)
    if protocol == "json":
        prefix, _, name = (exchange.header("x-amz-target") or "").partition(".")
        known = prefix == model.metadata["targetPrefix"]
    elif protocol == "query":
        name = dict(query_of(exchange.body.decode("utf-8"))).get("Action")
        known = True
    else:
        found = [(score, name) for name in model.operation_names
                 for score in [fits(model.operation_model(name), exchange)]
                 if score is not None]
        name = max(found)[1] if found else None
        known = True
    if not known or name not in model.operation_names:
        return None
    return model.operation_model(name)


class Faults:
    def __init__(self):
        self.list = []

    def add(self, where, fmt, *values):
        text = fmt % values if values else fmt
        self.list.append("%s: %.300s" % (where, text))


def check_limits(shape, value, where, faults):
    meta = shape.metadata
    size = value if shape.type_name in ("integer", "long", "float", "double") \
        else len(value)
    if "min" in meta and size < meta["min"] or \
            "max" in meta and size > meta["max"]:
        faults.add(where, "%r is out of bounds", value)
    if meta.get("enum") and value not in meta["enum"]:
        faults.add(where, "%r is none of %s", value, meta["enum"])
    if shape.type_name == "string" and "pattern" in meta:
        try:
            matches = re.search(meta["pattern"], value)
        except re.error:
            matches = True  # of Java's kind
        if not matches:
            faults.add(where, "%r is not of the form %s", value,
                       meta["pattern"])


def is_time(text):
    try:
        datetime.datetime.fromisoformat(text)
        return True
    except ValueError:
        return False


def check_text(shape, text, where, faults):
    """A value that is written out, as in a header or in XML."""
    kind = shape.type_name
    if kind in ("integer", "long"):
        if not re.fullmatch(r"-?\d+", text):
            return faults.add(where, "%r is no number", text)
        return check_limits(shape, int(text), where, faults)
    if kind in ("float", "double"):
        try:
            return check_limits(shape, float(text), where, faults)
        except ValueError:
            return faults.add(where, "%r is no number", text)
    if kind == "boolean" and text not in ("true", "false"):
        return faults.add(where, "%r is neither true nor false", text)
    if kind == "timestamp" and not is_time(text) and \
            not re.search(r" \d{4} \d\d:\d\d:\d\d GMT$", text):
        return faults.add(where, "%r is no time", text)
    if kind == "blob":
        try:
            base64.b64decode(text, validate=True)
        except binascii.Error:
            faults.add(where, "%r is no base64", text)
    if kind in ("string", "character"):
        check_limits(shape, text, where, faults)
    if kind in ("structure", "list", "map"):
        faults.add(where, "a %s in place of a text", kind)
    return None


JSON_TYPES = {"string": str, "integer": int, "long": int, "boolean": bool,
              "float": (int, float), "double": (int, float), "blob": str,
              "timestamp": (int, float, str), "structure": dict, "map": dict,
              "list": list}


def json_name(member, name):
    return member.serialization.get("name", name)


def check_json(shape, value, where, faults):
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return
    if not isinstance(value, JSON_TYPES[kind]) or \
            (isinstance(value, bool) and kind != "boolean"):
        faults.add(where, "%r is no %s", value, kind)
    elif kind == "structure":
        known = {json_name(m, n): (n, m) for n, m in shape.members.items()
                 if "location" not in m.serialization}
        given = {known[k][0] for k in value if k in known}
        for key, item in value.items():
            if key not in known:
                faults.add(where, "no member '%s'", key)
            else:
                check_json(known[key][1], item, where + "." + key, faults)
        for name in sorted(required_of(shape) - given):
            if shape.members[name].serialization.get("location") is None:
                faults.add(where, "'%s' is missing", name)
    elif kind == "list":
        check_limits(shape, value, where, faults)
        for i, item in enumerate(value):
            check_json(shape.member, item, "%s[%d]" % (where, i), faults)
    elif kind == "map":
        for key, item in value.items():
            check_text(shape.key, key, where, faults)
            check_json(shape.value, item, where + "." + key, faults)
    elif kind in ("string", "integer", "long", "float", "double"):
        check_limits(shape, value, where, faults)
    elif kind == "blob":
        check_text(shape, value, where, faults)


def local_name(tag):
    return tag.rpartition("}")[2]


def check_xml(shape, node, where, faults):
    if shape.type_name == "structure":
        known = {m.serialization.get("name", n): (n, m)
                 for n, m in shape.members.items()}
        given = set()
        for child in node:
            name = local_name(child.tag)
            if name not in known:
                faults.add(where, "no element '%s'", name)
                continue
            member_name, member = known[name]
            if member_name in given and not (member.type_name == "list" and
                                             member.serialization.get(
                                                 "flattened")):
                faults.add(where, "'%s' twice", name)
            given.add(member_name)
            if member.type_name == "list" and \
                    member.serialization.get("flattened"):
                member = member.member
            check_xml(member, child, where + "/" + name, faults)
        for name in sorted(required_of(shape) - given):
            faults.add(where, "'%s' is missing", name)
    elif shape.type_name == "list":
        wire = shape.member.serialization.get("name", "member")
        for child in node:
            if local_name(child.tag) != wire:
                faults.add(where, "no element '%s'", local_name(child.tag))
            check_xml(shape.member, child, where + "/" + wire, faults)
    else:
        check_text(shape, node.text or "", where, faults)


def check_form(shape, form, prefix, faults):
    """Consumes from form what belongs to shape."""
    where = prefix or "form"
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            key = prefix + "." + wire if prefix else wire
            if any(k == key or k.startswith(key + ".") for k in form):
                check_form(member, form, key, faults)
            elif name in required_of(shape):
                faults.add(where, "'%s' is missing", name)
    elif shape.type_name in ("list", "map"):
        flat = shape.serialization.get("flattened")
        step = "" if flat else ".member" if shape.type_name == "list" \
            else ".entry"
        number = 1
        while any(k.startswith("%s%s.%d" % (prefix, step, number))
                  for k in form):
            item = "%s%s.%d" % (prefix, step, number)
            if shape.type_name == "list":
                check_form(shape.member, form, item, faults)
            else:
                for part, kind in ((shape.key, "key"), (shape.value, "value")):
                    check_form(part, form, item + "." +
                               part.serialization.get("name", kind), faults)
            number += 1
    elif prefix in form:
        check_text(shape, form.pop(prefix), where, faults)
    else:
        faults.add(where, "it is missing")


def check_path(operation, exchange, faults):
    pattern, labels, _ = template_of(operation)
    if not IN_PATH.fullmatch(exchange.path):
        faults.add("path", "%r is not encoded", exchange.path)
    match = pattern.fullmatch(exchange.path)
    if not match:
        return faults.add("path", "%r is none of %s", exchange.path,
                          operation.http["requestUri"])
    if operation.input_shape:
        known = members_in(operation.input_shape, "uri")
        for label, text in zip(labels, match.groups()):
            check_text(known[label][1], unquote(text), "path." + label, faults)
    return None


def check_query(operation, exchange, faults):
    fixed = dict(template_of(operation)[2])
    known = members_in(operation.input_shape, "querystring")
    seen = set()
    for name, value in query_of(exchange.query):
        if name in seen:
            faults.add("query", "'%s' twice", name)
        seen.add(name)
        if name in fixed:
            if value != fixed[name]:
                faults.add("query", "'%s' is %r", name, value)
        elif name not in known:
            faults.add("query", "no parameter '%s'", name)
        else:
            check_text(known[name][1], value, "query." + name, faults)
    for name in set(fixed) - seen:
        faults.add("query", "'%s' is missing", name)
    for wire, (name, _) in known.items():
        if name in required_of(operation.input_shape) and wire not in seen:
            faults.add("query", "'%s' is missing", wire)


def check_headers(operation, exchange, faults):
    known = {wire.lower(): pair for wire, pair in
             members_in(operation.input_shape, "header").items()}
    prefixes = [wire.lower() for wire in
                members_in(operation.input_shape, "headers")]
    seen = set()
    for name, value in exchange.headers:
        name = name.lower()
        if name in seen:
            faults.add("headers", "'%s' twice", name)
        seen.add(name)
        if name in known:
            check_text(known[name][1], value, "headers." + name, faults)
        elif name not in TRANSPORT and \
                not any(name.startswith(p) for p in prefixes):
            faults.add("headers", "no header '%s'", name)
    for wire, (name, _) in known.items():
        if name in required_of(operation.input_shape) and wire not in seen:
            faults.add("headers", "'%s' is missing", wire)
    wanted = CONTENT_TYPES.get(protocol_of(operation.service_model))
    if protocol_of(operation.service_model) == "json":
        wanted += operation.service_model.metadata["jsonVersion"]
    given = (exchange.header("content-type") or "").partition(";")[0]
    if wanted and exchange.body and given != wanted:
        faults.add("headers", "content-type is %r", given)


def no_twins(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise ValueError("a member twice")
    return dict(pairs)


def check_rest_body(operation, exchange, faults):
    shape = operation.input_shape
    payload = shape.serialization.get("payload") if shape else None
    inside = [n for n, m in shape.members.items()
              if "location" not in m.serialization] if shape else []
    if not inside:
        if exchange.body:
            faults.add("body", "there must be none")
        return
    member = shape.members[payload] if payload else shape
    if member.type_name in ("blob", "string") or \
            (not exchange.body and payload not in required_of(shape)):
        return
    if protocol_of(operation.service_model) == "rest-json":
        check_json(member, json.loads(exchange.body,
                                      object_pairs_hook=no_twins),
                   "body", faults)
        return
    root = xml.etree.ElementTree.fromstring(exchange.body)
    name = member.serialization.get("name", payload)
    space = member.serialization.get("xmlNamespace", {}).get("uri", "")
    if root.tag != ("{%s}%s" % (space, name) if space else name):
        faults.add("body", "the root is %s", root.tag)
    check_xml(member, root, name, faults)


def check_body(operation, exchange, faults):
    protocol = protocol_of(operation.service_model)
    shape = operation.input_shape or botocore.model.StructureShape(
        "Empty", {"type": "structure", "members": {}})
    if protocol == "json":
        check_json(shape, json.loads(exchange.body or "null",
                                     object_pairs_hook=no_twins),
                   "body", faults)
    elif protocol == "query":
        pairs = query_of(exchange.body.decode("utf-8"))
        form = no_twins(pairs)
        version = operation.service_model.api_version
        if form.pop("Action", None) != operation.wire_name or \
                form.pop("Version", None) != version:
            faults.add("form", "Action or Version is wrong")
        if operation.input_shape:
            check_form(operation.input_shape, form, "", faults)
        for name in form:
            faults.add("form", "no parameter '%s'", name)
    else:
        check_rest_body(operation, exchange, faults)


def request_faults(exchange):
    operation = what(exchange)
    faults = Faults()
    if operation is None:
        return ["%s: of no operation" % exchange]
    check_path(operation, exchange, faults)
    check_query(operation, exchange, faults)
    check_headers(operation, exchange, faults)
    try:
        check_body(operation, exchange, faults)
    except (ValueError, xml.etree.ElementTree.ParseError) as error:
        faults.add("body", "cannot be read: %s", error)
    return ["%s %s" % (operation.name, fault) for fault in faults.list]


def check_parsed(shape, value, where, faults):
    """What botocore's parser made of an answer."""
    if shape.type_name == "structure":
        for name in sorted(required_of(shape) - set(value)):
            faults.add(where, "'%s' is missing", name)
        for name, item in value.items():
            if name in shape.members:
                check_parsed(shape.members[name], item, where + "." + name,
                             faults)
    elif shape.type_name == "list":
        for i, item in enumerate(value):
            check_parsed(shape.member, item, "%s[%d]" % (where, i), faults)
    elif shape.type_name == "map":
        for key, item in value.items():
            check_parsed(shape.value, item, where + "." + key, faults)
    elif shape.type_name == "string" and isinstance(value, str):
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            faults.add(where, "%r is none of %s", value, enum)
    elif shape.type_name == "timestamp" and \
            not isinstance(value, datetime.datetime):
        faults.add(where, "%r is no time", value)


def raw_answer(operation, exchange, faults):
    """What the parser passes over: members that nobody knows."""
    shape = operation.output_shape
    protocol = protocol_of(operation.service_model)
    if shape is None or not exchange.answer_body:
        return
    payload = shape.serialization.get("payload")
    member = shape.members[payload] if payload else shape
    if protocol in ("json", "rest-json") and member.type_name == "structure":
        check_json(member, json.loads(exchange.answer_body), "answer", faults)
    elif protocol == "rest-xml" and member.type_name == "structure" and \
            any("location" not in m.serialization
                for m in member.members.values()):
        root = xml.etree.ElementTree.fromstring(exchange.answer_body)
        for child in root:
            names = {m.serialization.get("name", n)
                     for n, m in member.members.items()}
            if local_name(child.tag) not in names:
                faults.add("answer", "no element '%s'", local_name(child.tag))


def answer_faults(exchange):
    operation = what(exchange)
    faults = Faults()
    if operation is None:
        return ["%s: of no operation" % exchange]
    shape = operation.output_shape
    parser = botocore.parsers.create_parser(
        protocol_of(operation.service_model))
    body = exchange.answer_body
    if operation.has_streaming_output and exchange.status < 300:
        body = io.BytesIO(body)
    try:
        parsed = parser.parse(
            {"status_code": exchange.status, "body": body,
             "headers": HeadersDict(dict(exchange.answer_headers))}, shape)
        if exchange.status >= 300:
            if not parsed.get("Error", {}).get("Code"):
                faults.add("answer", "an error without a code")
        elif protocol_of(operation.service_model) != "rest-xml" and \
                exchange.status != operation.http.get("responseCode", 200):
            faults.add("answer", "HTTP %d", exchange.status)
        elif shape is not None:
            parsed.pop("ResponseMetadata", None)
            check_parsed(shape, parsed, "answer", faults)
            raw_answer(operation, exchange, faults)
    except (ValueError, KeyError, xml.etree.ElementTree.ParseError,
            botocore.parsers.ResponseParserError) as error:
        faults.add("answer", "cannot be read: %r", error)
    return ["%s %s" % (operation.name, fault) for fault in faults.list]
