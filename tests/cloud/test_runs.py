"""The packaged template deployed to moto, and its state machine run there over
the real programs: every way that a run can go, with the state that it ends in,
the one message about it, and what is left in S3.

Every test has a stack of its own; several run at once. What they called, and
with whose rights, goes into a file: test_iam.py reads it.
"""

import concurrent.futures
import json
import os
import signal
import sys
import time
import unittest

import boto3

import audit
import models
import stack as stacks
from cloud import Cloud, until
from harness import KEY, SECRET

AT_ONCE = 5
PATIENCE_S = 40  # of a state: longer than a task needs to start, under load
PEOPLE = "SELECT Id, Address, ChannelType, \"User.UserId\" FROM customers"
WAITING = ("task_killed", "timed_out", "double_delivery")  # begin with them
TASK_ENV = {"LAKESEG_POLL_INTERVAL_MS": "100", "LAKESEG_RETRY_BASE_MS": "10",
            "LAKESEG_HEARTBEAT_S": "1", "LAKESEG_THREADS": "1"}
for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if variable in os.environ:
        TASK_ENV[variable] = os.environ[variable]


def csv(rows):
    return "Id,Address,ChannelType,User.UserId\n" + "".join(
        "%s,%s,EMAIL,%s\n" % row for row in rows)


def people(count):
    return [("e%d" % n, "p%d@example.com" % n, "u%d" % n)
            for n in range(count)]


class Runs(unittest.TestCase):
    cloud = mail = template = None
    stacks = []

    def setUp(self):
        name = self.id().rpartition(".test_")[2].replace("_", "-")
        self.name = name
        self.app = name.replace("-", "")

    def deploy(self, **parameters):
        parameters.setdefault("Destination", "pinpoint")
        parameters.setdefault("PinpointProjectId", self.app)
        self.stack = stacks.Stack(self.cloud, self.name, self.template,
                                  **parameters)
        self.stacks.append(self.stack)
        self.mail.subscribe(self.stack.topic)
        return self.stack

    def sql(self, table="customers"):
        """A query that can be told from those of the other tests."""
        return "%s WHERE '%s' <> ''" % (
            PEOPLE.replace("customers", table), self.name)

    def told(self, run, subject, error=None):
        """Exactly one message about the run."""
        letters = self.mail.of(run)
        self.assertEqual([letter[0] for letter in letters], [subject])
        attributes = {"notification_type": "failure" if error else "success",
                      "run_id": run, "run_name": self.name}
        if error is not None:
            attributes["error_name"] = error
        self.assertEqual(letters[0][1], attributes)
        self.assertIn(run, letters[0][2])
        return letters[0][2]

    def fails(self, run, error, subject, last="Failed"):
        """It ends so, and tells it once, although EventBridge reports it."""
        found = self.stack.end(run)
        self.assertEqual((found["status"], found.get("error")),
                         ("FAILED", error), found)
        self.assertEqual(self.stack.states(run)[-1], last)
        return self.told(run, subject, error)

    def says_why(self, run, task, stage, error):
        manifest = self.stack.manifest(run, task)
        self.assertEqual((manifest["status"], manifest["error"]["name"],
                          manifest["error"]["stage"]),
                         ("failed", error, stage))
        self.assertEqual(self.history(run), manifest)
        return manifest

    def history(self, run):
        return json.loads(self.stack.object(
            "lakeseg/history/manifests/%s.json" % run))

    def succeeds(self, run):
        found = self.stack.end(run)
        self.assertEqual(found["status"], "SUCCEEDED", found)
        self.assertEqual(self.stack.states(run)[-1], "Succeeded")
        manifest = self.stack.manifest(run, "import")
        self.assertEqual(manifest["status"], "succeeded")
        self.assertEqual(manifest["run"]["id"], run)
        self.assertEqual(self.history(run), manifest)
        self.told(run, "successful")
        return manifest

    def endpoints(self):
        return self.cloud.local.admin("endpoints/" + self.app)

    def imports(self, app=None):
        return self.cloud.local.admin("imports/" + (app or self.app))

    def logs(self):
        """For whoever reads that this test failed."""
        tasks = [t for t in self.cloud.tasks() if self.name in t["role"]]
        return "".join(
            "\n--- %s, exit status %s\n%s" % (
                " ".join(t["words"]), t.get("exit"),
                self.cloud.task_log(t)[-2000:]) for t in tasks) + \
            "\n--- moto\n" + self.cloud.moto_errors()

    # ---- a query that is on ----

    def slow(self):
        """The next query of this test does not end by itself."""
        self.cloud.local.admin("queries", {
            "match": "'%s'" % self.name, "running_ms": 3600000})
        self.addCleanup(self.stop_queries)

    def queries(self, state):
        return [q["id"] for q in self.cloud.local.admin("queries")
                if "'%s'" % self.name in q["sql"] and q["state"] == state]

    def query(self, state):
        """The test's query, once it is in that state."""
        return until(lambda: self.queries(state), "a query %s" % state)[0]

    def stop_queries(self):
        """As somebody does it in Athena's console."""
        for query in self.queries("RUNNING"):
            self.cloud.client("athena").stop_query_execution(
                QueryExecutionId=query)

    def pids(self, run):
        """Of the task that is on: its own, and those of its stages."""
        task, = [t for t in self.stack.tasks(run) if "exit" not in t]
        with open("/proc/%d/task/%d/children" % (task["pid"], task["pid"]),
                  encoding="ascii") as file:
            return task["pid"], [int(pid) for pid in file.read().split()]

    # ---- the ways ----

    def test_success(self):
        stack = self.deploy()
        run = stack.start({"Query": self.sql()})
        manifest = self.succeeds(run)
        self.assertEqual(stack.states(run), [
            "StoreInput", "IsScheduled", "ByHand", "Query", "IsDuplicate",
            "Transform", "Import", "NotifySuccess", "Succeeded"])
        self.assertEqual(len(self.endpoints()), 20)
        self.assertEqual(manifest["validate"]["result"]["rows_out"], 20)
        roles = [task["role"].rsplit("/", 1)[1] for task in stack.tasks(run)]
        self.assertEqual(roles, [stack.id(role) for role in (
            "QueryRole", "TransformRole", "ImportRole")])
        self.assertEqual([t["exit"] for t in stack.tasks(run)], [0, 0, 0])
        self.assertIn("athena/lakeseg/%s/report/report.html" % run,
                      stack.keys(run))

    def test_success_profiles(self):
        stack = self.deploy(Destination="customer-profiles")
        run = stack.start({"Query": self.sql(),
                           "import": {"max_unknown_keys_percent": 100}})
        manifest = self.succeeds(run)
        self.assertEqual(manifest["import"]["destination"],
                         "customer-profiles")
        self.assertEqual(len(self.cloud.local.admin("profiles/crm")), 20)

    def test_job_uri(self):
        """A job in S3, for what an input may not hold."""
        stack = self.deploy()
        job = "lakeseg/jobs/%s/job.json" % self.name
        stack.s3.put_object(
            Bucket="results", Key="athena/" + job, Body=json.dumps({
                "lakeseg": 1, "run": {"name": self.name},
                "query": {"sql": self.sql() + " -- " + "x" * 200000}}))
        run = stack.start({"JobUri": stacks.RESULTS + job})
        self.succeeds(run)

    def test_query_invalid(self):
        stack = self.deploy()
        run = stack.start({"Query": "DROP TABLE customers"})
        self.fails(run, "QueryInvalid", "query invalid")
        self.says_why(run, "query", "query-validate", "QueryInvalid")
        self.assertEqual(len(stack.tasks(run)), 1)

    def test_query_failed(self):
        stack = self.deploy()
        run = stack.start({"Query": self.sql("nowhere")})
        self.fails(run, "QueryFailed", "query failed")
        self.says_why(run, "query", "athena-exec", "QueryFailed")

    def test_cancelled(self):
        """Somebody stops the query in Athena."""
        stack = self.deploy()
        self.slow()
        run = stack.start({"Query": self.sql()})
        self.query("RUNNING")
        self.stop_queries()
        self.fails(run, "QueryCancelled", "query failed")
        self.says_why(run, "query", "athena-exec", "QueryCancelled")

    def test_too_many_rejects(self):
        stack = self.deploy()
        run = stack.start({"Query": self.sql("broken")})
        self.fails(run, "DataInvalid", "import failed: nothing imported")
        self.says_why(run, "transform", "csv-validate-normalize",
                      "DataInvalid")
        self.assertEqual(self.imports(), [])
        self.assertTrue([k for k in stack.keys(run) if "/rejects/" in k])

    def test_import_failed(self):
        """The file is gone when the service wants to read it."""
        stack = self.deploy()
        run = stack.start({"Query": self.sql()})
        self.fails(run, "ImportFailed", "import failed: partly imported")
        self.says_why(run, "import", "pinpoint-import", "ImportFailed")
        self.assertEqual([j["JobStatus"] for j in self.imports()], ["FAILED"])

    def test_partial(self):
        """A user who has 15 endpoints already may not have another."""
        stack = self.deploy()
        pinpoint = boto3.client(
            "pinpoint", endpoint_url=self.cloud.local.url,
            region_name="us-east-1", aws_access_key_id=KEY,
            aws_secret_access_key=SECRET)
        pinpoint.update_endpoints_batch(
            ApplicationId=self.app, EndpointBatchRequest={"Item": [
                {"Id": "old%d" % n, "ChannelType": "EMAIL",
                 "Address": "old%d@example.com" % n,
                 "User": {"UserId": "u7"}} for n in range(15)]})
        run = stack.start({"Query": self.sql()})
        self.fails(run, "ImportPartial", "import failed: partly imported")
        self.says_why(run, "import", "pinpoint-import", "ImportPartial")
        self.assertEqual(len(self.endpoints()), 15 + 19)

    def test_stage_killed(self):
        """Nothing waits for a heartbeat: the task sees its stage die."""
        stack = self.deploy()
        self.slow()
        run = stack.start({"Query": self.sql()})
        self.query("RUNNING")
        _, stages = self.pids(run)
        for pid in stages:
            os.kill(pid, signal.SIGKILL)
        self.fails(run, "InternalError", "query failed")
        self.assertEqual(self.stack.manifest(run, "query")["error"]["name"],
                         "InternalError")

    def test_task_killed(self):
        """The heartbeat is missed; the next run finds a dead run's lock."""
        stack = self.deploy()
        stack.shorten(PATIENCE_S)
        self.slow()
        run = stack.start({"Query": self.sql()})
        self.query("RUNNING")
        task, stages = self.pids(run)
        for pid in [task, *stages]:
            os.kill(pid, signal.SIGKILL)
        text = self.fails(run, "TaskLost", "query failed")
        self.assertIn("TaskLost", text)
        self.assertEqual(
            [e["taskTimedOutEventDetails"]["error"] for e in
             stack.sfn.get_execution_history(
                 executionArn=stack.arn(run))["events"]
             if "taskTimedOutEventDetails" in e], ["States.HeartbeatTimeout"])
        lock = "lakeseg/locks/%s/running" % self.name
        self.assertIn(stack.arn(run).encode(), stack.object(lock))
        again = stack.start({"Query": self.sql()})
        self.succeeds(again)
        self.assertIn(stack.arn(again).encode(), stack.object(lock))

    def test_aborted(self):
        """StopExecution: no state sees it. The task learns it by its next
        heartbeat and stops the query; the rule starts who tells it."""
        stack = self.deploy()
        self.slow()
        run = stack.start({"Query": self.sql()})
        self.query("RUNNING")
        stack.sfn.stop_execution(executionArn=stack.arn(run))
        found = stack.end(run)
        self.assertEqual(found["status"], "ABORTED", found)
        self.told(run, "query failed", "Interrupted")
        self.query("CANCELLED")
        task, = until(lambda: [t for t in stack.tasks(run) if "exit" in t],
                      "the end of the task")
        self.assertNotEqual(task["exit"], 0)

    def test_timed_out(self):
        """The execution takes longer than it may: no state sees that."""
        stack = self.deploy()
        stack.change(r'"TimeoutSeconds": *172800',
                     '"TimeoutSeconds": %d' % PATIENCE_S, 1)
        self.slow()
        run = stack.start({"Query": self.sql()})
        self.assertEqual(stack.end(run)["status"], "TIMED_OUT")
        self.told(run, "query failed", "TaskLost")
        self.query("CANCELLED")

    def test_nonsense(self):
        """Somebody answers for the task, without a field that the next state
        wants: States.Runtime, which no Catch sees."""
        stack = self.deploy()
        self.slow()
        run = stack.start({"Query": self.sql()})
        self.query("RUNNING")
        stack.sfn.send_task_success(taskToken=self.token(run),
                                    output='{"status": "pending"}')
        found = stack.end(run)
        self.assertEqual((found["status"], found["error"]),
                         ("FAILED", "States.Runtime"))
        self.told(run, "import failed: nothing imported", "States.Runtime")
        self.query("CANCELLED")

    def token(self, run):
        """Of the run's first task, as it went to ECS."""
        for exchange in self.cloud.front.kept:
            if run.encode() in exchange.body and \
                    b"LAKESEG_TASK_TOKEN" in exchange.body:
                overrides = json.loads(exchange.body)["overrides"]
                for pair in overrides["containerOverrides"][0]["environment"]:
                    if pair["name"] == "LAKESEG_TASK_TOKEN":
                        return pair["value"]
        raise AssertionError("no task of " + run)

    def test_throttled(self):
        """ECS and Athena say that it is too much; the states repeat."""
        stack = self.deploy()
        stack.shorten(PATIENCE_S * 10)
        ours = self.name.encode()
        self.cloud.front.refuse("RunTask", "ThrottlingException",
                                holds=lambda kept: ours in kept.body)
        self.cloud.front.refuse("StartQueryExecution", "ThrottlingException",
                                count=3, holds=lambda kept: ours in kept.body)
        run = stack.start({"Query": self.sql()})
        self.succeeds(run)
        self.assertEqual(
            [t["exit"] for t in stack.tasks(run)][1:], [0, 0, 0])
        events = stack.sfn.get_execution_history(
            executionArn=stack.arn(run), maxResults=1000)["events"]
        self.assertEqual([e["taskFailedEventDetails"]["error"]
                          for e in events if "taskFailedEventDetails" in e],
                         ["ECS.ThrottlingException", "Throttled"])

    def test_double_delivery(self):
        stack = self.deploy(ScheduleExpression="cron(0 6 * * ? *)",
                            Query=json.dumps(self.sql())[1:-1])
        first = stack.schedule("2026-11-26T06:00:00Z")
        self.succeeds(first)
        second = stack.schedule("2026-11-26T06:00:00Z")
        self.assertEqual(stack.end(second)["status"], "SUCCEEDED")
        self.assertEqual(stack.states(second)[-1], "Duplicate")
        self.assertEqual(self.mail.of(second), [])
        self.assertEqual(len(self.imports()), 1)
        self.succeeds(stack.schedule("2026-11-27T06:00:00Z"))

    def test_plain(self):
        """Without a state machine: the schedule starts lakeseg run."""
        job = "lakeseg/jobs/%s/job.json" % self.name
        stack = self.deploy(
            Orchestration="plain", ScheduleExpression="rate(1 days)",
            JobUri=stacks.RESULTS + job)
        stack.s3.put_object(Bucket="results", Key="athena/" + job,
                            Body=json.dumps({"Query": self.sql()}))
        task = stack.schedule("2026-11-26T06:00:00Z")
        ended, = until(lambda: [t for t in self.cloud.tasks() if
                                t["task"] == task and "exit" in t],
                       "the end of the task")
        self.assertEqual(ended["exit"], 0)
        self.assertEqual(ended["role"].rsplit("/", 1)[1],
                         stack.id("PlainRole"))
        self.assertEqual(len(self.endpoints()), 20)
        letter, = self.mail.from_topic(stack.topic)
        self.assertEqual(letter["Subject"], "successful")
        self.assertRegex(self.cloud.task_log(ended),
                         r'"Job": ?"%s"' % self.name)

    def test_overlap(self):
        stack = self.deploy()
        self.slow()
        first = stack.start({"Query": self.sql()})
        self.query("RUNNING")
        second = stack.start({"Query": self.sql()})
        self.fails(second, "AlreadyRunning", "query failed")
        self.says_why(second, "query", "query-validate", "AlreadyRunning")
        self.assertEqual(stack.look(first)["status"], "RUNNING")
        self.stop_queries()
        self.fails(first, "QueryCancelled", "query failed")

    def test_nobody_tells(self):
        """The topic takes nothing from the run: the rule's target tells it."""
        stack = self.deploy()
        stack.shorten(PATIENCE_S * 10)
        topic = self.stack.topic.replace(":", "%3A").encode()
        self.cloud.front.refuse(
            "Publish", "InternalError", status=500, count=5,
            holds=lambda kept: topic in kept.body)
        run = stack.start({"Query": "DROP TABLE customers"})
        self.fails(run, "QueryInvalid", "query invalid", "FailureNotTold")

    # ---- in parts ----

    def start_parts(self, table="many", patience_s=PATIENCE_S * 10, **limits):
        self.deploy(Orchestration="parts", Partitions="16")
        self.stack.shorten(patience_s)
        return self.stack.start({
            "lakeseg": 1, "query": {"sql": self.sql(table)},
            "validate": {"rules": {"preset": "basic"}, "limits": limits}})

    def test_parts(self):
        """Every Id twice, the second one in other letters and with other
        values: 16 transformers find what one would find."""
        run = self.start_parts(max_reject_percent=50)
        manifest = self.succeeds(run)
        self.assertEqual(self.stack.states(run), [
            "StoreInput", "IsScheduled", "ByHand", "Query", "IsDuplicate",
            "Transform", "Import", "NotifySuccess", "Succeeded"])
        counts = manifest["validate"]["result"]
        self.assertEqual(
            (counts["rows_in"], counts["rows_out"], counts["by_rule"]),
            (800, 400, {"id-duplicate": 400}))
        self.assertEqual(len(self.endpoints()), 400)
        tasks = self.stack.tasks(run)
        self.assertEqual([t["exit"] for t in tasks], [0] * 18)
        self.assertEqual(
            [t["words"][1:] for t in tasks],
            [["query-validate", "athena-exec", "parts-split"]] +
            [["csv-validate-normalize"]] * 16 +
            [["parts-collect", "pinpoint-import"]])
        files = [k for k in self.stack.keys(run) if "/import/" in k]
        self.assertEqual(len(files), 16)
        self.assertFalse([k for k in self.stack.keys(run)
                          if "/parts/" in k and "/report/" in k])

    def test_parts_too_many_rejects(self):
        """Whole parts are bad, and others good: all together decide."""
        run = self.start_parts("broken", max_reject_percent=20)
        self.fails(run, "DataInvalid", "import failed: nothing imported")
        manifest = self.says_why(run, "import", "parts-collect",
                                 "DataInvalid")
        self.assertEqual(manifest["validate"]["result"]["rows_rejected"], 5)
        self.assertEqual(self.imports(), [])

    def test_parts_refused(self):
        """Rules that look at rows of several parts: before the query."""
        stack = self.deploy(Orchestration="parts", Partitions="16")
        run = stack.start({"Query": self.sql("many")})
        self.fails(run, "ConfigInvalid", "query failed")
        self.says_why(run, "query", "athena-exec", "ConfigInvalid")
        self.assertEqual(self.queries("SUCCEEDED"), [])

    def test_parts_killed(self):
        """One of 16 tasks is killed whole: the others go on to their end."""
        def kill(kept):
            if "/parts/p07/manifests/input.json" in kept.path:
                for task in self.cloud.tasks():
                    if self.name in task["role"]:
                        self.kill_part(task, b"/parts/p07/")
            return False

        self.cloud.front.refuse(None, "none", holds=kill)
        run = self.start_parts(patience_s=PATIENCE_S * 2,
                               max_reject_percent=50)
        text = self.fails(run, "TaskLost", "import failed: nothing imported")
        self.assertIn("part 7 left no word", text)
        self.says_why(run, "import", "parts-collect", "TaskLost")
        exits = [t["exit"] for t in self.stack.tasks(run)]
        self.assertEqual(sorted(exits), [-signal.SIGKILL] + [0] * 16 + [75])
        self.assertEqual(self.imports(), [])

    @staticmethod
    def kill_part(task, part):
        if "exit" in task:
            return
        try:
            with open("/proc/%d/environ" % task["pid"], "rb") as file:
                if part in file.read():
                    os.kill(task["pid"], signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # it has ended meanwhile


def serve():
    apps = [name[5:].replace("_", "") for name in dir(Runs)
            if name.startswith("test_")]
    cloud = Cloud(("--app", ",".join(apps), "--domain", "crm",
                   "--workgroup", "segments"), TASK_ENV)
    cloud.local.table("customers", csv(people(20)))
    cloud.local.table("many", csv(people(400) + [
        (row[0].upper(), "other" + row[1], row[2]) for row in people(400)]))
    cloud.local.table("broken", csv(people(15) + [
        ("b%d" % n, "no address", "b%d" % n) for n in range(5)]))
    return cloud


def lose_file(cloud):
    """Before the import job of test_import_failed goes to Pinpoint, its file
    is deleted."""
    def hook(kept, when):
        if when == "before" and kept.method == "POST" and \
                kept.path == "/v1/apps/importfailed/jobs/import":
            url = json.loads(kept.body)["ImportJobRequest"]["S3Url"] \
                if b"ImportJobRequest" in kept.body else \
                json.loads(kept.body)["S3Url"]
            bucket, _, prefix = url[5:].partition("/")
            for key in cloud.local.objects(bucket, prefix):
                cloud.local.s3().delete_object(Bucket=bucket, Key=key)
        return True

    cloud.front.server.hook = hook


def run_one(test):
    result = unittest.TestResult()
    began = time.monotonic()
    test.run(result)
    broken = result.failures + result.errors
    print("%s %s, %.0f s" % ("FAILED" if broken else "ok", test.id(),
                             time.monotonic() - began), flush=True)
    return [text + test.logs() for _, text in broken]


def leaks(cloud):
    """No log has a secret or anything of a customer."""
    held = [*cloud.front.secrets, "@example.com"]
    return ["%s: %s" % (task["words"], text) for task in cloud.tasks()
            for text in held if text in cloud.task_log(task)]


def malformed(cloud):
    """Every call is one that the model of its service allows; boto3 itself
    sends an Expect, which none has."""
    return ["%s: %s" % (kept, fault) for kept in cloud.front.kept
            if getattr(kept, "role", None) is not None
            for fault in models.request_faults(kept)
            if not fault.endswith("no header 'expect'")]


def main(*names):
    cloud = Runs.cloud = serve()
    try:
        lose_file(cloud)
        Runs.mail = stacks.Mailbox(cloud)
        Runs.template = stacks.packaged()
        tests = [Runs(name) for name in
                 names or unittest.TestLoader().getTestCaseNames(Runs)]
        tests.sort(key=lambda t: not t.id().endswith(WAITING))
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            broken = sum(pool.map(run_one, tests), [])
        broken += leaks(cloud) + malformed(cloud)
        audit.write(cloud, Runs.stacks)
    finally:
        status = cloud.stop()
    print("\n".join(broken))
    return 1 if broken or status != 0 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
