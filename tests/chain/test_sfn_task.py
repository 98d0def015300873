"""sfn-task as a process: real stages against lakeseg-local, tokens and
executions of a stand-in for Step Functions that checks every request beside
botocore's model."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import unittest

from harness import ROLE, Case, check_manifest, job, program
from recorder import Recorder
from states import States

QUERY = ["query-validate", "athena-exec"]
TRANSFORM = ["csv-validate-normalize"]
IMPORT = ["pinpoint-import"]
SQL = ("SELECT id AS Id, 'EMAIL' AS \"ChannelType\", address AS \"Address\" "
       "FROM contacts")
RESULTS = "s3://results/athena/"
ROOT = "athena/lakeseg/"
ARN = "arn:aws:states:us-east-1:123456789012:execution:m:"
PROGRAMS = ("query-validate", "athena-exec", "csv-validate-normalize",
            "pinpoint-import")


class Ended:
    """A task that is over: what was told, and all that it wrote."""

    def __init__(self, states, token, child, timeout=120):
        out, err = child.communicate(timeout=timeout)
        self.status = child.returncode
        self.stdout = out.decode()
        self.stderr = err.decode()
        self.operation, body = states.outcomes.get(token, (None, {}))
        self.error = body.get("error")
        self.told = json.loads(body.get("output") or body.get("cause")
                               or "null")

    def __str__(self):
        return "%s: %s %s %s\n%s" % (self.status, self.operation, self.error,
                                     self.told, self.stderr)


class Task(Case):
    """bin holds sfn-task beside links to the real stages, so that a test can
    put a program of its own in the place of one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("contacts", "id,address\n" + "".join(
            "e%d,a%d@example.com\n" % (n, n) for n in range(20)))
        cls.local.table("broken", "id,address\n" + "".join(
            "e%d,%s\n" % (n, "nothing" if n % 2 else "a%d@example.com" % n)
            for n in range(20)))
        cls.s3 = cls.local.s3()
        cls.states = States()

    @classmethod
    def tearDownClass(cls):
        cls.states.stop()
        super().tearDownClass()
        assert not cls.states.faults, cls.states.faults

    def setUp(self):
        super().setUp()
        self.bin = os.path.join(self.local.dir, self.id())
        os.mkdir(self.bin)
        shutil.copy(program("sfn-task"), self.bin)
        for name in PROGRAMS:
            os.symlink(program(name), os.path.join(self.bin, name))
        self.run_id = "run-%s" % self.id().rpartition(".")[2][:60]
        self.addCleanup(self.settle)

    def settle(self):
        self.states.hook = lambda operation, body: None
        self.local.admin("faults", method="DELETE")
        self.local.admin("queries", method="DELETE")
        self.assertEqual(self.states.faults, [])

    def script(self, name, text):
        """A stage of the test's own, in Python (whose path may have blanks,
        which the first line of a script may not)."""
        path = os.path.join(self.bin, name)
        with open(path + ".py", "w", encoding="utf-8") as file:
            file.write("import json, os, signal, sys, time\n%s\n" % text)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\nexec %s %s.py \"$@\"\n" % (
                shlex.quote(sys.executable), shlex.quote(path)))
        os.chmod(path, 0o755)

    def environment(self, token, **changes):
        settings = {"AWS_ENDPOINT_URL_SFN": self.states.url,
                    "LAKESEG_TASK_TOKEN": token,
                    "LAKESEG_RUN_ID": self.run_id,
                    "LAKESEG_EXECUTION_ARN": ARN + self.run_id,
                    "LAKESEG_DATABASE": "lake",
                    "LAKESEG_OUTPUT_URI": RESULTS,
                    "LAKESEG_APPLICATION_ID": "app1",
                    "LAKESEG_ROLE_ARN": ROLE,
                    "LAKESEG_HISTORY_URI": RESULTS + "lakeseg/history/manifests/",
                    **changes}
        return self.local.environment(**settings)

    def start(self, stages, token, **changes):
        return subprocess.Popen(
            [os.path.join(self.bin, "sfn-task"), *stages],
            env=self.environment(token, **changes), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def task(self, stages, **changes):
        token = self.states.token()
        return Ended(self.states, token, self.start(stages, token, **changes))

    def put(self, document, name="input"):
        """Where the state machine stores an execution's input."""
        key = "%s%s/manifests/%s.json" % (ROOT, self.run_id, name)
        self.s3.put_object(Bucket="results", Key=key,
                           Body=json.dumps(document).encode())
        return "s3://results/" + key

    def get(self, uri):
        self.assertTrue(uri.startswith("s3://results/"), uri)
        return self.s3.get_object(Bucket="results",
                                  Key=uri[13:])["Body"].read()

    def exists(self, key):
        return key in self.local.objects(prefix=key)

    def locks(self, job="daily", scheduled_time=None):
        return {"LAKESEG_LOCKS_URI": RESULTS + "lakeseg/locks/",
                "LAKESEG_JOB_NAME": job,
                "LAKESEG_SCHEDULED_TIME": scheduled_time}

    def succeeded(self, ended, status):
        self.assertEqual(ended.operation, "SendTaskSuccess", str(ended))
        self.assertEqual(ended.told["status"], status)
        self.assertEqual(ended.status, 0, str(ended))
        return ended.told

    def failed(self, ended, error, subject, status, stage=None):
        """A failure told with all that belongs to it; returns the manifest."""
        self.assertEqual(ended.operation, "SendTaskFailure", str(ended))
        self.assertEqual(ended.error, error, str(ended))
        self.assertEqual(ended.told["subject"], subject)
        self.assertEqual(ended.told["exit"], status)
        self.assertEqual(ended.status, status, str(ended))
        self.assertEqual(ended.told["run_id"], self.run_id)
        self.assertIn(error, ended.told["text"])
        if stage:
            self.assertEqual(ended.told["stage"], stage)
        if ended.told["manifest_uri"] is None:
            return None
        manifest = check_manifest(self.get(ended.told["manifest_uri"]))
        self.assertEqual(manifest["status"], "failed")
        self.assertEqual(manifest["error"]["name"], error)
        self.assertEqual(manifest["error"]["stage"], ended.told["stage"])
        history = "%shistory/manifests/%s.json" % (ROOT, self.run_id)
        self.assertEqual(self.get("s3://results/" + history),
                         self.get(ended.told["manifest_uri"]))
        return manifest

    def metrics(self, ended):
        """The line of metrics, by the rules of the embedded metric format."""
        return self.check_metrics(ended.stdout) if ended.stdout else None

    def check_metrics(self, text):
        self.assertEqual(text.count("\n"), 1)
        line = json.loads(text)
        self.assertLess(abs(line["_aws"]["Timestamp"] - time.time() * 1000),
                        3600e3)
        for directive in line["_aws"]["CloudWatchMetrics"]:
            self.assertEqual(set(directive),
                             {"Namespace", "Dimensions", "Metrics"})
            for names in directive["Dimensions"]:
                for name in names:
                    self.assertRegex(line[name], r"^[ -~]{1,1024}$")
            for metric in directive["Metrics"]:
                self.assertIn(type(line[metric["Name"]]), (int, float))
        return line

    def children(self, child):
        with open("/proc/%d/task/%d/children" % (child.pid, child.pid),
                  encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def child_named(self, child, name):
        """The pid of a stage, once it is that stage."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for pid in self.children(child):
                with open("/proc/%d/cmdline" % pid, "rb") as file:
                    if file.read().split(b"\0")[0].decode() == name:
                        return pid
            time.sleep(0.02)
        self.fail("no " + name)
        return None


class Runs(Task):
    """What goes well."""

    def test_three_tasks(self):
        told = self.succeeded(self.task(
            QUERY, LAKESEG_INPUT_URI=self.put({"Query": SQL}),
            **self.locks(scheduled_time="2026-11-23T01:00:00Z")), "pending")
        work = "s3://results/%s%s/" % (ROOT, self.run_id)
        self.assertEqual(told["work_uri"], work)
        self.assertEqual(told["manifest_uri"], work + "manifests/query.json")
        self.assertIsNone(told["rows_in"])
        manifest = check_manifest(self.get(told["manifest_uri"]))
        self.assertEqual(manifest["run"]["id"], self.run_id)
        self.assertEqual(manifest["run"]["name"], "daily")
        self.assertEqual(manifest["run"]["work_uri"], work)
        told = self.succeeded(self.task(
            TRANSFORM, LAKESEG_INPUT_URI=told["manifest_uri"]), "pending")
        self.assertEqual(told["manifest_uri"],
                         work + "manifests/transform.json")
        self.assertEqual((told["rows_in"], told["rows_out"],
                          told["rows_rejected"]), (20, 20, 0))
        ended = self.task(IMPORT, LAKESEG_INPUT_URI=told["manifest_uri"])
        told = self.succeeded(ended, "succeeded")
        self.assertEqual((told["processed"], told["failed"]), (20, 0))
        self.assertEqual(told["subject"], "successful")
        self.assertIn("daily: successful\nRun " + self.run_id, told["text"])
        manifest = check_manifest(self.get(told["manifest_uri"]))
        self.assertEqual([s["stage"] for s in manifest["stages"]],
                         QUERY + TRANSFORM + IMPORT)
        self.assertEqual(manifest["status"], "succeeded")
        history = "%shistory/manifests/%s.json" % (ROOT, self.run_id)
        self.assertEqual(self.get("s3://results/" + history),
                         self.get(told["manifest_uri"]))
        line = self.metrics(ended)
        self.assertEqual((line["Job"], line["RunsSucceeded"],
                          line["RunsFailed"], line["RowsOut"]),
                         ("daily", 1, 0, 20))
        # nobody but the state machine publishes
        self.assertEqual(len(self.local.messages()), self.told)

    def test_only_the_end_of_a_run_is_measured(self):
        ended = self.task(QUERY, LAKESEG_INPUT_URI=self.put({"Query": SQL}))
        self.succeeded(ended, "pending")
        self.assertEqual(ended.stdout, "")

    def test_a_job_that_is_large(self):
        """More than a state or an environment may hold."""
        document = {"lakeseg": 1, "query": {"sql": SQL},
                    "of the user": "x" * 1000000}
        told = self.succeeded(self.task(
            QUERY, LAKESEG_INPUT_URI=self.put(document)), "pending")
        self.assertEqual(json.loads(self.get(told["manifest_uri"]))
                         ["of the user"], document["of the user"])

    def test_job_uri(self):
        self.s3.put_object(
            Bucket="results", Key="jobs/daily.json",
            Body=json.dumps({"lakeseg": 1, "run": {"name": "mine"},
                             "query": {"sql": SQL},
                             "import": {"role_arn": "${LAKESEG_ROLE_ARN}"}})
            .encode())
        told = self.succeeded(self.task(QUERY, LAKESEG_INPUT_URI=self.put(
            {"JobUri": "s3://results/jobs/daily.json", "ScheduledTime": ""}),
            LAKESEG_JOB_NAME="daily"), "pending")
        manifest = json.loads(self.get(told["manifest_uri"]))
        self.assertEqual(manifest["run"]["name"], "mine")
        self.assertEqual(manifest["import"]["role_arn"], ROLE)

    def test_defaults_of_the_task_definition(self):
        """Of a job that says nothing, and of one that does."""
        told = self.succeeded(self.task(
            QUERY, LAKESEG_INPUT_URI=self.put({"Query": SQL}),
            LAKESEG_DESTINATION="pinpoint"), "pending")
        manifest = json.loads(self.get(told["manifest_uri"]))
        self.assertEqual(manifest["import"], {"destination": "pinpoint"})
        broken = SQL.replace("contacts", "broken")  # half of the rows
        for setting, sql, limits, error in (
                ({"LAKESEG_MIN_ROWS": "21"}, SQL, {}, "DataInvalid"),
                ({"LAKESEG_MIN_ROWS": "21"}, SQL, {"min_rows": 20}, None),
                ({"LAKESEG_MAX_REJECT_PERCENT": "60"}, broken, {}, None),
                ({"LAKESEG_MAX_REJECT_PERCENT": "60"}, broken,
                 {"max_reject_percent": 40}, "DataInvalid")):
            with self.subTest(setting=setting, limits=limits):
                ended = self.task(QUERY + TRANSFORM, LAKESEG_MANIFEST=json
                                  .dumps({"lakeseg": 1, "query": {"sql": sql},
                                          "validate": {"limits": limits}}),
                                  **setting)
                self.assertEqual(ended.error, error, str(ended))
        ended = self.task(QUERY, LAKESEG_MANIFEST=json.dumps({"Query": SQL}),
                          LAKESEG_MAX_SCANNED_BYTES="5")
        self.assertEqual(ended.error, "ConfigInvalid", str(ended))
        for name in ("MIN_ROWS", "MAX_REJECT_PERCENT", "MAX_SCANNED_BYTES"):
            ended = self.task(QUERY + TRANSFORM, LAKESEG_MANIFEST=json.dumps(
                {"Query": SQL}), **{"LAKESEG_" + name: "many"})
            self.assertEqual(ended.error, "ConfigInvalid", str(ended))

    def test_a_manifest_in_the_environment(self):
        told = self.succeeded(self.task(
            QUERY, LAKESEG_MANIFEST=json.dumps({"Query": SQL})), "pending")
        self.assertTrue(self.get(told["manifest_uri"]))

    def test_stages_do_not_see_the_token(self):
        self.script("look", "text = sys.stdin.read()\n"
                    "sys.exit('LAKESEG_TASK_TOKEN' in os.environ or "
                    "'LAKESEG_MANIFEST' in os.environ or "
                    "not sys.stdout.write(text))")
        self.succeeded(self.task(["look"], LAKESEG_MANIFEST=json.dumps(
            {"Query": SQL})), "pending")

    def test_signs_of_life(self):
        """A stage that lasts until three were seen."""
        gate = os.path.join(self.bin, "gate")
        self.script("patient", "text = sys.stdin.read()\n"
                    "while not os.path.exists(%r): time.sleep(0.05)\n"
                    "sys.stdout.write(text)" % gate)
        token = self.states.token()
        child = self.start(["patient"], token, LAKESEG_HEARTBEAT_S="1",
                           LAKESEG_MANIFEST=json.dumps({"Query": SQL}))
        self.states.wait(lambda: self.states.beats.get(token, 0) >= 3)
        with open(gate, "w", encoding="ascii"):
            pass
        self.succeeded(Ended(self.states, token, child), "pending")

    def test_an_import_begun_before(self):
        """It is told so, whatever became of the earlier try."""
        os.unlink(os.path.join(self.bin, "pinpoint-import"))
        self.script("pinpoint-import",
                    "document = json.load(sys.stdin)\n"
                    "document['again'] = os.environ.get('LAKESEG_AGAIN')\n"
                    "print(json.dumps(document))")
        for again in (None, "1", "1"):
            told = self.succeeded(self.task(IMPORT, LAKESEG_MANIFEST=json.dumps(
                {"Query": SQL})), "pending")
            self.assertEqual(json.loads(self.get(told["manifest_uri"]))
                             ["again"], again)
        mark = self.get("s3://results/%s%s/manifests/import.started" % (
            ROOT, self.run_id))
        self.assertNotIn(b"AQCEAAAAK", mark)
        # and where nobody can tell
        self.run_id += "-2"
        self.local.fault(rule="s3.PutObject=error:403:AccessDenied,count=1")
        told = self.succeeded(self.task(IMPORT, LAKESEG_MANIFEST=json.dumps(
            {"Query": SQL})), "pending")
        self.assertEqual(json.loads(self.get(told["manifest_uri"]))["again"],
                         "1")

    def test_a_report(self):
        """Made of the last manifest, before the text that names it."""
        self.script("lakeseg", "assert sys.argv[1:] == ['report', '-']\n"
                    "run = json.load(sys.stdin)['run']['id']\n"
                    "print('<html>%s</html>' % run)")
        told = self.succeeded(self.task(
            QUERY + TRANSFORM + IMPORT,
            LAKESEG_INPUT_URI=self.put({"Query": SQL})), "succeeded")
        uri = "s3://results/%s%s/report/report.html" % (ROOT, self.run_id)
        self.assertEqual(told["report_uri"], uri)
        self.assertEqual(self.get(uri).decode(),
                         "<html>%s</html>\n" % self.run_id)
        self.assertIn("Report: " + uri, told["text"])
        manifest = check_manifest(self.get(told["manifest_uri"]))
        self.assertEqual(manifest["report"]["uri"], uri)

    def test_the_report_that_lakeseg_makes(self):
        os.symlink(program("lakeseg"), os.path.join(self.bin, "lakeseg"))
        for sql, operation in ((SQL, "SendTaskSuccess"),
                               ("DELETE FROM x", "SendTaskFailure")):
            self.run_id += "-2"
            ended = self.task(QUERY + TRANSFORM + IMPORT,
                              LAKESEG_INPUT_URI=self.put({"Query": sql}))
            self.assertEqual(ended.operation, operation, str(ended))
            self.assertIsNotNone(ended.told["report_uri"], str(ended))
            page = self.get(ended.told["report_uri"]).decode()
            self.assertTrue(page.startswith("<!DOCTYPE html>"))
            self.assertIn(self.run_id, page)
            self.assertIn("Report: " + ended.told["report_uri"],
                          ended.told["text"])

    def test_no_report_is_no_failure(self):
        for text in ("sys.exit(70)", "os.kill(os.getpid(), 9)", "pass"):
            with self.subTest(text=text):
                self.script("lakeseg", text)
                told = self.succeeded(self.task(
                    QUERY + TRANSFORM + IMPORT,
                    LAKESEG_INPUT_URI=self.put({"Query": SQL})), "succeeded")
                self.assertIsNone(told["report_uri"])

    def test_lakeseg_run_measures_on_request(self):
        path = os.path.join(self.bin, "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job(SQL), file)
        for form, status, count in (("emf", 0, 1), (None, 0, 0),
                                    ("statsd", 78, 0)):
            done = subprocess.run(
                [program("lakeseg"), "run", "--json", path],
                env=self.local.environment(
                    LAKESEG_METRICS=form,
                    LAKESEG_STATE=os.path.join(self.bin, "state")),
                stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                check=False)
            self.assertEqual(done.returncode, status, done.stderr)
            lines = [line for line in done.stderr.decode().splitlines(True)
                     if "\"_aws\"" in line]
            self.assertEqual(len(lines), count)
            if count:
                line = self.check_metrics(lines[0])
                self.assertEqual((line["Job"], line["RunsSucceeded"]),
                                 ("test", 1))

    def test_lakeseg_run_takes_a_job_in_s3(self):
        """The small installation has no other place for it."""
        self.s3.put_object(Bucket="results", Key="jobs/plain.json",
                           Body=json.dumps(job(SQL)).encode())
        for key, status in (("plain", 0), ("absent", 69)):
            done = subprocess.run(
                [program("lakeseg"), "run", "--json",
                 "s3://results/jobs/%s.json" % key],
                env=self.local.environment(
                    LAKESEG_HISTORY_URI=RESULTS + "plain",
                    LAKESEG_STATE=os.path.join(self.bin, "state")),
                stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
                check=False)
            self.assertEqual(done.returncode, status, done.stderr)
            if status == 0:
                run_id = json.loads(done.stdout)["run"]["id"]
                self.assertEqual(self.get("%splain/%s.json" % (
                    RESULTS, run_id)), done.stdout)


class Failures(Task):
    """Each is told by its name, and the manifest in S3 says why."""

    def whole(self, sql, **changes):
        return self.task(QUERY + TRANSFORM + IMPORT,
                         LAKESEG_INPUT_URI=self.put({"Query": sql}), **changes)

    def test_of_the_query(self):
        ended = self.whole("DELETE FROM contacts")
        self.failed(ended, "QueryInvalid", "query invalid", 65,
                    "query-validate")
        self.assertEqual(self.metrics(ended)["RunsFailed"], 1)
        self.failed(self.whole(SQL.replace("contacts", "nowhere")),
                    "QueryFailed", "query failed", 69, "athena-exec")
        self.local.admin("queries", {"match": "contacts",
                                     "state": "CANCELLED"})
        self.failed(self.whole(SQL), "QueryCancelled", "query failed", 69)

    def test_of_the_data(self):
        ended = self.whole(SQL.replace("contacts", "broken"))
        manifest = self.failed(ended, "DataInvalid",
                               "import failed: nothing imported", 65,
                               "csv-validate-normalize")
        self.assertEqual(manifest["validate"]["result"]["rows_rejected"], 2)
        self.assertGreater(self.metrics(ended)["RejectPercent"], 1)

    def test_of_the_import(self):
        self.local.fault(
            rule="pinpoint.CreateImportJob=error:403:ForbiddenException")
        self.failed(self.whole(SQL), "AccessDenied",
                    "import failed: nothing imported", 77, "pinpoint-import")
        self.run_id += "-2"
        self.local.fault(rule="pinpoint.ImportJob=outcome:FAILED")
        self.failed(self.whole(SQL), "ImportFailed",
                    "import failed: partly imported", 69, "pinpoint-import")

    def test_that_is_repeated_is_not_counted(self):
        self.local.fault(
            rule="athena.StartQueryExecution=error:400:"
                 "TooManyRequestsException,count=0")
        ended = self.task(QUERY, LAKESEG_INPUT_URI=self.put({"Query": SQL}))
        self.failed(ended, "Throttled", "query failed", 75, "athena-exec")
        self.assertIsNone(self.metrics(ended))

    def test_of_the_input(self):
        text = "{\"lakeseg\": 1"
        self.failed(self.task(QUERY, LAKESEG_MANIFEST=text), "ManifestInvalid",
                    "query failed", 66)
        self.failed(self.task(TRANSFORM, LAKESEG_MANIFEST=text),
                    "ManifestInvalid", "import failed: nothing imported", 66)
        missing = self.put({}) + "x"
        for document in ({"JobUri": missing}, {"JobUri": "s3://absent/x"}):
            self.failed(self.task(QUERY, LAKESEG_INPUT_URI=self.put(document)),
                        "ServiceRefused", "query failed", 69)
        for document in ({"JobUri": 5}, {"JobUri": "s3://a/b", "Query": "x"},
                         {"JobUri": self.put({"JobUri": "s3://a/b"}, "job")},
                         {"nothing": 1}):
            with self.subTest(document=document):
                self.failed(self.task(QUERY,
                                      LAKESEG_INPUT_URI=self.put(document)),
                            "ManifestInvalid", "query failed", 66)
        for fields in ({"run": {"work_uri": "${AWS_SESSION_TOKEN}"}},
                       {"query": {"sql_file": "/etc/hostname"}}):
            with self.subTest(fields=fields):
                self.failed(self.task(QUERY, LAKESEG_INPUT_URI=self.put(
                    {"lakeseg": 1, **fields})), "ConfigInvalid",
                    "query failed", 78)
        self.failed(self.task(QUERY), "ConfigInvalid", "query failed", 78)
        self.failed(self.task(QUERY, LAKESEG_MANIFEST=text,
                              LAKESEG_INPUT_URI=missing),
                    "ConfigInvalid", "query failed", 78)
        self.failed(self.task(["no-such-stage"], LAKESEG_MANIFEST=text),
                    "ConfigInvalid", "import failed: nothing imported", 78)

    def test_without_a_place(self):
        ended = self.task(QUERY, LAKESEG_MANIFEST=json.dumps({"Query": SQL}),
                          LAKESEG_OUTPUT_URI=None)
        self.assertIsNone(self.failed(ended, "ConfigInvalid", "query failed",
                                      78))
        self.assertIn("could not be stored", ended.told["text"])

    def test_the_manifest_cannot_be_stored(self):
        """A run that goes on cannot; one that is over is what it was."""
        uri = self.put({"Query": SQL})
        self.local.fault(rule="s3.PutObject=error:403:AccessDenied,count=0")
        self.assertIsNone(self.failed(
            self.task(QUERY, LAKESEG_INPUT_URI=uri), "AccessDenied",
            "query failed", 77))
        self.local.admin("faults", method="DELETE")
        told = self.succeeded(self.task(QUERY + TRANSFORM,
                                        LAKESEG_INPUT_URI=uri), "pending")
        self.local.fault(rule="s3.PutObject=error:403:AccessDenied,count=0")
        ended = self.task(IMPORT, LAKESEG_INPUT_URI=told["manifest_uri"])
        told = self.succeeded(ended, "succeeded")
        self.assertIsNone(told["manifest_uri"])
        self.assertEqual(told["subject"], "successful")
        self.assertIn("could not be stored", told["text"])

    def test_wrong_settings(self):
        """Without a token nobody can be told."""
        for changes in ({"LAKESEG_TASK_TOKEN": None},
                        {"LAKESEG_HEARTBEAT_S": "0"},
                        {"LAKESEG_HEARTBEAT_S": "soon"}):
            ended = self.task(QUERY, **changes)
            self.assertEqual((ended.status, ended.operation), (78, None))
        child = self.start([], self.states.token())
        self.assertIn("1 to 8 stages", child.communicate(timeout=60)[1]
                      .decode())
        self.assertEqual(child.returncode, 64)


class Ends(Task):
    """Stages that die, tasks that are stopped, tokens that are over."""

    INPUT = json.dumps({"lakeseg": 1, "query": {"sql": SQL}})

    def test_a_crash_is_told_at_once(self):
        """Wherever it is in the pipe, and whatever the others say of it."""
        crash = "sys.stdin.read()\n" \
            "signal.signal(signal.SIGTERM, signal.SIG_DFL)\n" \
            "os.kill(os.getpid(), %d)"
        for stages in (["crash"], ["crash"] + TRANSFORM,
                       ["query-validate", "crash"] + TRANSFORM,
                       ["query-validate", "crash"]):
            for sig in (signal.SIGSEGV, signal.SIGKILL, signal.SIGTERM):
                with self.subTest(stages=stages, sig=sig):
                    self.script("crash", crash % sig)
                    ended = self.task(stages, LAKESEG_MANIFEST=self.INPUT)
                    manifest = self.failed(ended, "InternalError",
                                           "import failed: nothing imported",
                                           70, "crash")
                    self.assertIn("'crash' was killed by signal %d (" % sig,
                                  manifest["error"]["message"])

    def test_a_stage_that_ends_without_a_word(self):
        for text, words in (("sys.exit(71)", "ended with status 71 and left"),
                            ("print('{'); sys.exit(1)", "ended with status 1"),
                            ("pass", "ended with status 0"),
                            ("print('{}')", "ended with status 0"),
                            ("print('{\"lakeseg\":1}')",
                             "ended with status 0"),
                            ("sys.stdin.read(); print(%r); sys.exit(3)" %
                             self.INPUT, "ended with status 3")):
            with self.subTest(text=text):
                self.script("mute", text)
                ended = self.task(["mute"], LAKESEG_MANIFEST=self.INPUT)
                manifest = self.failed(ended, "InternalError",
                                       "import failed: nothing imported", 70,
                                       "mute")
                self.assertIn(words, manifest["error"]["message"])
        for status in (71, 0):
            self.script("mute", "sys.stdin.read(); sys.exit(%d)" % status)
            for stages in (["mute"] + TRANSFORM + IMPORT,
                           ["query-validate", "mute"] + TRANSFORM):
                self.failed(self.task(stages, LAKESEG_MANIFEST=self.INPUT),
                            "InternalError", "import failed: nothing imported",
                            70, "mute")

    def test_a_real_stage_killed(self):
        """In the middle of its query; a repeated task asks for no other."""
        self.local.admin("queries", {"match": "contacts",
                                     "running_ms": 600000})
        token = self.states.token()
        before = len(self.local.admin("queries"))
        child = self.start(QUERY, token, LAKESEG_MANIFEST=self.INPUT)
        self.wait_for_query(before)
        os.kill(self.child_named(child, "athena-exec"), signal.SIGKILL)
        ended = Ended(self.states, token, child)
        self.failed(ended, "InternalError", "query failed", 70, "athena-exec")
        self.assertIn("out of memory", ended.told["text"])
        again = threading.Event()

        def hook(kept, when):
            if when == "after" and (kept.header("x-amz-target") or "") \
                    .endswith("GetQueryExecution"):
                again.set()
            return True
        recorder = Recorder(self.local.url, hook)
        self.addCleanup(recorder.stop)
        token = self.states.token()
        child = self.start(QUERY, token, LAKESEG_MANIFEST=self.INPUT,
                           AWS_ENDPOINT_URL=recorder.url)
        self.assertTrue(again.wait(60))
        child.send_signal(signal.SIGTERM)
        self.failed(Ended(self.states, token, child), "Interrupted",
                    "query failed", 75, "athena-exec")
        self.assertEqual([q["state"] for q in
                          self.local.admin("queries")[before:]], ["CANCELLED"])

    def test_a_task_killed_whole(self):
        """Around the one call that must not be made twice; the next task of
        the state ends as if nothing had happened."""
        told = self.succeeded(self.task(
            QUERY + TRANSFORM, LAKESEG_MANIFEST=self.INPUT), "pending")
        for when in ("before", "after"):
            with self.subTest(when=when):
                before = len(self.local.admin("imports/app1"))
                reached = threading.Event()

                def hook(kept, now, when=when, reached=reached):
                    if not kept.path.endswith("/jobs/import") or \
                            kept.method != "POST" or now != when:
                        return True
                    for pid in [child.pid] + self.children(child):
                        os.kill(pid, signal.SIGKILL)
                    reached.set()
                    return False
                recorder = Recorder(self.local.url, hook)
                self.addCleanup(recorder.stop)
                token = self.states.token()
                child = self.start(IMPORT, token,
                                   LAKESEG_INPUT_URI=told["manifest_uri"],
                                   AWS_ENDPOINT_URL=recorder.url)
                ended = Ended(self.states, token, child)
                self.assertTrue(reached.is_set())
                self.assertEqual((ended.status, ended.operation), (-9, None))
                self.assertEqual(len(self.local.admin("imports/app1")),
                                 before + (when == "after"))
                self.succeeded(self.task(
                    IMPORT, LAKESEG_INPUT_URI=told["manifest_uri"]),
                    "succeeded")
                # a run has one import, whoever started it
                self.assertEqual(len(self.local.admin("imports/app1")),
                                 before + 1)
                self.run_id += "-2"
                told = self.succeeded(self.task(
                    QUERY + TRANSFORM, LAKESEG_MANIFEST=self.INPUT),
                    "pending")

    def test_an_import_that_crashed_may_have_begun(self):
        os.unlink(os.path.join(self.bin, "pinpoint-import"))
        self.script("pinpoint-import", "os.kill(os.getpid(), 11)")
        self.failed(self.task(IMPORT, LAKESEG_MANIFEST=self.INPUT),
                    "InternalError", "import failed: partly imported", 70,
                    "pinpoint-import")

    def wait_for_query(self, before):
        deadline = time.monotonic() + 60
        while len(self.local.admin("queries")) == before:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_term(self):
        """The query is stopped, and the outcome told in time."""
        self.local.admin("queries", {"match": "contacts",
                                     "running_ms": 600000})
        token = self.states.token()
        before = len(self.local.admin("queries"))
        child = self.start(QUERY + TRANSFORM, token,
                           LAKESEG_MANIFEST=self.INPUT)
        self.wait_for_query(before)
        child.send_signal(signal.SIGTERM)
        ended = Ended(self.states, token, child)
        self.failed(ended, "Interrupted", "query failed", 75, "athena-exec")
        self.assertEqual([q["state"] for q in
                          self.local.admin("queries")[before:]], ["CANCELLED"])

    def test_term_before_a_stage_is_ready(self):
        """It does not die of it, and is asked again."""
        self.script("slow", "text = sys.stdin.read()\n"
                    "time.sleep(1.5)\n"
                    "signal.signal(signal.SIGTERM, lambda *_: sys.exit("
                    "sys.stdout.write(text) and 0))\n"
                    "time.sleep(100)")
        token = self.states.token()
        child = self.start(["slow"], token, LAKESEG_MANIFEST=self.INPUT)
        self.child_named(child, sys.executable)
        child.send_signal(signal.SIGTERM)
        self.succeeded(Ended(self.states, token, child), "pending")

    def test_a_token_that_is_over_begins_nothing(self):
        before = len(self.local.admin("queries"))
        token = self.states.token()
        self.states.open.remove(token)
        ended = Ended(self.states, token, self.start(
            QUERY, token, LAKESEG_MANIFEST=self.INPUT, **self.locks("never")))
        self.assertEqual((ended.status, ended.operation), (75, None))
        self.assertEqual(len(self.local.admin("queries")), before)
        self.assertFalse(self.local.objects(prefix=ROOT + "locks/never"))

    def test_a_token_that_ends_stops_the_stages(self):
        """And nothing is written: the run is another task's now."""
        self.local.admin("queries", {"match": "contacts",
                                     "running_ms": 600000})
        token = self.states.token()
        before = len(self.local.admin("queries"))
        child = self.start(QUERY, token, LAKESEG_MANIFEST=self.INPUT,
                           LAKESEG_HEARTBEAT_S="1")
        self.wait_for_query(before)
        with self.states.lock:
            self.states.open.remove(token)
        ended = Ended(self.states, token, child)
        self.assertEqual((ended.status, ended.operation), (75, None),
                         str(ended))
        self.assertEqual(ended.stdout, "")
        self.assertEqual([q["state"] for q in
                          self.local.admin("queries")[before:]], ["CANCELLED"])
        self.assertFalse(self.exists("%s%s/manifests/query.json" % (
            ROOT, self.run_id)))

    def test_a_token_that_ended_unseen_writes_nothing(self):
        """Between two signs of life: the stages end well, too late."""
        gate = os.path.join(self.bin, "gate")
        self.script("patient", "text = sys.stdin.read()\n"
                    "while not os.path.exists(%r): time.sleep(0.05)\n"
                    "sys.stdout.write(text)" % gate)
        token = self.states.token()
        child = self.start(["patient"], token, LAKESEG_MANIFEST=self.INPUT)
        self.child_named(child, sys.executable)
        with self.states.lock:
            self.states.open.remove(token)
        with open(gate, "w", encoding="ascii"):
            pass
        ended = Ended(self.states, token, child)
        self.assertEqual((ended.status, ended.operation, ended.stdout),
                         (75, None, ""), str(ended))
        self.assertFalse(self.local.objects(prefix=ROOT + self.run_id))
        self.assertFalse(self.exists("%shistory/manifests/%s.json" % (
            ROOT, self.run_id)))

    def test_told_again_until_it_gets_through(self):
        left = [4]

        def hook(operation, _):
            if operation != "SendTaskSuccess" or left[0] == 0:
                return None
            left[0] -= 1
            return 503, {}
        self.states.hook = hook
        self.script("quick", "sys.stdout.write(sys.stdin.read())")
        self.succeeded(self.task(["quick"], LAKESEG_MANIFEST=self.INPUT),
                       "pending")
        self.assertEqual(left, [0])

    def test_told_though_no_answer_came(self):
        lost = []

        def hook(operation, _):
            if operation != "SendTaskSuccess" or lost:
                return None
            lost.append(1)
            return "lost"
        self.states.hook = hook
        self.script("quick", "sys.stdout.write(sys.stdin.read())")
        self.succeeded(self.task(["quick"], LAKESEG_MANIFEST=self.INPUT),
                       "pending")

    def test_signs_of_life_that_are_lost(self):
        """They are no reason to stop."""
        self.states.hook = lambda operation, _: \
            (503, {}) if operation == "SendTaskHeartbeat" else None
        self.script("quick", "sys.stdout.write(sys.stdin.read())")
        self.succeeded(self.task(["quick"], LAKESEG_MANIFEST=self.INPUT),
                       "pending")

    def test_what_may_not_be_told(self):
        self.states.hook = lambda operation, _: \
            (400, {"__type": "AccessDeniedException", "message": "no"})
        self.script("quick", "sys.stdout.write(sys.stdin.read())")
        ended = self.task(["quick"], LAKESEG_MANIFEST=self.INPUT)
        self.assertEqual((ended.status, ended.operation), (77, None))
        self.assertIn("cannot tell the outcome", ended.stderr)


class Stubborn(Task):
    """A minute of waiting: in a tier of its own."""

    def test_a_stage_that_does_not_end(self):
        """It is killed, and there is time left to tell it."""
        self.script("deaf", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                    "sys.stdin.read()\ntime.sleep(600)")
        token = self.states.token()
        child = self.start(["deaf"], token, LAKESEG_MANIFEST=json.dumps(
            {"Query": SQL}))
        self.child_named(child, sys.executable)
        begun = time.monotonic()
        child.send_signal(signal.SIGTERM)
        manifest = self.failed(Ended(self.states, token, child), "Interrupted",
                               "import failed: nothing imported", 75, "deaf")
        self.assertIn("did not end within 60 s", manifest["error"]["message"])
        self.assertLess(time.monotonic() - begun, 120)


class Locks(Task):
    """One run of a job at a time; each scheduled time once."""

    TIME = "2026-11-23T02:00:00Z"

    def setUp(self):
        super().setUp()
        self.script("quick", "sys.stdout.write(sys.stdin.read())")
        self.job = self.id().rpartition(".")[2]

    def quick(self, run_id, scheduled_time=None, **changes):
        self.run_id = run_id
        settings = {**self.locks(self.job, scheduled_time), **changes}
        return self.task(["quick"], LAKESEG_MANIFEST=json.dumps(
            {"Query": SQL}), **settings)

    def holder(self, name="running"):
        return json.loads(self.get("s3://results/%slocks/%s/%s" % (
            ROOT, self.job, name)))["execution_arn"]

    def test_a_time_is_claimed_once(self):
        self.succeeded(self.quick("claim-1", self.TIME), "pending")
        ended = self.quick("claim-2", self.TIME)
        told = self.succeeded(ended, "duplicate")
        self.assertEqual(ended.stdout, "")
        self.assertIsNone(told["manifest_uri"])
        self.assertFalse(self.exists(ROOT + "claim-2/manifests/quick.json"))
        self.assertFalse(self.exists(ROOT + "history/manifests/claim-2.json"))
        self.assertEqual(self.holder(self.TIME), ARN + "claim-1")
        # a repeated task of the execution finds claim and lock its own
        self.succeeded(self.quick("claim-1", self.TIME), "pending")

    def test_overlap(self):
        self.succeeded(self.quick("first"), "pending")
        for status in ("RUNNING", "PENDING_REDRIVE"):
            self.states.executions[ARN + "first"] = status
            manifest = self.failed(self.quick("second"), "AlreadyRunning",
                                   "import failed: nothing imported", 75)
            self.assertIn("execution '%sfirst' is %s since 2026-" % (
                ARN, status), manifest["error"]["message"])
        self.assertEqual(self.holder(), ARN + "first")
        # told as the first task's failure
        ended = self.task(QUERY, LAKESEG_MANIFEST=json.dumps({"Query": SQL}),
                          **self.locks(self.job))
        self.failed(ended, "AlreadyRunning", "query failed", 75)

    def test_the_lock_of_a_run_that_is_over(self):
        self.succeeded(self.quick("over-0"), "pending")
        number = 0
        for status in ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", None):
            with self.subTest(status=status):
                if status is not None:
                    self.states.executions[ARN + "over-%d" % number] = status
                number += 1
                self.succeeded(self.quick("over-%d" % number), "pending")
                self.assertEqual(self.holder(), ARN + "over-%d" % number)

    def test_one_of_two_takes_it_over(self):
        """Both saw the dead run's lock; only one put is over what it saw."""
        self.succeeded(self.quick("dead"), "pending")
        self.states.executions[ARN + "dead"] = "ABORTED"
        self.states.executions[ARN + "one"] = "RUNNING"
        self.states.executions[ARN + "two"] = "RUNNING"
        waiting = []

        def hook(operation, body):
            if operation == "DescribeExecution" and \
                    body["executionArn"] == ARN + "dead":
                with self.states.lock:
                    waiting.append(1)
                    self.states.lock.notify_all()
                    assert self.states.lock.wait_for(
                        lambda: len(waiting) >= 2, 120)
        self.states.hook = hook
        children = []
        for name in ("one", "two"):
            self.run_id = name
            token = self.states.token()
            children.append((token, self.start(
                ["quick"], token, LAKESEG_MANIFEST=json.dumps({"Query": SQL}),
                **self.locks(self.job))))
        ended = [Ended(self.states, *pair) for pair in children]
        self.assertEqual(sorted(e.operation for e in ended),
                         ["SendTaskFailure", "SendTaskSuccess"])
        winner = ("one", "two")[[e.operation for e in ended].index(
            "SendTaskSuccess")]
        self.assertEqual([e.error for e in ended if e.error],
                         ["AlreadyRunning"])
        self.assertEqual(self.holder(), ARN + winner)

    def test_a_put_whose_answer_was_lost(self):
        """The bytes tell that it was ours."""
        lost = []

        def hook(kept, when):
            if when == "after" and kept.method == "PUT" and \
                    "/locks/" in kept.path and kept.status == 200 and \
                    kept.path not in lost:
                lost.append(kept.path)
                return False
            return True
        recorder = Recorder(self.local.url, hook)
        self.addCleanup(recorder.stop)
        self.succeeded(self.quick("lost", self.TIME,
                                  AWS_ENDPOINT_URL=recorder.url), "pending")
        self.assertEqual(len(lost), 2)
        self.states.executions[ARN + "lost"] = "FAILED"
        lost.clear()
        self.succeeded(self.quick("next", AWS_ENDPOINT_URL=recorder.url),
                       "pending")
        self.assertEqual((len(lost), self.holder()), (1, ARN + "next"))

    def test_what_cannot_be_a_lock(self):
        key = "%slocks/%s/running" % (ROOT, self.job)
        for body in (b"", b"{", b"{\"execution_arn\":\"\"}", b"[]"):
            self.s3.put_object(Bucket="results", Key=key, Body=body)
            ended = self.quick("other")
            self.failed(ended, "ConfigInvalid",
                        "import failed: nothing imported", 78)
            self.assertIn("delete it", ended.told["text"])
        self.s3.put_object(Bucket="results", Key=key,
                           Body=b"{\"execution_arn\":\"of nobody\"}")
        self.failed(self.quick("other"), "ConfigInvalid",
                    "import failed: nothing imported", 78)
        for changes in ({"LAKESEG_JOB_NAME": "../up"},
                        {"LAKESEG_JOB_NAME": None},
                        {"LAKESEG_EXECUTION_ARN": None},
                        {"LAKESEG_SCHEDULED_TIME": "a/b"},
                        {"LAKESEG_LOCKS_URI": "/tmp"}):
            with self.subTest(changes=changes):
                self.failed(self.quick("other", **changes), "ConfigInvalid",
                            "import failed: nothing imported", 78)


if __name__ == "__main__":
    unittest.main()
