"""Writes down what the runs called, with the rights of whom: for each role of
each stack its policies, as moto has resolved them, and what its calls need; and
the policies of keys."""

import json
import os

import calls
from harness import SOURCE

FILE = os.path.join(SOURCE, "build", "cloud-calls.json")


def policies_of(iam, role):
    inline = [iam.get_role_policy(RoleName=role, PolicyName=name)[
        "PolicyDocument"] for name in
        iam.list_role_policies(RoleName=role)["PolicyNames"]]
    return inline + [
        iam.get_policy_version(PolicyArn=p["PolicyArn"], VersionId="v1")[
            "PolicyVersion"]["Document"] for p in
        iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]]


def write(cloud, stacks):
    iam = cloud.client("iam")
    ecs = cloud.client("ecs")
    seen = {"groups": {}, "definitions": {}, "keys": {},
            "lake": "s3://lake/tables/"}
    kms = cloud.client("kms")
    roles, keys = {}, {}
    for stack in stacks:
        definition = ecs.describe_task_definition(
            taskDefinition=stack.id("TaskDefinition"))["taskDefinition"]
        for name in (definition["family"], definition["taskDefinitionArn"]):
            seen["definitions"][name] = definition
        key = calls.arn("kms", "key/" + stack.id("TopicKey"))
        seen["keys"][stack.topic] = key
        # an object where AWS has its text: moto keeps it as it came
        keys[key] = kms.get_key_policy(
            KeyId=key, PolicyName="default")["Policy"]
        for logical, resource in stack.resources.items():
            if resource["ResourceType"] == "AWS::IAM::Role":
                name = resource["PhysicalResourceId"]
                role = iam.get_role(RoleName=name)["Role"]
                roles[role["Arn"]] = {
                    "name": logical, "stack": stack.name, "needs": [],
                    "trust": role["AssumeRolePolicyDocument"],
                    "policies": policies_of(iam, name)}
    for exchange in cloud.front.kept:
        role = getattr(exchange, "role", None)
        if role is not None:
            for need in calls.needs_of(exchange, seen):
                if need not in roles[role]["needs"]:
                    roles[role]["needs"].append(need)
    with open(FILE, "w", encoding="utf-8") as file:
        json.dump({"roles": roles, "keys": keys}, file, indent=1)
