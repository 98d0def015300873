"""One address for all of AWS. Requests go on by the signing name in their
Authorization header: to lakeseg-local, which judges every signature, or to
moto. Every call is kept with the role that made it.

S3 is lakeseg-local's for everybody. Its Athena and its importers read and
write its own objects, so moto's S3 would need a mirror of every object in both
directions; and moto's interpreter, the only part of moto that wants S3, can be
sent here as well as anybody.

Keys come from here as they come from ECS on Fargate: a GET of
/v2/credentials/<role's ARN> answers keys for an hour. They are those of
AssumeRole at lakeseg-local, so that a call without its session token, or with
the keys of nobody, is refused.
"""

import json
import re
import sys
import threading
import traceback
from urllib.parse import unquote

import boto3

import models
from harness import KEY, SECRET
from recorder import Front, Recorder

CREDENTIALS = "/v2/credentials/"
LOCAL = {"s3", "athena", "mobiletargeting", "profile", "sts"}
QUERY_ERROR = "<ErrorResponse><Error><Type>Receiver</Type><Code>%s</Code>" \
    "<Message>by the test</Message></Error><RequestId>0</RequestId>" \
    "</ErrorResponse>"
models.SIGNING_NAMES.update({"states": "stepfunctions", "ecs": "ecs"})


def scope(exchange):
    """(access key, signing name), or (None, None) of what is not signed."""
    found = re.search(r"Credential=([^/]+)/\d{8}/[^/]+/([^/]+)/aws4_request",
                      exchange.header("authorization") or "")
    return found.groups() if found else (None, None)


def name_of(exchange):
    """The operation, where a header or the body says it."""
    target = exchange.header("x-amz-target")
    if target:
        return target.partition(".")[2]
    action = re.search(rb"(?:^|&)Action=(\w+)", exchange.body[:65536])
    return action.group(1).decode() if action else None


def quiet(request, address):
    """Whoever asked was killed: half of these tests are about that."""
    if not isinstance(sys.exc_info()[1], ConnectionError):
        traceback.print_exc()


class Rule:
    """The next so many calls of an operation that fit are refused."""

    def __init__(self, operation, status, code, count, holds):
        self.operation = operation
        self.status = status
        self.code = code
        self.count = count
        self.holds = holds


class Handler(Front):
    def handle_one(self):
        if self.path.startswith(CREDENTIALS):
            self.answer(200, json.dumps(self.server.cloud.keys(
                unquote(self.path[len(CREDENTIALS):]))))
        else:
            super().handle_one()

    def answer(self, status, body, kind="application/x-amz-json-1.1"):
        try:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())
        except ConnectionError:  # whoever asked is gone
            self.close_connection = True

    def behind(self, kept):
        key, service = scope(kept)
        kept.role = self.server.cloud.roles.get(key)
        return self.server.cloud.local if service in LOCAL or key is None \
            else self.server.cloud.moto

    def instead(self, kept):
        rule = self.server.cloud.take(kept)
        if rule is None:
            return False
        kept.status = rule.status
        if kept.header("x-amz-target"):
            self.answer(rule.status, json.dumps(
                {"__type": rule.code, "message": "by the test"}))
        else:
            self.answer(rule.status, QUERY_ERROR % rule.code, "text/xml")
        return True

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one


class Cloud(Recorder):
    """local and moto are URLs; moto's may be set later, since it is started
    with this front's."""

    def __init__(self, local):
        self.local = local
        self.moto = None
        self.roles = {}  # access key: role
        self.secrets = []  # what no log may hold
        self.rules = []
        self.lock = threading.Lock()
        super().__init__(local, handler=Handler)
        self.server.cloud = self
        self.server.handle_error = quiet
        self.sts = boto3.client("sts", endpoint_url=local,
                                region_name="us-east-1",
                                aws_access_key_id=KEY,
                                aws_secret_access_key=SECRET)

    def keys(self, role):
        found = self.sts.assume_role(RoleArn=role, RoleSessionName="task")[
            "Credentials"]
        self.roles[found["AccessKeyId"]] = role
        self.secrets += [found["SecretAccessKey"], found["SessionToken"]]
        return {"RoleArn": role, "AccessKeyId": found["AccessKeyId"],
                "SecretAccessKey": found["SecretAccessKey"],
                "Token": found["SessionToken"],
                "Expiration": found["Expiration"].strftime(
                    "%Y-%m-%dT%H:%M:%SZ")}

    def refuse(self, operation, code, status=400, count=1,
               holds=lambda kept: True):
        with self.lock:
            self.rules.append(Rule(operation, status, code, count, holds))

    def take(self, kept):
        name = name_of(kept)
        with self.lock:
            for rule in self.rules:
                if rule.count > 0 and rule.operation == name and \
                        rule.holds(kept):
                    rule.count -= 1
                    return rule
        return None
