"""scripts/deploy without an account, and the page that tells about it."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

from cfnlint.decode.cfn_yaml import load
from moto.events.models import EventPattern

from definitions import SOURCE

sys.path.insert(0, os.path.join(SOURCE, "scripts"))
import deploy_parameters  # noqa: E402

TEMPLATE = os.path.join(SOURCE, "cloudformation", "template.yaml")


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def deploy(*words, **environment):
    return subprocess.run(
        [os.path.join(SOURCE, "scripts", "deploy"), *words],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False, timeout=300, env={**os.environ, **environment})


class Check(unittest.TestCase):
    def refused(self, status, word, *words):
        done = deploy(*words)
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertIn(word, done.stdout)
        self.assertNotIn("Traceback", done.stdout)

    def test_is_green(self):
        """With a file of SQL, which is quoted as the parameter wants it."""
        with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
            file.write('SELECT "a" AS Id,\n\t\'\\\' AS "Attributes.b"\nFROM t\n')
            file.flush()
            done = deploy("--check", "--query-file", file.name, "--set",
                          "Image=lakeseg:1", "--set",
                          "ScheduleExpression=cron(0 6 * * ? *)")
        self.assertEqual((done.returncode, "all well" in done.stdout),
                         (0, True), done.stdout)

    def test_bad_parameters_are_named(self):
        for word, pair in [
                ("no parameter 'Imag'", "Imag=x"),
                ("6", "ScheduleExpression=cron(0 6 * * ?)"),
                ("Destination", "Destination=mailchimp"),
                ("less than 0", "MinRows=-1"),
                ("more than 100", "MaxRejectPercent=101"),
                ("no number", "MinRows=ten"),
                ("s3://BUCKET/", "DataLakeS3Path=s3://lake"),
                ("three folders", "DataLakeS3Path=s3://lake/a/b/c/d/"),
                ("JSON string", "Query=SELECT 1 AS \"Id\""),
                ("4096", "Query=" + "a" * 4097),
                ("21 to 200", "ScratchGiB=20"),
                ("21 to 200", "ScratchGiB=201"),
                ("less than 3", "ResultRetentionDays=2"),
                ("ids", "SubnetIds=subnet-1, subnet-2")]:
            with self.subTest(pair[:40]):
                self.refused(65, word, "--check", "--set", pair)

    def test_rules_between_parameters(self):
        self.refused(65, "not both", "--check", "--set", "Query=SELECT 1",
                     "--set", "JobUri=s3://jobs/a.json")
        self.refused(65, "plain takes", "--check", "--set",
                     "Orchestration=plain", "--set", "Query=SELECT 1")

    def test_names_of_stacks(self):
        for name, word in (("a" * 65, "64"), ("1st", "letter"),
                           ("a_b", "letters")):
            self.refused(65, word, "--check", "--stack", name)
        self.refused(65, "58", "--check", "--stack", "a" * 59, "--set",
                     "Orchestration=plain", "--set", "JobUri=s3://jobs/a.json")

    def test_usage(self):
        self.refused(64, "--stack", "--set", "Image=x")
        self.refused(64, "NAME=VALUE", "--check", "--set", "Image")
        self.refused(64, "cannot read", "--check", "--query-file", "/no/file")

    def test_without_the_cli(self):
        with tempfile.TemporaryDirectory() as empty:
            done = subprocess.run(
                [sys.executable, os.path.join(SOURCE, "scripts", "deploy"),
                 "--stack", "s"], stdout=subprocess.PIPE, text=True,
                stderr=subprocess.STDOUT, check=False, env={"PATH": empty})
        self.assertEqual(done.returncode, 78, done.stdout)
        self.assertIn("AWS CLI", done.stdout)


class Rules(unittest.TestCase):
    def setUp(self):
        self.known = deploy_parameters.read(read(
            "cloudformation", "template.yaml"))

    def said(self, is_check=True, **given):
        return "; ".join(deploy_parameters.faults(given, self.known, is_check))

    def test_each_is_known(self):
        """To a check, and to a new stack, which has the defaults."""
        whole = {"CustomerProfilesDomain": "acme"}
        uri = {"JobUri": "s3://jobs/a.json"}
        for word, given in [
                ("needs PinpointProjectId", {"Destination": "pinpoint"}),
                ("CustomerProfilesDomain", {
                    "Destination": "customer-profiles",
                    "CustomerProfilesDomain": ""}),
                ("a Query or a JobUri", {"ScheduleExpression": "rate(1 days)"}),
                ("not both", {"Query": "SELECT 1", **uri}),
                ("SubnetIds", {"Network": "existing",
                               "SubnetIds": "subnet-1"}),
                ("parts", {"Orchestration": "parts"}),
                ("plain needs", {"Orchestration": "plain"})]:
            with self.subTest(word):
                self.assertIn(word, self.said(**given))
                self.assertIn(word, "; ".join(deploy_parameters.faults_of_new(
                    {**whole, **given}, self.known)))
        self.assertEqual(deploy_parameters.faults_of_new(whole, self.known),
                         [])
        self.assertIn("Domain", deploy_parameters.faults_of_new(
            {}, self.known)[0])

    def test_as_many_as_the_template_has(self):
        """What it asserts more than this list must come here too."""
        rules = load(TEMPLATE)["Rules"]
        texts = {a["AssertDescription"] for rule in rules.values()
                 for a in rule["Assertions"]}
        source = re.sub(r'" \\\n +"', "", read("scripts",
                                               "deploy_parameters.py"))
        self.assertEqual({t for t in texts if t not in source}, set())

    def test_an_update_knows_what_it_is_given(self):
        for given in ({"Orchestration": "parts"}, {"Orchestration": "plain"},
                      {"ScheduleExpression": "rate(1 days)"},
                      {"Destination": "pinpoint"}, {"Network": "existing"}):
            self.assertEqual(self.said(False, **given), "")
        self.assertIn("PinpointProjectId", self.said(
            False, Destination="pinpoint", PinpointProjectId=""))


class Template(unittest.TestCase):
    def setUp(self):
        self.template = load(TEMPLATE)

    def test_our_reader_of_parameters_agrees(self):
        ours = deploy_parameters.read(read("cloudformation", "template.yaml"))
        theirs = json.loads(json.dumps(self.template["Parameters"]))
        self.assertEqual(
            ours, {name: {key: [str(v) for v in value]
                          if isinstance(value, list) else str(value)
                          for key, value in fields.items()}
                   for name, fields in theirs.items()})

    def test_every_parameter_is_explained_and_in_one_group(self):
        groups = self.template["Metadata"]["AWS::CloudFormation::Interface"][
            "ParameterGroups"]
        shown = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(shown), sorted(self.template["Parameters"]))
        for name, fields in self.template["Parameters"].items():
            self.assertTrue(fields.get("Description"), name)

    def test_schedules_send_what_the_state_machine_reads(self):
        """moto knows no schedules. The query is put between quotes as it is:
        whatever the parameter's pattern lets through must give JSON."""
        schedule = self.template["Resources"]["Schedule"]["Properties"]
        uri, query = [choice["Fn::Sub"] for choice in
                      schedule["Target"]["Input"]["Fn::If"][1:]]
        pattern = self.template["Parameters"]["Query"]["AllowedPattern"]
        for text in ('SELECT "a\\b"\n\tFROM t -- \u00e9\x07', "${Query} $x", ""):
            written = json.dumps(text)[1:-1]
            self.assertTrue(re.fullmatch(pattern, written), written)
            self.assertEqual(
                json.loads(query.replace("${Query}", written)),
                {"Query": text,
                 "ScheduledTime": "<aws.scheduler.scheduled-time>"})
        for bad in ('a"b', "a\\", "a\nb", "\\x", "\\u12g4"):
            self.assertIsNone(re.fullmatch(pattern, bad), bad)
        self.assertEqual(json.loads(uri)["JobUri"], "${JobUri}")
        for name in ("Schedule", "PlainSchedule"):
            retry = self.template["Resources"][name]["Properties"]["Target"][
                "RetryPolicy"]
            self.assertLessEqual(retry["MaximumRetryAttempts"], 185)
            self.assertTrue(60 <= retry["MaximumEventAgeInSeconds"] <= 86400)

    def test_the_rule_sends_what_is_read_and_not_the_input(self):
        rule = self.template["Resources"]["EndedBadly"]["Properties"]
        given = rule["Targets"][0]["InputTransformer"]
        paths = given["InputPathsMap"]
        text = re.sub(r"<(\w+)>", lambda m: json.dumps(paths[m.group(1)]),
                      given["InputTemplate"])
        sent = json.loads(text)["detail"]
        self.assertEqual(sent, {key: "$.detail." + key for key in sent})
        read_there = set(re.findall(r"\$\.detail\.(\w+)",
                                    read("cloudformation", "tell.asl.json")))
        self.assertEqual(set(sent), read_there)

    def test_the_plain_rule_hears_of_tasks_that_could_not_tell(self):
        """By moto's matcher; it does not look into lists as EventBridge does,
        so an event has its containers' fields as a list each."""
        rule = self.template["Resources"]["TaskLost"]["Properties"]
        wanted = json.loads(json.dumps(rule["EventPattern"]))
        wanted["detail"]["clusterArn"] = ["arn:c"]

        def heard(containers, **detail):
            return EventPattern(None, wanted).matches_event({
                "source": "aws.ecs", "detail-type": "ECS Task State Change",
                "detail": {"clusterArn": "arn:c", "lastStatus": "STOPPED",
                           "stopCode": "EssentialContainerExited",
                           "containers": containers, **detail}})

        self.assertTrue(heard({"exitCode": [137]}))
        self.assertTrue(heard({"lastStatus": ["STOPPED"]}))
        self.assertTrue(heard({"exitCode": [0]}, stopCode="TaskFailedToStart"))
        for told in (0, 1, 65, 69, 75, 130, 143):
            self.assertFalse(heard({"exitCode": [told]}), told)
        self.assertFalse(heard({"lastStatus": ["RUNNING"]},
                               lastStatus="RUNNING"))
        self.assertFalse(heard({"exitCode": [137]}, clusterArn="arn:other"))
        given = rule["Targets"][0]["InputTransformer"]
        text = json.loads(given["InputTemplate"]["Fn::Sub"][0])
        self.assertEqual(set(re.findall(r"<(\w+)>", text)),
                         set(given["InputPathsMap"]))

    def test_tasks_get_settings_that_are_documented(self):
        settings = read("docs", "settings.md") + read("docs", "sfn-task.md")
        text = read("cloudformation", "template.yaml") + \
            read("cloudformation", "state-machine.asl.json")
        names = set(re.findall(r"\bLAKESEG_\w+", text))
        self.assertGreater(len(names), 15)
        self.assertEqual({n for n in names if "`%s`" % n not in settings},
                         set())


class Page(unittest.TestCase):
    def test_pictures_are_current(self):
        done = subprocess.run(
            [os.path.join(SOURCE, "scripts", "state-diagram"), "--check"],
            check=False, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        page = read("docs", "deploy.md")
        for name in json.loads(read("cloudformation",
                                    "state-machine.asl.json"))["States"]:
            self.assertIn("  " + name, page)

    def test_names_parameters_and_outputs_that_exist(self):
        template = load(TEMPLATE)
        known = set(template["Parameters"])
        page = read("docs", "deploy.md")
        used = set(re.findall(r"--set '?(\w+)=", page + read(
            "scripts", "deploy")))
        self.assertGreater(len(used), 8)
        self.assertEqual(used - known - {"NAME"}, set())
        quoted = set(re.findall(r"`([A-Z][a-z]+[A-Z]\w+)`", page))
        self.assertEqual(quoted - known - set(template["Outputs"]) - set(
            "TaskLost ServiceUnavailable AlreadyRunning".split()), set())


if __name__ == "__main__":
    unittest.main()
