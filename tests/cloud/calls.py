"""What a recorded call needs in IAM: action, resource and condition keys, as
the Service Authorization Reference has them. A call that is not known here is
an error, so that no new call goes unnoticed."""

import json
import re
from urllib.parse import parse_qs, unquote

import models

REGION = "us-east-1"
ACCOUNT = "123456789012"


def arn(service, resource):
    return "arn:aws:%s:%s:%s:%s" % (service, REGION, ACCOUNT, resource)


def call(action, resource, **context):
    return {"action": action, "resource": resource, "context": context}


S3_OBJECT = {
    "GetObject": "GetObject", "HeadObject": "GetObject",
    "PutObject": "PutObject", "DeleteObject": "DeleteObject",
    "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
    "ListParts": "ListMultipartUploadParts"}
S3_BUCKET = {
    "ListObjectsV2": "ListBucket", "HeadBucket": "ListBucket",
    "GetBucketLocation": "GetBucketLocation",
    "ListMultipartUploads": "ListBucketMultipartUploads"}


def s3(name, exchange, _):
    bucket, _, key = unquote(exchange.path[1:]).partition("/")
    if name in S3_OBJECT:
        return [call("s3:" + S3_OBJECT[name],
                     "arn:aws:s3:::%s/%s" % (bucket, key))]
    context = {}
    if name == "ListObjectsV2":
        query = parse_qs(exchange.query, keep_blank_values=True)
        context["s3:prefix"] = query.get("prefix", [""])[0]
    return [{"action": "s3:" + S3_BUCKET[name], "context": context,
             "resource": "arn:aws:s3:::" + bucket}]


def bucket_and_key(uri):
    bucket, _, key = uri[len("s3://"):].partition("/")
    return "arn:aws:s3:::" + bucket, key


def query_needs(body, lake):
    """Athena works with the rights of whoever starts a query: it reads the
    catalog and the lake, and writes the result."""
    bucket, key = bucket_and_key(body["ResultConfiguration"]["OutputLocation"])
    lake_bucket, folder = bucket_and_key(lake)
    database = body["QueryExecutionContext"]["Database"]
    needs = [call("glue:" + action, arn("glue", resource))
             for action in ("GetDatabase", "GetTable", "GetPartitions")
             for resource in ("catalog", "database/" + database,
                              "table/%s/customers" % database)
             if action != "GetDatabase" or not resource.startswith("table")]
    needs += [call("s3:GetBucketLocation", b) for b in (bucket, lake_bucket)]
    needs.append({"action": "s3:ListBucket", "resource": lake_bucket,
                  "context": {"s3:prefix": folder + "customers/"}})
    needs.append(call("s3:GetObject", "%s/%scustomers/part.csv" % (
        lake_bucket, folder)))
    for action in ("PutObject", "AbortMultipartUpload",
                   "ListMultipartUploadParts"):
        needs.append(call("s3:" + action, "%s/%s%s.csv" % (
            bucket, key, "0f3c5a52-8a4f-4f9e-9d0e-6a51f3b8f6a1")))
    return needs


def athena(name, exchange, seen):
    body = json.loads(exchange.body)
    group = body.get("WorkGroup")
    if name == "StartQueryExecution":
        group = group or "primary"
        if exchange.status == 200:
            query = json.loads(exchange.answer_body)["QueryExecutionId"]
            seen["groups"][query] = group
        needs = query_needs(body, seen["lake"])
    else:
        group = group or seen["groups"][body["QueryExecutionId"]]
        needs = []
    return [call("athena:" + name, arn("athena", "workgroup/" + group)),
            *needs]


def pass_role(role, service):
    return {"action": "iam:PassRole", "resource": role,
            "context": {"iam:PassedToService": service}}


def pinpoint(name, exchange, _):
    """Pinpoint's resources are the paths of its requests."""
    where = "/".join(exchange.path.split("/")[2:])
    needs = [call("mobiletargeting:" + name, arn("mobiletargeting", where))]
    if name == "CreateImportJob":
        needs.append(pass_role(json.loads(exchange.body)["RoleArn"],
                               "pinpoint.amazonaws.com"))
    return needs


def profiles(name, exchange, _):
    """Everything of a domain, as far as we use it, is the domain's."""
    parts = exchange.path.split("/")
    return [call("profile:" + name, arn("profile", "domains/" + parts[2]))]


def states(name, exchange, _):
    body = json.loads(exchange.body)
    if name.startswith("SendTask"):  # knows no resource, says the reference
        return [call("states:" + name, "*")]
    return [call("states:" + name, body.get("executionArn") or
                 body["stateMachineArn"])]


def ecs(name, exchange, seen):
    body = json.loads(exchange.body)
    if name == "DescribeTasks":
        return []  # moto's own way to know what .waitForTaskToken began
    definition = seen["definitions"][body["taskDefinition"]]
    overrides = body.get("overrides", {})
    return [{"action": "ecs:RunTask",
             "resource": definition["taskDefinitionArn"],
             "context": {"ecs:cluster": body["cluster"]}},
            *[pass_role(overrides.get(kind) or definition[kind],
                        "ecs-tasks.amazonaws.com")
              for kind in ("taskRoleArn", "executionRoleArn")]]


def sns(name, exchange, seen):
    """The topic is encrypted: whoever publishes uses its key."""
    form = parse_qs(exchange.body.decode())
    topic = form["TopicArn"][0]
    return [call("sns:" + name, topic),
            *[call("kms:" + action, seen["keys"][topic])
              for action in ("GenerateDataKey", "Decrypt")]]


SERVICES = {"s3": s3, "athena": athena, "mobiletargeting": pinpoint,
            "profile": profiles, "states": states, "ecs": ecs, "sns": sns}


def needs_of(exchange, seen):
    """seen is what earlier calls and the stacks told: "groups" by query,
    "definitions", "keys" by topic, and the "lake"."""
    scope = re.search(r"/([^/]+)/aws4_request",
                      exchange.header("authorization"))
    operation = models.what(exchange)
    if operation is None:
        raise AssertionError("unknown: %s" % exchange)
    return SERVICES[scope.group(1)](operation.name, exchange, seen)
