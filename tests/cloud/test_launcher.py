"""Each fault of moto that patches.py mends, on a moto without patches: a test
here fails when moto has mended its fault, and then the patch can go."""

import json
import logging
import os
import re
import time
import types
import unittest

import boto3
from botocore.exceptions import ClientError
from moto import mock_aws

import patches
from definitions import SOURCE

ROLE = "arn:aws:iam::123456789012:role/r"
TOKEN_STATE = {
    "Type": "Task", "End": True, "TimeoutSeconds": 30,
    "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
    "Parameters": {"QueueUrl": "set by the test",
                   "MessageBody.$": "$$.Task.Token"}}
DEFINITION = {"Family": "f", "Cpu": "256", "Memory": "512",
              "NetworkMode": "awsvpc", "RequiresCompatibilities": ["FARGATE"],
              "TaskRoleArn": ROLE, "ExecutionRoleArn": ROLE,
              "ContainerDefinitions": [{"Name": "c", "Image": "i"}]}


def machine(state, **more):
    return json.dumps({"StartAt": "S", "States": {"S": state, **more}})


class Faults(unittest.TestCase):
    def setUp(self):
        os.environ.update(AWS_ACCESS_KEY_ID="k", AWS_SECRET_ACCESS_KEY="s",
                          AWS_DEFAULT_REGION="us-east-1")
        mock = mock_aws(config={"stepfunctions":
                                {"execute_state_machine": True}})
        mock.start()
        self.addCleanup(mock.stop)
        self.sfn = boto3.client("stepfunctions")
        self.ecs = boto3.client("ecs")

    def deploy(self, kind, properties):
        boto3.client("cloudformation").create_stack(
            StackName="s", TemplateBody=json.dumps({"Resources": {
                "It": {"Type": kind, "Properties": properties}}}))

    def deploy_machine(self, **properties):
        self.deploy("AWS::StepFunctions::StateMachine",
                    {"RoleArn": ROLE, "StateMachineName": "m", **properties})

    def start(self, state, **more):
        name = "m%d" % len(self.sfn.list_state_machines()["stateMachines"])
        arn = self.sfn.create_state_machine(
            name=name, definition=machine(state, **more), roleArn=ROLE)[
                "stateMachineArn"]
        return self.sfn.start_execution(stateMachineArn=arn, input="{}")[
            "executionArn"]

    def end(self, execution):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.sfn.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return found
            time.sleep(0.05)
        raise AssertionError("it does not end")

    def test_cloudformation_store(self):
        self.deploy_machine(DefinitionString=machine({"Type": "Succeed"}))
        self.assertEqual(self.sfn.list_state_machines()["stateMachines"], [])

    def test_cloudformation_definition(self):
        # In the store where it lands there is no definition to be run.
        self.deploy_machine(
            Definition=json.loads(machine({"Type": "Pass", "Result": "${A}",
                                           "End": True})),
            DefinitionSubstitutions={"A": "b"})
        kept = patches.models.stepfunctions_backends[
            "123456789012"]["us-east-1"]
        self.assertEqual(kept.state_machines[0].definition, "")

    def test_cloudformation_task_definition(self):
        self.deploy("AWS::ECS::TaskDefinition", DEFINITION)
        found = self.ecs.describe_task_definition(taskDefinition="f")[
            "taskDefinition"]
        self.assertNotIn("taskRoleArn", found)
        self.assertNotEqual(found.get("networkMode"), "awsvpc")

    def test_cloudformation_no_value(self):
        definition = dict(DEFINITION, ContainerDefinitions=[
            {"Name": "c", "Image": "i",
             "Command": ["a", {"Ref": "AWS::NoValue"}]}])
        self.deploy("AWS::ECS::TaskDefinition", definition)
        found = self.ecs.describe_task_definition(taskDefinition="f")[
            "taskDefinition"]["containerDefinitions"][0]
        self.assertEqual(found["command"], ["a", None])

    def test_cloudformation_condition(self):
        boto3.client("cloudformation").create_stack(
            StackName="s", TemplateBody="""
Conditions:
  Yes: !Equals [a, a]
  Both: !And [!Condition Yes, !Condition Yes]
Resources:
  Queue: {Type: AWS::SQS::Queue, Condition: Both}
""")
        self.assertNotIn("QueueUrls", boto3.client("sqs").list_queues())

    def test_cloudformation_role(self):
        document = {"Version": "2012-10-17", "Statement": []}
        policy = boto3.client("iam").create_policy(
            PolicyName="p", PolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": "s3:*",
                     "Resource": "*"}]}))["Policy"]["Arn"]
        self.deploy("AWS::IAM::Role", {
            "RoleName": "r", "AssumeRolePolicyDocument": document,
            "ManagedPolicyArns": [policy],
            "Policies": [{"PolicyName": "o", "PolicyDocument": document}]})
        client = boto3.client("iam")
        self.assertEqual(client.list_attached_role_policies(RoleName="r")[
            "AttachedPolicies"], [])
        self.assertNotEqual(client.get_role_policy(
            RoleName="r", PolicyName="o")["PolicyDocument"], document)

    def test_cloudformation_schedule(self):
        self.assertNotIn(patches.SCHEDULE, patches.parsing.get_model_map())

    def definition(self, fields=None, **container):
        self.ecs.create_cluster(clusterName="c")
        self.ecs.register_task_definition(
            family="f", cpu="256", memory="512",
            requiresCompatibilities=["FARGATE"], **(fields or {}),
            containerDefinitions=[{"name": "c", "image": "i", **container}])

    def assert_run_task_crashes(self, kind, **fields):
        with self.assertRaises((kind, ClientError)) as raised:
            self.ecs.run_task(cluster="c", taskDefinition="f",
                              launchType="FARGATE", **fields)
        self.assertNotIsInstance(raised.exception, ClientError)

    def test_fargate_memory(self):
        self.definition()
        self.assert_run_task_crashes(TypeError)

    def test_interface_name(self):
        self.definition({"networkMode": "awsvpc"}, memory=512)
        ec2 = boto3.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")
        self.assert_run_task_crashes(AttributeError, networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": [subnet["Subnet"]["SubnetId"]],
                "securityGroups": []}})

    def wait_for_token(self, **fields):
        url = boto3.client("sqs").create_queue(QueueName="q")["QueueUrl"]
        state = json.loads(json.dumps({**TOKEN_STATE, **fields}))
        state["Parameters"]["QueueUrl"] = url
        return self.start(state), self.token(url)

    def token(self, url):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = boto3.client("sqs").receive_message(QueueUrl=url)
            if found.get("Messages"):
                return found["Messages"][0]["Body"]
            time.sleep(0.05)
        raise AssertionError("no token")

    def test_failure_cause(self):
        execution, token = self.wait_for_token()
        self.sfn.send_task_failure(taskToken=token, error="E", cause="why")
        found = self.end(execution)
        self.assertEqual(found["error"], "E")
        self.assertNotEqual(found.get("cause"), "why")

    def test_heartbeat_name(self):
        execution, _ = self.wait_for_token(HeartbeatSeconds=1)
        self.assertEqual(self.end(execution)["error"], "States.Timeout")

    def run_task(self, cluster):
        """What becomes of a state that runs a task there."""
        return self.end(self.start({
            "Type": "Task", "End": True,
            "Resource": "arn:aws:states:::ecs:runTask.sync",
            "Parameters": {"Cluster": cluster, "TaskDefinition": "f",
                           "LaunchType": "FARGATE"}}))

    def assert_crashed(self, found, why):
        self.assertEqual(found["error"], "States.Runtime")
        self.assertIn(why, found["cause"])

    def with_ecs_names(self):
        """The other faults of ecs:runTask are behind this one."""
        kind = patches.StateTaskServiceEcs
        patches.ecs_names()
        self.addCleanup(delattr, kind, "_normalise_parameters")
        self.addCleanup(delattr, kind, "_normalise_response")

    def test_ecs_names(self):
        self.definition(memory=512)
        found = self.run_task("c")
        self.assert_crashed(found, "'Cluster'")

    def test_ecs_errors(self):
        self.with_ecs_names()
        found = self.run_task("none")
        self.assert_crashed(found, "ClusterNotFoundException")

    def test_ecs_failures(self):
        self.with_ecs_names()
        self.definition(memory=512)
        backend = patches.ecs.EC2ContainerServiceBackend
        self.addCleanup(setattr, backend, "run_task", backend.run_task)
        backend.run_task = lambda *_, **__: []  # not one could be placed
        found = self.run_task("c")
        self.assert_crashed(found, "list index out of range")

    def call(self, action, parameters, **fields):
        return self.end(self.start({
            "Type": "Task", "End": True, "Parameters": parameters,
            "Resource": "arn:aws:states:::aws-sdk:" + action, **fields}))

    def test_sdk_names(self):
        boto3.client("s3").create_bucket(Bucket="bucket")
        found = self.call("s3:putObject", {"Bucket": "bucket", "Key": "k",
                                           "Body": {"a": 1}})
        self.assert_crashed(found, "no attribute")
        found = self.call("ecs:listClusters", {})  # "clusterArns"
        self.assertNotIn("ClusterArns", found["output"])

    def test_runtime_is_final(self):
        boto3.client("s3").create_bucket(Bucket="bucket")
        found = self.end(self.start(
            {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:none",
             "Parameters": {}, "End": True,
             "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]},
            Caught={"Type": "Succeed"}))
        self.assertEqual(found["status"], "SUCCEEDED")
        self.assertIn("States.Runtime", found["output"])

    def test_early_executions(self):
        _, token = self.wait_for_token()
        started = patches.stepfunctions_parser_backends["123456789012"][
            "us-east-1"].state_machines[0].executions
        started.insert(0, types.SimpleNamespace(  # by a thread of its own
            status="RUNNING", exec_worker=types.SimpleNamespace(env=None)))
        with self.assertRaises(AttributeError):
            self.sfn.send_task_success(taskToken=token, output="{}")
        del started[0]
        self.sfn.send_task_success(taskToken=token, output="{}")

    def test_early_answers(self):
        endpoint = patches.CallbackEndpoint("token")
        self.assertFalse(endpoint.notify_heartbeat())
        endpoint.notify("outcome")
        self.assertFalse(
            endpoint.setup_heartbeat_endpoint(0.1).clear_and_wait())

    def test_retry_token(self):
        execution, token = self.wait_for_token(Retry=[
            {"ErrorEquals": ["Again"], "IntervalSeconds": 1,
             "MaxAttempts": 1}])
        self.sfn.send_task_failure(taskToken=token, error="Again")
        url = boto3.client("sqs").get_queue_url(QueueName="q")["QueueUrl"]
        self.assertEqual(self.token(url), token)
        self.assertEqual(self.end(execution)["error"], "Again")  # at once

    def test_abort_is_final(self):
        execution, token = self.wait_for_token(HeartbeatSeconds=20)
        self.sfn.stop_execution(executionArn=execution)
        self.sfn.send_task_heartbeat(taskToken=token)  # it still waits
        self.assertEqual(self.end(execution)["status"], "FAILED")

    def test_history_order(self):
        execution = self.start({"Type": "Succeed"})
        self.end(execution)
        found = self.sfn.get_execution_history(
            executionArn=execution, reverseOrder=True, maxResults=1)["events"]
        self.assertGreater(len(found), 1)
        self.assertEqual(found[0]["type"], "ExecutionStarted")

    def test_execution_name(self):
        self.assertTrue(self.start({"Type": "Succeed"}).endswith(":None"))

    def test_every_patch_is_here(self):
        self.assertEqual(
            sorted(p.__name__ for p in patches.PATCHES),
            sorted(name[5:] for name in dir(self) if name.startswith("test_")
                   and name != "test_every_patch_is_here"))


class Skipped(unittest.TestCase):
    """What of the template moto skips without a word. cfn-lint has judged its
    properties; what it is to do is seen in an account only."""

    KINDS = {"AWS::CloudWatch::Alarm", "AWS::Glue::Database",
             "AWS::Glue::Table", "AWS::S3::BucketPolicy",
             "AWS::SNS::Subscription", "AWS::SNS::TopicPolicy",
             "AWS::SQS::QueuePolicy"}

    def test_kinds(self):
        with open(os.path.join(SOURCE, "cloudformation", "template.yaml"),
                  encoding="utf-8") as file:
            kinds = set(re.findall(r"^    Type: (AWS::[\w:]+)$", file.read(),
                                   re.MULTILINE))
        known = set(patches.parsing.get_model_map()) | {patches.SCHEDULE}
        self.assertEqual(kinds - known, self.KINDS)


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # of moto, which tells what it caught
    unittest.main()
