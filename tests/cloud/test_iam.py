"""The roles of the packaged template, judged offline: every call that the runs
of test_runs.py made is allowed to the role that made it; next to each of them
the like of it at another place is not, and neither is what a role has no
business with. Policies are those that moto made of the template.
"""

import json
import os
import subprocess
import unittest

import audit
from calls import ACCOUNT, arn, call, pass_role
from harness import SOURCE

TASKS = {"QueryRole", "TransformRole", "ImportRole"}
LAKESEG = "arn:aws:s3:::results/athena/lakeseg/"
RUN = LAKESEG + "run/"
# What the runs must have shown, so that a lost recording is no success.
SEEN = {
    "MachineRole": {"s3:PutObject", "ecs:RunTask", "iam:PassRole",
                    "sns:Publish", "kms:GenerateDataKey"},
    "TellRole": {"states:GetExecutionHistory", "sns:Publish"},
    "EventRole": {"states:StartExecution"},
    "ScheduleRole": {"states:StartExecution", "ecs:RunTask", "iam:PassRole"},
    "QueryRole": {"athena:StartQueryExecution", "athena:GetQueryExecution",
                  "athena:StopQueryExecution", "s3:GetObject", "s3:PutObject",
                  "states:SendTaskSuccess", "states:SendTaskFailure",
                  "states:SendTaskHeartbeat", "states:DescribeExecution"},
    "TransformRole": {"s3:GetObject", "s3:PutObject",
                      "states:SendTaskSuccess", "states:SendTaskFailure"},
    "ImportRole": {"mobiletargeting:CreateImportJob", "iam:PassRole",
                   "mobiletargeting:GetImportJob", "profile:CreateUploadJob",
                   "profile:StartUploadJob", "s3:GetObject",
                   "states:SendTaskSuccess", "states:SendTaskFailure"},
    "PlainRole": {"athena:StartQueryExecution", "sns:Publish",
                  "mobiletargeting:CreateImportJob"}}
# The like at another place: a part of the resource or of a condition's value,
# and what stands there instead.
ELSEWHERE = (
    ("arn:aws:s3:::results", "arn:aws:s3:::other"),
    ("arn:aws:s3:::lake", "arn:aws:s3:::other"),
    ("results/athena/", "results/private/"), ("lake/tables/", "lake/hr/"),
    ("athena/", "private/"), ("tables/", "hr/"),
    ("workgroup/segments", "workgroup/primary"),
    ("database/lake", "database/hr"), ("table/lake/", "table/hr/"),
    ("domains/crm", "domains/other"), ("/apps/", "/other/"),
    ("mobiletargeting:us-east-1", "mobiletargeting:eu-west-1"),
    ("profile:us-east-1", "profile:eu-west-1"),
    (":stateMachine:", ":stateMachine:other-"),
    (":execution:", ":execution:other-"),
    ("task-definition/", "task-definition/other-"),
    ("cluster/", "cluster/other-"), ("role/", "role/other-"),
    (":sns:us-east-1:%s:" % ACCOUNT, ":sns:us-east-1:%s:other-" % ACCOUNT),
    (":key/", ":key/0"),
    ("ecs-tasks.amazonaws.com", "ec2.amazonaws.com"),
    ("pinpoint.amazonaws.com", "ec2.amazonaws.com"))
# What has no other place: the catalog itself is one ARN for all that is in it,
# and a task's answer names nothing but its token.
ALONE = ("glue:", "states:SendTask")
NEVER = (
    call("s3:DeleteObject", RUN + "manifests/query.json"),
    call("s3:PutBucketPolicy", "arn:aws:s3:::results"),
    call("s3:PutObject", "arn:aws:s3:::lake/tables/customers/part.csv"),
    call("s3:DeleteObject", "arn:aws:s3:::lake/tables/customers/part.csv"),
    call("glue:DeleteTable", arn("glue", "table/lake/customers")),
    call("glue:UpdateTable", arn("glue", "table/lake/customers")),
    call("athena:UpdateWorkGroup", arn("athena", "workgroup/segments")),
    call("athena:DeleteWorkGroup", arn("athena", "workgroup/segments")),
    call("mobiletargeting:DeleteApp", arn("mobiletargeting", "apps/app1")),
    call("mobiletargeting:SendMessages", arn("mobiletargeting",
                                             "apps/app1/messages")),
    call("profile:DeleteDomain", arn("profile", "domains/crm")),
    call("profile:DeleteProfile", arn("profile", "domains/crm")),
    call("iam:CreateRole", "arn:aws:iam::%s:role/new" % ACCOUNT),
    call("iam:PutRolePolicy", "arn:aws:iam::%s:role/new" % ACCOUNT),
    call("sts:AssumeRole", "arn:aws:iam::%s:role/admin" % ACCOUNT),
    call("states:StopExecution", arn("states", "execution:any:any")),
    call("states:UpdateStateMachine", arn("states", "stateMachine:any")),
    call("ecs:RegisterTaskDefinition", arn("ecs", "task-definition/any:1")),
    pass_role("arn:aws:iam::%s:role/admin" % ACCOUNT,
              "ecs-tasks.amazonaws.com"))


def tasks_never(role):
    """What is another task's."""
    own = {
        "QueryRole": [call("athena:StartQueryExecution",
                           arn("athena", "workgroup/segments"))],
        "TransformRole": [call("s3:PutObject", RUN + "import/p0000/a.csv")],
        "ImportRole": [
            call("mobiletargeting:CreateImportJob",
                 arn("mobiletargeting", "apps/app1/jobs/import")),
            call("profile:CreateUploadJob", arn("profile", "domains/crm"))]}
    own["QueryRole"] += [call("s3:GetObject",
                              "arn:aws:s3:::lake/tables/customers/part.csv")]
    return [need for name, needs in own.items() if name != role
            for need in needs] + [
        call("s3:PutObject", LAKESEG + name) for name in (
            "locks/another/running", "locks/another/2026-11-26T06:00:00Z",
            "jobs/another/state.json")]


def elsewhere(need):
    """The same wish for other places."""
    for old, new in ELSEWHERE:
        if old in need["resource"]:
            yield dict(need, resource=need["resource"].replace(old, new, 1))
        for key, value in need["context"].items():
            if old in value:
                yield dict(need, context={
                    **need["context"], key: value.replace(old, new, 1)})


class Rights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(audit.FILE, encoding="utf-8") as file:
            recorded = json.load(file)
        cls.roles = recorded["roles"]
        cls.keys = recorded["keys"]

    def judge(self, wishes):
        """wishes: (role's ARN, need)."""
        requests = [{**need, "policies": self.roles[role]["policies"],
                     "resourcePolicy": self.keys.get(need["resource"])}
                    for role, need in wishes]
        done = subprocess.run(
            ["node", os.path.join(SOURCE, "tests", "cloud", "simulate.cjs"),
             os.path.join(SOURCE, ".deps", "cloud")],
            input=json.dumps(requests).encode(), stdout=subprocess.PIPE,
            check=True)
        return json.loads(done.stdout)

    def expect(self, word, wishes):
        self.assertTrue(wishes)
        wrong = ["%s of %s: %s %s %s: %s" % (
            self.roles[role]["name"], self.roles[role]["stack"],
            need["action"], need["resource"], need["context"], found)
            for (role, need), found in zip(wishes, self.judge(wishes))
            if found != word]
        self.assertEqual(wrong, [], "\n".join(wrong))

    def called(self):
        return [(role, need) for role, fields in self.roles.items()
                for need in fields["needs"]]

    def named(self, name):
        return [(role, fields) for role, fields in self.roles.items()
                if fields["name"] == name]

    def test_recorded(self):
        for name, actions in SEEN.items():
            found = {need["action"] for _, fields in self.named(name)
                     for need in fields["needs"]}
            self.assertLessEqual(actions, found, name)

    def test_called(self):
        self.expect("Allowed", self.called())

    def test_elsewhere(self):
        wishes = [(role, other) for role, need in self.called()
                  if not need["action"].startswith(ALONE)
                  for other in elsewhere(need)]
        self.expect("ImplicitlyDenied", wishes)
        without = {need["action"] for _, need in self.called()} - {
            need["action"] for _, need in wishes}
        self.assertEqual({action for action in without
                          if not action.startswith(ALONE)}, set())

    def test_never(self):
        self.expect("ImplicitlyDenied", [
            (role, need) for role, fields in self.roles.items()
            for need in NEVER])

    def test_tasks_of_others(self):
        self.expect("ImplicitlyDenied", [
            (role, need) for role, fields in self.roles.items()
            if fields["name"] in TASKS
            for need in tasks_never(fields["name"])])

    def test_service_roles(self):
        """What a service does with a role, where no program is at work."""
        good, bad = [], []
        for role, fields in self.named("ExecutionRole"):
            log = "log-group:/lakeseg/%s:log-stream:task/lakeseg/1"
            for action in ("CreateLogStream", "PutLogEvents"):
                good.append((role, call("logs:" + action, arn(
                    "logs", log % fields["stack"]))))
                bad.append((role, call("logs:" + action, arn(
                    "logs", log % "other"))))
        for role, fields in self.named("PinpointRole"):
            good.append((role, call("s3:GetObject",
                                    RUN + "import/p0000/part-0000.csv")))
            good.append((role, {
                "action": "s3:ListBucket", "resource": "arn:aws:s3:::results",
                "context": {"s3:prefix":
                            "athena/lakeseg/run/import/p0000/"}}))
            bad.append((role, call("s3:GetObject",
                                   RUN + "rejects/rejects.jsonl")))
            bad.append((role, call("s3:GetObject",
                                   RUN + "manifests/query.json")))
            bad.append((role, {
                "action": "s3:ListBucket", "resource": "arn:aws:s3:::results",
                "context": {"s3:prefix": "athena/"}}))
            bad.append((role, call("s3:PutObject",
                                   RUN + "import/p0000/part-0000.csv")))
        self.expect("Allowed", good)
        self.expect("ImplicitlyDenied", bad)


if __name__ == "__main__":
    unittest.main()
