"""The template's policies beside AWS's own list of actions, resources and
conditions, as cfn-lint carries it: nothing is allowed on everything that could
be named, and nothing is named where a name would never match."""

import json
import os
import unittest

import cfnlint
from cfnlint.decode.cfn_yaml import load

from definitions import SOURCE

LIST = os.path.join(os.path.dirname(cfnlint.__file__), "data",
                    "AdditionalSpecs", "Policies.json")
# Roles that only a service may take on say for which account.
SERVICES = {"ecs-tasks.amazonaws.com", "states.amazonaws.com",
            "events.amazonaws.com", "scheduler.amazonaws.com",
            "pinpoint.amazonaws.com"}


def listed(value):
    return value if isinstance(value, list) else [value]


def statements(value):
    """Every statement below a value, through If and NoValue."""
    if isinstance(value, dict):
        if "Effect" in value:
            yield value
        for item in value.values():
            yield from statements(item)
    elif isinstance(value, list):
        for item in value:
            yield from statements(item)


class Rights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.template = load(os.path.join(
            SOURCE, "cloudformation", "template.yaml"))
        cls.resources = cls.template["Resources"]
        with open(LIST, encoding="utf-8") as file:
            cls.known = json.load(file)

    def policies(self):
        """(resource, statement) of all that roles may do."""
        for name, resource in self.resources.items():
            if resource["Type"] not in ("AWS::IAM::Role",
                                        "AWS::IAM::ManagedPolicy"):
                continue
            given = resource["Properties"]
            for key in ("Policies", "PolicyDocument"):
                for statement in statements(given.get(key, [])):
                    yield name, statement

    def kinds(self, action):
        service, _, operation = action.lower().partition(":")
        return self.known[service]["Actions"][operation].get("Resources", [])

    def test_everything_is_named_where_it_can_be(self):
        seen = 0
        for name, statement in self.policies():
            for action in listed(statement["Action"]):
                seen += 1
                self.assertNotIn("*", action, name)
                self.assertEqual(statement["Resource"] == "*",
                                 not self.kinds(action),
                                 "%s: %s" % (name, action))
        self.assertGreater(seen, 40)

    def test_roles_are_passed_to_one_service(self):
        passed = [s for _, s in self.policies()
                  if "iam:PassRole" in listed(s["Action"])]
        self.assertEqual(len(passed), 3)
        for statement in passed:
            self.assertEqual(set(statement["Condition"]["StringEquals"]),
                             {"iam:PassedToService"})

    def test_services_are_trusted_for_this_account_only(self):
        roles = [r for r in self.resources.values()
                 if r["Type"] == "AWS::IAM::Role"]
        self.assertEqual(len(roles), 10)
        for role in roles:
            for trust in role["Properties"]["AssumeRolePolicyDocument"][
                    "Statement"]:
                self.assertIn(trust["Principal"]["Service"], SERVICES)
                self.assertEqual(trust["Condition"]["StringEquals"],
                                 {"aws:SourceAccount":
                                  {"Ref": "AWS::AccountId"}})

    def test_the_container_may_do_little(self):
        container = self.resources["TaskDefinition"]["Properties"][
            "ContainerDefinitions"][0]
        self.assertTrue(container["ReadonlyRootFilesystem"])
        self.assertEqual(container["LinuxParameters"],
                         {"Capabilities": {"Drop": ["ALL"]}})
        self.assertNotIn(container["User"].partition(":")[0], ("", "0", "root"))
        self.assertEqual(container["StopTimeout"], 120)
        self.assertNotIn("Privileged", container)

    def test_a_plain_task_knows_its_job(self):
        """Its metrics are of the job that the alarms watch."""
        given = self.resources["TaskDefinition"]["Properties"][
            "ContainerDefinitions"][0]["Environment"]
        value, = [pair["Fn::If"][1]["Value"] for pair in given
                  if pair.get("Fn::If", ["", {}])[1].get("Name") ==
                  "LAKESEG_JOB_NAME" and pair["Fn::If"][0] == "IsPlain"]
        for name in ("RejectsAlarm", "NoSuccessAlarm"):
            watched, = self.resources[name]["Properties"]["Dimensions"]
            self.assertEqual(watched, {"Name": "Job", "Value": value})

    def test_each_lost_start_rings(self):
        """Also while the one before still lies in the queue."""
        given = self.resources["NotStartedAlarm"]["Properties"]
        self.assertEqual((given["MetricName"], given["Statistic"]),
                         ("NumberOfMessagesSent", "Sum"))

    def test_every_bad_end_of_both_machines_is_counted(self):
        """A sum over metrics is late: one period of three is enough."""
        for name, machine in (("FailedAlarm", "StateMachine"),
                              ("NotToldAlarm", "TellMachine")):
            given = self.resources[name]["Properties"]
            self.assertEqual((given["EvaluationPeriods"],
                              given["DatapointsToAlarm"]), (3, 1))
            text = json.dumps([m for m in given["Metrics"]])
            for metric in ("ExecutionsFailed", "ExecutionsAborted",
                           "ExecutionsTimedOut"):
                self.assertIn('"MetricName": "%s", "Dimensions": [{"Name": '
                              '"StateMachineArn", "Value": {"Ref": "%s"}}]' %
                              (metric, machine), text)

    def test_nothing_is_deleted(self):
        self.assertEqual([], [s for _, s in self.policies()
                              for action in listed(s["Action"])
                              if action.lower().startswith("s3:delete")])

    def test_locks_and_jobs_are_of_this_job_alone(self):
        """A task of one stack cannot take the lock of another one's job."""
        text = json.dumps([s for _, s in self.policies()])
        for folder in ("locks", "jobs"):
            self.assertEqual(text.count("lakeseg/%s/" % folder),
                             text.count("lakeseg/%s/${J}/*" % folder))
            self.assertIn("lakeseg/%s/" % folder, text)

    def test_nobody_writes_everywhere_below_the_results(self):
        """Or the folders that the others are held to would mean nothing."""
        for name, statement in self.policies():
            if "s3:PutObject" in listed(statement["Action"]):
                self.assertNotIn("${P}*'", json.dumps(statement).replace(
                    '"', "'"), name)

    def test_a_job_without_a_name_has_its_stacks(self):
        """Two stacks with one name would hide each other's alarms, claims,
        locks and state."""
        self.assertEqual(self.template["Parameters"]["JobName"]["Default"], "")
        used = []

        def look(value):
            if isinstance(value, dict):
                if value.get("Fn::If", [""])[0] == "HasJobName":
                    used.append(value)
                    return
                self.assertNotEqual(value.get("Ref"), "JobName")
            if isinstance(value, (dict, list)):
                for item in value.values() if isinstance(value, dict) \
                        else value:
                    look(item)
            elif isinstance(value, str):
                self.assertNotIn("${JobName}", value)

        look(self.resources)
        self.assertGreater(len(used), 10)
        for value in used:
            self.assertEqual(value, {"Fn::If": [
                "HasJobName", {"Ref": "JobName"}, {"Ref": "AWS::StackName"}]})


if __name__ == "__main__":
    unittest.main()
