"""The packaged template in moto, what its runs leave behind, and what AWS does
around it that moto does not: EventBridge and Scheduler."""

import datetime
import json
import os
import re
import subprocess
import threading

from cloud import ACCOUNT, REGION, until
from harness import SOURCE, check_manifest
from moto.events.models import EventPattern

CREATING = threading.Lock()  # moto makes one stack at a time
RESULTS = "s3://results/athena/"
LAKE = "s3://lake/tables/"
PARAMETERS = {
    "Image": "lakeseg:test", "DataLakeS3Path": LAKE, "GlueDatabase": "lake",
    "WorkGroup": "segments", "QueryResultsS3Path": RESULTS,
    "CustomerProfilesDomain": "crm", "PinpointProjectId": "app1"}


def packaged():
    """The file that is released, made as the release makes it."""
    return subprocess.run(
        [os.path.join(SOURCE, "scripts", "package"), "--output", "-"],
        stdout=subprocess.PIPE, check=True).stdout.decode()


def milliseconds(when):
    return None if when is None else int(when.timestamp() * 1000)


class Stack:
    def __init__(self, cloud, name, template, **parameters):
        self.cloud = cloud
        self.name = name
        self.formation = cloud.client("cloudformation")
        self.sfn = cloud.client("stepfunctions")
        self.s3 = cloud.local.s3()
        given = {**PARAMETERS, "JobName": name,
                 "HistoryDatabase": name.replace("-", "_"), **parameters}
        with CREATING:
            self.formation.create_stack(
                StackName=name, TemplateBody=template,
                Capabilities=["CAPABILITY_IAM"],
                Parameters=[{"ParameterKey": key, "ParameterValue": value}
                            for key, value in given.items()])
        self.template = template
        self.resources = {
            r["LogicalResourceId"]: r for r in
            self.formation.describe_stack_resources(StackName=name)[
                "StackResources"] if "LogicalResourceId" in r}
        self.topic = self.id("Topic")

    def id(self, logical):
        return self.resources[logical]["PhysicalResourceId"]

    # ---- runs ----

    def start(self, document, machine="StateMachine", role=None):
        """The run's id, which is the name of its execution. Without a role
        the operator starts it."""
        sfn = self.cloud.client("stepfunctions", role)
        return sfn.start_execution(
            stateMachineArn=self.id(machine), input=json.dumps(document))[
                "executionArn"].rsplit(":", 1)[1]

    def arn(self, run, machine="StateMachine"):
        return "%s:%s" % (self.id(machine).replace(
            ":stateMachine:", ":execution:"), run)

    def look(self, run, machine="StateMachine"):
        return self.sfn.describe_execution(
            executionArn=self.arn(run, machine))

    def end(self, run, machine="StateMachine", seconds=200):
        """What became of it; EventBridge has told the others by then."""
        def over():
            found = self.look(run, machine)
            return found if found["status"] != "RUNNING" else None

        found = until(over, "the end of %s of %s" % (run, self.name), seconds)
        if machine == "StateMachine":
            self.event_bridge(run, found)
        return found

    def states(self, run):
        """The states it was in, in their order."""
        events = self.sfn.get_execution_history(
            executionArn=self.arn(run), maxResults=1000)["events"]
        return [e["stateEnteredEventDetails"]["name"] for e in events
                if "stateEnteredEventDetails" in e]

    def tasks(self, run):
        return [t for t in self.cloud.tasks() if t.get("run") == run]

    def object(self, path):
        bucket, _, key = (RESULTS + path)[5:].partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def manifest(self, run, task):
        return check_manifest(self.object("lakeseg/%s/manifests/%s.json" % (
            run, task)))

    def keys(self, run):
        return self.cloud.local.objects(
            prefix="athena/lakeseg/%s/" % run)

    def change(self, pattern, text, count):
        """Deploys the machine anew, other in so many places."""
        machine = self.id("StateMachine")
        definition, found = re.subn(
            pattern, text, self.sfn.describe_state_machine(
                stateMachineArn=machine)["definition"])
        assert found == count, found
        self.sfn.update_state_machine(stateMachineArn=machine,
                                      definition=definition)

    def shorten(self, heartbeat_s):
        """Waits that a test can sit through: another HeartbeatSeconds, and a
        second before each repeat. Nothing else is changed."""
        self.change(r'"HeartbeatSeconds": *300',
                    '"HeartbeatSeconds": %d' % heartbeat_s, 3)
        self.change(r'"IntervalSeconds": *\d+', '"IntervalSeconds": 1', 9)

    # ---- EventBridge and Scheduler, which moto has not ----

    def event_bridge(self, run, found):
        """Delivers the status change to the target of the template's rule, if
        the rule's pattern, by moto's matcher, wants it."""
        events = self.cloud.client("events")
        rule = self.id("EndedBadly")
        pattern = json.loads(events.describe_rule(Name=rule)["EventPattern"])
        event = self.event(run, found)
        if not EventPattern(None, pattern).matches_event(event):
            return
        for target in events.list_targets_by_rule(Rule=rule)["Targets"]:
            assert target["Arn"] == self.id("TellMachine"), target
            teller = self.start(event, "TellMachine", target["RoleArn"])
            told = self.end(teller, "TellMachine")
            assert told["status"] == "SUCCEEDED", (
                told.get("error"), told.get("cause"))

    def schedule(self, when):
        """Does what Scheduler does at that time, with the schedule's role:
        the id of the run, or of the task when there is no machine."""
        name = self.id("Schedule" if "Schedule" in self.resources else
                       "PlainSchedule")
        target = self.cloud.client("scheduler").get_schedule(Name=name)[
            "Target"]
        if "Input" in target:
            assert target["Arn"] == self.id("StateMachine"), target
            text = target["Input"].replace("<aws.scheduler.scheduled-time>",
                                           when)
            return self.start(json.loads(text), role=target["RoleArn"])
        ecs = target["EcsParameters"]
        network = ecs["NetworkConfiguration"]["awsvpcConfiguration"]
        tasks = self.cloud.client("ecs", target["RoleArn"]).run_task(
            cluster=target["Arn"], taskDefinition=ecs["TaskDefinitionArn"],
            launchType=ecs["LaunchType"], networkConfiguration={
                "awsvpcConfiguration": {
                    name[:1].lower() + name[1:]: value
                    for name, value in network.items()}})["tasks"]
        return tasks[0]["taskArn"].rsplit("/", 1)[1]

    def event(self, run, found):
        """As https://docs.aws.amazon.com/step-functions/latest/dg/
        eventbridge-integration.html shows it."""
        return {
            "version": "0", "id": "315c1398-40ff-a850-213b-158f73e60175",
            "detail-type": "Step Functions Execution Status Change",
            "source": "aws.states", "account": ACCOUNT, "region": REGION,
            "time": datetime.datetime.now(datetime.timezone.utc).strftime(
                "%Y-%m-%dT%H:%M:%SZ"),
            "resources": [found["executionArn"]],
            "detail": {
                "executionArn": found["executionArn"],
                "stateMachineArn": found["stateMachineArn"],
                "name": run, "status": found["status"],
                "startDate": milliseconds(found["startDate"]),
                "stopDate": milliseconds(found.get("stopDate")),
                "input": found["input"], "output": found.get("output"),
                "error": found.get("error"), "cause": found.get("cause"),
                "inputDetails": {"included": True}, "outputDetails": None,
                "stateMachineVersionArn": None, "stateMachineAliasArn": None,
                "redriveCount": 0, "redriveDate": None,
                "redriveStatus": "NOT_REDRIVABLE",
                "redriveStatusReason": None}}


class Mailbox:
    """A queue that is subscribed to the topics of all stacks."""

    def __init__(self, cloud):
        self.sqs = cloud.client("sqs")
        self.sns = cloud.client("sns")
        self.url = self.sqs.create_queue(QueueName="mailbox")["QueueUrl"]
        self.queue = "arn:aws:sqs:%s:%s:mailbox" % (REGION, ACCOUNT)
        self.lock = threading.Lock()
        self.letters = []

    def subscribe(self, topic):
        self.sns.subscribe(TopicArn=topic, Protocol="sqs",
                           Endpoint=self.queue)

    def empty(self):
        """All letters that have come so far."""
        with self.lock:
            while True:
                found = self.sqs.receive_message(
                    QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages")
                if not found:
                    return list(self.letters)
                for message in found:
                    self.letters.append(json.loads(message["Body"]))
                    self.sqs.delete_message(
                        QueueUrl=self.url,
                        ReceiptHandle=message["ReceiptHandle"])

    def from_topic(self, topic):
        return [letter for letter in self.empty()
                if letter["TopicArn"] == topic]

    def of(self, run):
        """The messages about a run: (subject, attributes, text)."""
        letters = [(letter.get("Subject"), {
            name: value["Value"] for name, value in
            letter.get("MessageAttributes", {}).items()}, letter["Message"])
            for letter in self.empty()]
        return [letter for letter in letters if letter[1].get("run_id") == run]
