"""`lakeseg run`: its state, and what becomes of runs that are killed, stopped,
left behind, or started twice."""

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import termios
import unittest

from harness import check_manifest, program
from supervised import STAGES, Supervised, is_alive, kill, operation_of, \
    wait_for

# a call of each stage, and what the run's folder holds while it hangs
CALLS = (("StartQueryExecution", 0), ("GetQueryExecution", 0),
         ("GetObject", 1), ("PutObject", 1), ("GetImportJobs", 2),
         ("CreateImportJob", 2), ("GetImportJob", 2), ("Publish", 3))
PLACES = [(*call, when) for call in CALLS for when in ("before", "after")]


class Whole(Supervised):
    def test_what_a_run_leaves(self):
        manifest = self.goes_well(self.job())
        run_id = manifest["run"]["id"]
        self.assertEqual(self.runs(), [run_id])
        self.check_folder(run_id)
        self.assertEqual(self.read(run_id, "receipt.json"), manifest)
        self.assertEqual(manifest["run"]["stages"], STAGES)
        first = self.read(run_id, "job.json")
        self.assertEqual(first["run"]["id"], run_id)
        self.assertNotIn("stages", first)
        for i, stage in enumerate(STAGES):
            after = self.read(run_id, "manifests/%02d-%s.json" %
                              (i + 1, stage))
            self.assertEqual([s["stage"] for s in after["stages"]],
                             STAGES[:i + 1])
        folder = os.path.join(self.state, "jobs", self.name)
        self.assertEqual(sorted(os.listdir(folder)), ["last", "lock"])
        with open(os.path.join(folder, "last"), encoding="utf-8") as file:
            self.assertEqual(file.read(), run_id + "\n")
        self.check_once(run_id)

    def test_a_failed_run(self):
        self.local.admin("queries", {"match": "people", "state": "FAILED"})
        ended = self.run_lakeseg("--json", self.job())
        self.assertEqual(ended.status, 69, ended.stderr)
        self.assertEqual([(s["stage"], s["status"])
                          for s in ended.manifest["stages"]],
                         [("athena-exec", "failed"),
                          ("csv-validate-normalize", "skipped"),
                          ("pinpoint-import", "skipped"),
                          ("sns-notify", "succeeded")])
        run_id = ended.manifest["run"]["id"]
        self.check_folder(run_id, ["athena-exec", "sns-notify"])
        self.assertEqual(self.outcomes(), [(run_id, "query failed")])
        again = self.run_lakeseg("--resume", run_id)
        self.assertEqual(again.status, 64)
        self.assertIn("run %s is over (query failed)" % run_id, again.stderr)
        self.assertEqual(len(self.outcomes()), 1)
        self.assertFalse(os.path.exists(os.path.join(
            self.state, "jobs", self.name, "last")))

    def test_the_same_line_again(self):
        """A job that names its run is one run, however often it is begun."""
        path = self.job(run={"id": "monday"})
        process, _ = self.held("GetQueryExecution", path)
        kill(process)
        self.assertEqual(self.goes_well(path)["run"]["id"], "monday")
        self.check_once("monday")
        ended = self.run_lakeseg(path)
        self.assertEqual(ended.status, 64)
        self.assertIn("run monday is over (successful)", ended.stderr)
        self.check_once("monday")

    def test_words_for_a_run(self):
        self.goes_well(self.job())
        for word in ("last", self.runs()[0][:12].lower()):
            ended = self.run_lakeseg("--resume", word)
            self.assertEqual(ended.status, 64)
            self.assertIn("is over (successful)", ended.stderr)
        ended = self.run_lakeseg("--resume", "01NONE")
        self.assertEqual(ended.status, 64)
        self.assertIn("no run '01NONE'", ended.stderr)

    def test_receipts_are_no_jobs(self):
        manifest = self.goes_well(self.job())
        del manifest["run"]["id"]
        path = os.path.join(self.local.dir, "receipt.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(manifest, file)
        ended = self.run_lakeseg(path)
        self.assertEqual(ended.status, 64)
        self.assertIn("status is 'succeeded'", ended.stderr)


class Killed(Supervised):
    def test_the_supervisor_in_every_stage(self):
        for operation, saved, when in PLACES:
            with self.subTest(operation=operation, when=when):
                self.setUp()
                process, front = self.held(operation, self.job(), when=when)
                run_id = self.runs()[0]
                kill(process)
                front.let_go()
                self.assertEqual(
                    len([f for f in self.files(run_id) if "/0" in f]), saved)
                manifest = self.goes_well("--resume", run_id)
                self.assertEqual(
                    [s["stage"] for s in manifest["stages"]], STAGES)
                self.check_folder(run_id)
                self.check_once(run_id, operation == "Publish")

    def test_a_stage_in_every_stage(self):
        """Entered again, without a word from anybody."""
        for number in (signal.SIGKILL, signal.SIGTERM):
            for operation, saved, when in PLACES:
                with self.subTest(operation=operation, number=number):
                    self.setUp()
                    process, front = self.held(operation, "--json",
                                               self.job(), when=when)
                    os.kill(self.stage_of(process, STAGES[saved]), number)
                    front.let_go(passes=number == signal.SIGTERM)
                    ended = self.end(process)
                    self.assertEqual(ended.status, 0, ended.stderr)
                    run_id = ended.manifest["run"]["id"]
                    self.check_folder(run_id)
                    if number == signal.SIGTERM and saved == 0:
                        # athena-exec stops the query when it is stopped
                        self.assertLessEqual(len(self.queries()), 2)
                        continue
                    self.check_once(run_id, operation == "Publish")

    def test_what_was_under_way(self):
        """A killed import's request comes to pass after its successor has
        looked for it: that one waits before it starts another."""
        process, front = self.held("CreateImportJob", self.job())
        run_id = self.runs()[0]
        kill(process)
        looks = self.looks(front)
        resumed = self.begin("--json", "--resume", run_id, environment={
            "AWS_ENDPOINT_URL": front.url,
            "LAKESEG_POLL_INTERVAL_MS": "2000"})
        wait_for(lambda: self.looks(front) > looks)
        front.let_go(passes=True)
        ended = self.end(resumed)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assertIn("of this run goes on", ended.stderr)
        self.check_once(run_id)

    def looks(self, front):
        return [operation_of(kept) for kept in front.kept].count(
            "GetImportJobs")

    def test_a_stage_that_always_dies(self):
        """It is told in the end, since nobody is there to resume it."""
        process, front = self.held("GetObject", "--json", self.job(),
                                   count=99)
        seen = set()
        while len(seen) < 3:
            pid = self.stage_of(process, "csv-validate-normalize")
            if pid not in seen:
                seen.add(pid)
                os.kill(pid, signal.SIGKILL)
        ended = self.end(process)
        front.let_go()
        self.assertEqual(ended.status, 71, ended.stderr)
        self.assertEqual(ended.manifest["error"]["name"], "HostError")
        self.assertIn("killed by signal 9", ended.manifest["error"]["message"])
        run_id = ended.manifest["run"]["id"]
        self.assertEqual(self.outcomes(), [
            (run_id, "import failed: nothing imported")])
        self.check_folder(run_id, ["athena-exec", "lakeseg", "sns-notify"])
        self.assertEqual([(s["stage"], s["status"])
                          for s in ended.manifest["stages"]],
                         [("athena-exec", "succeeded"),
                          ("csv-validate-normalize", "failed"),
                          ("pinpoint-import", "skipped"),
                          ("sns-notify", "succeeded")])

    def test_an_import_that_always_dies(self):
        process, front = self.held("CreateImportJob", "--json", self.job(),
                                   count=99)
        seen = set()
        while len(seen) < 3:
            pid = self.stage_of(process, "pinpoint-import")
            if pid not in seen:
                seen.add(pid)
                os.kill(pid, signal.SIGKILL)
        ended = self.end(process)
        front.let_go()
        self.assertEqual(ended.status, 71, ended.stderr)
        self.assertTrue(ended.manifest["error"]["begun"])
        self.assertEqual(self.outcomes(), [
            (ended.manifest["run"]["id"], "import failed: partly imported")])

    def test_an_import_that_dies_and_then_is_refused(self):
        """The second entry does not get to see what the first has begun."""
        process, front = self.held("GetImportJob", "--json", self.job())
        self.local.fault(rule="pinpoint.GetImportJobs=error:403:AccessDenied,"
                              "count=0")
        os.kill(self.stage_of(process, "pinpoint-import"), signal.SIGKILL)
        front.let_go()
        ended = self.end(process)
        self.assertEqual(ended.status, 77, ended.stderr)
        self.assertEqual(len(self.imports()), 1)
        self.assertEqual(self.outcomes(), [
            (ended.manifest["run"]["id"], "import failed: partly imported")])

    def test_an_import_that_is_missing(self):
        """It was never begun."""
        bins = os.path.join(self.local.dir, "bin-" + self.name)
        os.mkdir(bins)
        for name in ["lakeseg"] + STAGES:
            if name != "pinpoint-import":
                shutil.copy(program(name), bins)
        ended = self.end(subprocess.Popen(
            [os.path.join(bins, "lakeseg"), "run", "--json", self.job()],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.local.environment(
                LAKESEG_STATE=self.state)))
        self.assertEqual(ended.status, 71, ended.stderr)
        self.assertEqual(self.outcomes(), [
            (ended.manifest["run"]["id"], "import failed: nothing imported")])

    def test_a_program_that_is_missing(self):
        ended = self.run_lakeseg("--json", "--stages",
                                 "athena-exec,no-such-stage,sns-notify",
                                 self.job())
        self.assertEqual(ended.status, 71, ended.stderr)
        self.assertEqual(ended.manifest["error"]["message"],
                         "no-such-stage cannot be started")
        self.assertEqual(len(self.outcomes()), 1)

    def test_before_the_first_stage(self):
        """Killed while the state is made: the next start finds its way."""
        os.makedirs(os.path.join(self.state, "runs", ".new-" + self.name,
                                 "manifests"))
        with open(os.path.join(self.state, "runs", ".new-" + self.name,
                               ".saving"), "w", encoding="utf-8") as file:
            file.write("{")
        run_id = self.goes_well(self.job())["run"]["id"]
        self.assertEqual(self.runs(), [run_id])
        self.check_folder(run_id)


class LeftBehind(Supervised):
    def leave(self, operation, number=signal.SIGKILL):
        """A run that died; its id."""
        process, front = self.held(operation, self.job())
        run_id = self.runs()[0]
        if number == signal.SIGKILL:
            kill(process)
            front.let_go()
        else:
            process.send_signal(number)
            self.end(process)
            front.let_go()
        return run_id

    def closed(self, run_id, subject, words):
        """The next start tells it, and runs the job."""
        manifest = self.goes_well(self.job())
        new = manifest["run"]["id"]
        self.assertEqual(self.outcomes(), [(run_id, subject),
                                           (new, "successful")])
        receipt = self.read(run_id, "receipt.json")
        self.assertEqual(receipt["error"]["name"], "Interrupted")
        self.assertIn(words, receipt["error"]["message"])
        ended = self.run_lakeseg("--resume", run_id)
        self.assertEqual(ended.status, 64)
        self.assertIn("is over", ended.stderr)
        self.goes_well(self.job())
        self.assertEqual(len(self.outcomes()), 3)

    def test_in_the_query(self):
        self.closed(self.leave("GetQueryExecution"), "query failed",
                    "died in athena-exec and was not resumed")

    def test_in_the_import(self):
        self.closed(self.leave("GetImportJob"),
                    "import failed: partly imported",
                    "an import that it had started goes on")

    def test_between_two_stages(self):
        """The note of the stage that has ended is still there."""
        run_id = self.leave("GetImportJobs")
        with open(os.path.join(self.state, "runs", run_id, "stage"), "w",
                  encoding="utf-8") as file:
            file.write("csv-validate-normalize")
        self.closed(run_id, "import failed: nothing imported",
                    "died before pinpoint-import and was not resumed; the "
                    "next start of the job closed it")
        self.assertNotIn("goes on", self.read(
            run_id, "receipt.json")["error"]["message"])

    def test_stopped_in_the_import(self):
        """What the stage left says that an import was begun."""
        self.closed(self.leave("GetImportJob", signal.SIGTERM),
                    "import failed: partly imported", "pinpoint-import")

    def test_stopped_in_the_query_and_killed_in_the_import(self):
        """What the stopped query left is older than what came after it."""
        run_id = self.leave("GetQueryExecution", signal.SIGTERM)
        process, front = self.held("GetImportJob", "--resume", run_id)
        kill(process)
        front.let_go()
        self.goes_well(self.job())
        receipt = self.read(run_id, "receipt.json")
        self.assertEqual([(s["stage"], s["status"])
                          for s in receipt["stages"]],
                         [("athena-exec", "succeeded"),
                          ("csv-validate-normalize", "succeeded"),
                          ("pinpoint-import", "failed"),
                          ("sns-notify", "succeeded")])
        self.assertEqual(receipt["validate"]["result"]["rows_out"], 20)
        self.assertEqual(receipt["query"]["result"]["state"], "SUCCEEDED")
        self.assertEqual(self.outcomes()[0], (
            run_id, "import failed: partly imported"))

    def test_in_the_notification(self):
        """Its outcome was known: that one is told, and no other."""
        run_id = self.leave("Publish")
        new = self.goes_well(self.job())["run"]["id"]
        outcomes = self.outcomes()
        self.assertEqual(set(outcomes), {(run_id, "successful"),
                                         (new, "successful")})
        self.assertEqual(outcomes.count((new, "successful")), 1)
        self.assertEqual(self.read(run_id, "receipt.json")["status"],
                         "succeeded")

    def test_history_and_metrics(self):
        """As of a run that ended by itself; of a paused one no metrics."""
        folder = "s3://results/history-" + self.name
        environment = {"LAKESEG_HISTORY_URI": folder, "LAKESEG_METRICS": "emf"}
        died = self.leave("GetImportJob")
        ended = self.run_lakeseg("--json", self.job(),
                                 environment=environment)
        self.assertEqual(ended.status, 0, ended.stderr)
        new = ended.manifest["run"]["id"]
        paused = self.run_lakeseg("--json", "--until", "athena-exec",
                                  self.job()).manifest["run"]["id"]
        after = self.run_lakeseg("--json", self.job(),
                                 environment=environment)
        self.assertEqual(after.status, 0, after.stderr)
        s3 = self.local.s3()
        for run_id in (died, new, paused):
            kept = s3.get_object(Bucket="results", Key="history-%s/%s.json" % (
                self.name, run_id))["Body"].read()
            self.assertEqual(check_manifest(kept),
                             self.read(run_id, "receipt.json"))
        for one, count in ((ended, 2), (after, 1)):
            self.assertEqual(one.stderr.count('"CloudWatchMetrics"'), count,
                             one.stderr)

    def test_another_job_does_not_care(self):
        self.leave("GetQueryExecution")
        new = self.goes_well(self.job(name=self.name + "-other"))["run"]["id"]
        self.assertEqual(self.outcomes(), [(new, "successful")])

    def test_killed_while_it_is_closed(self):
        """The decision is kept before it is told."""
        run_id = self.leave("GetQueryExecution")
        process, front = self.held("Publish", self.job())
        kill(process)
        front.let_go()
        ended = self.run_lakeseg("--json", "--resume", run_id)
        self.assertEqual(ended.status, 75, ended.stderr)
        self.assertEqual(ended.manifest["error"]["name"], "Interrupted")
        self.assertEqual(self.outcomes(), [(run_id, "query failed")])


class Untold(Supervised):
    FAULT = "sns.Publish=error:403:AuthorizationError,count=0"

    def fails_to_tell(self):
        self.local.fault(rule=self.FAULT)
        ended = self.run_lakeseg("--json", self.job())
        self.local.admin("faults", method="DELETE")
        self.assertEqual(ended.status, 77, ended.stderr)
        self.assertEqual(ended.manifest["status"], "succeeded")
        self.assertEqual(ended.manifest["notify"]["error"]["name"],
                         "AccessDenied")
        self.assertEqual(self.outcomes(), [])
        run_id = ended.manifest["run"]["id"]
        self.assertNotIn("receipt.json", self.files(run_id))
        return run_id

    def test_resumed(self):
        run_id = self.fails_to_tell()
        self.goes_well("--resume", run_id)
        self.check_once(run_id)
        self.check_folder(run_id)

    def test_the_next_start(self):
        run_id = self.fails_to_tell()
        new = self.goes_well(self.job())["run"]["id"]
        self.assertEqual(self.outcomes(), [(run_id, "successful"),
                                           (new, "successful")])

    def test_nobody_to_tell(self):
        """Without a topic the run is over all the same."""
        path = self.job()
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        del document["notify"]
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        ended = self.run_lakeseg("--json", path,
                                 environment={"LAKESEG_TOPIC_ARN": None})
        self.assertEqual(ended.status, 78, ended.stderr)
        run_id = ended.manifest["run"]["id"]
        self.assertEqual(ended.manifest["status"], "succeeded")
        self.assertEqual(ended.manifest["notify"]["error"]["name"],
                         "ConfigInvalid")
        self.check_folder(run_id)
        self.goes_well(self.job())
        self.assertEqual(len(self.outcomes()), 1)

    def test_for_the_moment(self):
        """The notification is entered again."""
        self.local.fault(rule="sns.Publish=error:503:ServiceUnavailable,"
                              "count=4")
        run_id = self.goes_well(self.job())["run"]["id"]
        self.check_once(run_id)

    def test_a_service_that_is_away_for_a_while(self):
        self.local.fault(rule="pinpoint.GetImportJobs=error:503:"
                              "ServiceUnavailable,count=4")
        run_id = self.goes_well(self.job())["run"]["id"]
        self.check_once(run_id)


class Stopped(Supervised):
    def stop(self, *words, operation="GetImportJob", is_answered=False):
        process, front = self.held(operation, "--json", *words, self.job())
        process.send_signal(signal.SIGINT)
        if is_answered:
            front.let_go(passes=True)
        ended = self.end(process)
        front.let_go()
        return ended

    def test_once_and_resumed(self):
        ended = self.stop()
        self.assertEqual(ended.status, 75, ended.stderr)
        self.assertEqual(ended.manifest["status"], "pending")
        run_id = ended.manifest["run"]["id"]
        self.assertIn("'lakeseg run --resume %s' goes on" % run_id,
                      ended.stderr)
        self.assertEqual(self.outcomes(), [])
        self.goes_well("--resume", run_id)
        self.check_once(run_id)
        self.check_folder(run_id)

    def test_in_the_query(self):
        """It is stopped at the service; the resumed run starts another."""
        self.local.admin("queries", {"match": "people", "running_ms": 60000})
        process = self.begin("--json", self.job())
        wait_for(lambda: [q for q in self.queries()
                          if q["state"] == "RUNNING"])
        process.send_signal(signal.SIGTERM)
        ended = self.end(process)
        self.assertEqual(ended.status, 75, ended.stderr)
        self.assertEqual([q["state"] for q in self.queries()], ["CANCELLED"])
        self.goes_well("--resume", ended.manifest["run"]["id"])
        self.assertEqual(sorted(q["state"] for q in self.queries()),
                         ["CANCELLED", "SUCCEEDED"])
        self.assertEqual(len(self.imports()), 1)

    def test_with_a_service_of_its_own(self):
        """Ctrl-C is for all that the terminal started: the service stays
        until the query is stopped there."""
        process = self.begin(
            "--json", "--local", "--lake", self.local.lake, self.job(),
            environment={"LAKESEG_LOCAL_QUERY_DELAY_MS": "60000"},
            start_new_session=True)
        said = []
        while not said or b"started, or found" not in said[-1]:
            said.append(process.stderr.readline())
            self.assertTrue(said[-1], said)
        local = self.stage_of(process, "lakeseg-local")
        os.killpg(process.pid, signal.SIGINT)
        ended = self.end(process)
        self.assertEqual(ended.status, 75, ended.stderr)
        self.assertIn("stopped query", ended.stderr)
        self.assertFalse(is_alive(local))

    def test_twice_is_at_once(self):
        process, front = self.held("CreateImportJob", "--json", self.job())
        stage = self.stage_of(process, "pinpoint-import")
        process.send_signal(signal.SIGINT)
        with self.assertRaises(subprocess.TimeoutExpired):
            process.wait(0.5)  # the stage waits for an answer
        process.send_signal(signal.SIGINT)
        ended = self.end(process)
        front.let_go()
        self.assertEqual(ended.status, 75, ended.stderr)
        self.assertFalse(is_alive(stage))
        run_id = ended.manifest["run"]["id"]
        self.goes_well("--resume", run_id)
        self.check_once(run_id)

    def test_told_at_once_if_asked_for(self):
        ended = self.stop("--tell-stop")
        self.assertEqual(ended.status, 75, ended.stderr)
        self.assertEqual(ended.manifest["error"]["name"], "Interrupted")
        run_id = ended.manifest["run"]["id"]
        self.assertEqual(self.outcomes(), [
            (run_id, "import failed: partly imported")])
        self.assertEqual(self.run_lakeseg("--resume", run_id).status, 64)

    def test_a_known_outcome_is_still_told(self):
        ended = self.stop(operation="Publish", is_answered=True)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.check_once(ended.manifest["run"]["id"])


class Twice(Supervised):
    def test_two_supervisors_on_one_job(self):
        path = self.job()
        first, front = self.held("GetQueryExecution", "--json", path)
        second = self.run_lakeseg(path)
        self.assertEqual(second.status, 75)
        run_id = self.runs()[0]
        self.assertIn("AlreadyRunning", second.stderr)
        self.assertIn("run %s of the job" % run_id, second.stderr)
        self.assertIn("process %d" % first.pid, second.stderr)
        resumed = self.run_lakeseg("--resume", run_id)
        self.assertEqual(resumed.status, 75)
        self.assertIn("AlreadyRunning", resumed.stderr)
        other = self.run_lakeseg("--json", self.job(name=self.name + "-b"))
        self.assertEqual(other.status, 0, other.stderr)
        front.let_go(passes=True)
        self.assertEqual(self.end(first).status, 0)
        self.assertEqual(sorted(self.outcomes()), sorted([
            (run_id, "successful"),
            (other.manifest["run"]["id"], "successful")]))

    def test_many_at_the_same_moment(self):
        path = self.job()
        ended = [self.end(p) for p in
                 [self.begin("--json", path) for _ in range(6)]]
        won = [e for e in ended if e.status == 0]
        self.assertGreaterEqual(len(won), 1)
        for one in ended:
            self.assertIn(one.status, (0, 75), one.stderr)
            if one.status == 75:
                self.assertIn("AlreadyRunning", one.stderr)
        self.assertEqual(len(self.runs()), len(won))
        self.assertEqual(len(self.imports()), len(won))


class Parts(Supervised):
    def test_until_and_on(self):
        ended = self.run_lakeseg("--json", "--until",
                                 "csv-validate-normalize", self.job())
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assertEqual(ended.manifest["status"], "pending")
        self.assertEqual((len(self.imports()), self.outcomes()), (0, []))
        run_id = ended.manifest["run"]["id"]
        self.goes_well("--resume", run_id)
        self.check_once(run_id)
        self.check_folder(run_id)

    def test_until_and_never_again(self):
        """On purpose: it is closed without a message."""
        ended = self.run_lakeseg("--json", "--until", "athena-exec",
                                 self.job())
        new = self.goes_well(self.job())["run"]["id"]
        self.assertEqual(self.outcomes(), [(new, "successful")])
        run_id = ended.manifest["run"]["id"]
        self.assertEqual(self.read(run_id, "receipt.json")["error"]["name"],
                         "Interrupted")
        self.assertEqual(self.run_lakeseg("--resume", run_id).status, 64)

    def paused(self, stage):
        ended = self.run_lakeseg("--json", "--until", stage, self.job())
        self.assertEqual(ended.status, 0, ended.stderr)
        return ended.manifest["run"]["id"]

    def closes_untold(self, run_id, status):
        new = self.goes_well(self.job())["run"]["id"]
        self.assertEqual(self.outcomes(), [(new, "successful")])
        self.assertEqual(self.read(run_id, "receipt.json")["status"], status)
        self.assertNotIn("paused", self.files(run_id))

    def test_until_the_import_and_never_again(self):
        """Its outcome is known, and nobody is told."""
        self.closes_untold(self.paused("pinpoint-import"), "succeeded")

    def test_paused_and_killed_while_it_is_closed(self):
        run_id = self.paused("athena-exec")
        # as it is between the two files of its closing
        manifest = self.read(run_id, "manifests/01-athena-exec.json")
        manifest["status"] = "failed"
        manifest["error"] = {
            "stage": "csv-validate-normalize", "name": "Interrupted",
            "message": "the run died", "retryable": True, "exit": 75}
        with open(os.path.join(self.state, "runs", run_id, "manifests",
                               "02-lakeseg.json"), "w",
                  encoding="utf-8") as file:
            json.dump(manifest, file)
        self.closes_untold(run_id, "failed")

    def test_from(self):
        path = self.job()
        run_id = self.run_lakeseg("--json", "--until",
                                  "csv-validate-normalize",
                                  path).manifest["run"]["id"]
        saved = os.path.join(self.state, "runs", run_id, "manifests",
                             "02-csv-validate-normalize.json")
        manifest = self.goes_well("--from", "pinpoint-import", saved)
        self.assertNotEqual(manifest["run"]["id"], run_id)
        self.assertEqual([s["stage"] for s in manifest["stages"]],
                         ["pinpoint-import", "sns-notify"])
        self.check_once(manifest["run"]["id"])

    def test_stages_that_are_none(self):
        for words in (["--until", "s3-put"], ["--from", "s3-put"],
                      ["--stages", "../x"], ["--stages", ""],
                      ["--stages", ",".join(["a"] * 17)]):
            ended = self.run_lakeseg(*words, self.job())
            self.assertEqual(ended.status, 64, ended.stderr)
        self.assertEqual(self.runs(), [])

    def test_stages_of_the_job(self):
        manifest = self.goes_well(self.job(run={"stages": [
            "athena-exec", "s3-fetch", "csv-validate", "s3-put",
            "pinpoint-import", "sns-notify"]}))
        self.assertEqual(len(manifest["stages"]), 6)
        self.check_once(manifest["run"]["id"])

    def test_stages_by_the_destination(self):
        """A job that names none goes where the environment says."""
        path = self.job()
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        for named, set_to, importer in (
                ("pinpoint", "customer-profiles", "pinpoint-import"),
                (None, "customer-profiles", "profiles-import"),
                (None, None, "pinpoint-import")):
            document["import"].pop("destination", None)
            if named:
                document["import"]["destination"] = named
            with open(path, "w", encoding="utf-8") as file:
                json.dump(document, file)
            ended = self.run_lakeseg(
                "--json", "--until", "athena-exec", path,
                environment={"LAKESEG_DESTINATION": set_to})
            self.assertIn(importer, ended.manifest["run"]["stages"])
            self.assertEqual(ended.manifest["import"].get("destination"),
                             named or set_to)

    def test_without_a_notification(self):
        ended = self.run_lakeseg("--json", "--stages",
                                 "athena-exec,csv-validate", self.job())
        self.assertEqual(ended.status, 0, ended.stderr)
        self.check_folder(ended.manifest["run"]["id"],
                          ["athena-exec", "csv-validate"])


class Report(Supervised):
    WITH = STAGES[:3] + ["lakeseg-report", STAGES[3]]

    def check_report(self, run_id):
        path = os.path.join(self.state, "runs", run_id, "report.html")
        with open(path, encoding="utf-8") as file:
            self.assertIn(run_id, file.read())
        os.remove(path)

    def test_before_the_notification(self):
        manifest = self.goes_well("--report", self.job())
        run_id = manifest["run"]["id"]
        uri = manifest["run"]["work_uri"] + "report/report.html"
        self.assertEqual(manifest["report"]["uri"], uri)
        stored = self.local.s3().get_object(
            Bucket="results", Key=uri[len("s3://results/"):])
        self.assertEqual(stored["ContentType"], "text/html; charset=utf-8")
        with open(os.path.join(self.state, "runs", run_id, "report.html"),
                  "rb") as file:
            self.assertEqual(stored["Body"].read(), file.read())
        self.check_report(run_id)
        self.assertEqual([s["stage"] for s in manifest["stages"]], self.WITH)
        self.check_folder(run_id, self.WITH)
        self.check_once(run_id)
        self.assertIn(uri, self.local.messages()[-1]["message"])

    def test_of_a_failed_run(self):
        self.local.admin("queries", {"match": "people", "state": "FAILED"})
        ended = self.run_lakeseg("--json", "--report", self.job())
        self.assertEqual(ended.status, 69, ended.stderr)
        run_id = ended.manifest["run"]["id"]
        self.check_report(run_id)
        self.assertEqual([(s["stage"], s["status"])
                          for s in ended.manifest["stages"]],
                         [("athena-exec", "failed"),
                          ("csv-validate-normalize", "skipped"),
                          ("pinpoint-import", "skipped"),
                          ("lakeseg-report", "succeeded"),
                          ("sns-notify", "succeeded")])
        self.check_folder(run_id, ["athena-exec", "lakeseg-report",
                                   "sns-notify"])
        self.assertEqual(self.outcomes(), [(run_id, "query failed")])

    def test_one_that_cannot_be_stored(self):
        """It stays where it was made, and the run is as good as before."""
        process, front = self.held("GetImportJob", "--json", "--report",
                                   self.job())
        self.local.fault(rule="s3.PutObject=error:403:AccessDenied")
        front.let_go(passes=True)
        ended = self.end(process)
        self.assertEqual(ended.status, 0, ended.stderr)
        run_id = ended.manifest["run"]["id"]
        self.assertEqual(
            ended.manifest["report"]["uri"],
            os.path.join(self.state, "runs", run_id, "report.html"))
        self.check_report(run_id)
        self.check_once(run_id)

    def test_one_that_cannot_be_made(self):
        """It is no reason to fail. (The job's own price comes first.)"""
        manifest = self.goes_well(
            "--report", self.job(query={"price_per_tb": 5}),
            environment={"LAKESEG_PRICE_PER_TB": "none"})
        self.assertNotIn("report", manifest)
        self.assertEqual(manifest["stages"][3]["status"], "failed")
        self.check_once(manifest["run"]["id"])

    def test_killed_around_it(self):
        process, front = self.held("GetImportJob", "--report", self.job(),
                                   when="after")
        run_id = self.runs()[0]
        kill(process)
        front.let_go()
        self.goes_well("--resume", run_id)
        self.check_report(run_id)
        self.check_once(run_id)


class Budgets(Supervised):
    def over(self, *words, match=None, subject, name, operation=None,
             **sections):
        if match:
            self.local.admin("queries", {"match": match,
                                         "running_ms": 60000})
        if operation:
            process, front = self.held(operation, "--json", *words,
                                       self.job(**sections))
            ended = self.end(process)
            front.let_go()
        else:
            ended = self.run_lakeseg("--json", *words, self.job(**sections))
        self.assertEqual(ended.manifest["error"]["name"], name, ended.stderr)
        self.assertIn("did not end within its time",
                      ended.manifest["error"]["message"])
        self.assertEqual(ended.status, ended.manifest["error"]["exit"])
        self.assertEqual(self.outcomes(),
                         [(ended.manifest["run"]["id"], subject)])
        return ended

    def test_of_the_run(self):
        ended = self.over("--timeout", "3", match="people",
                          subject="query failed", name="QueryTimedOut")
        self.assertEqual(ended.manifest["run"]["timeout_s"], 3)
        self.assertEqual([q["state"] for q in self.queries()], ["CANCELLED"])

    def test_of_a_stage(self):
        self.over(run={"stage_timeout_s": {"pinpoint-import": 3}},
                  operation="GetImportJob",
                  subject="import failed: partly imported",
                  name="ImportTimedOut")

    def test_of_ages(self):
        """More milliseconds than there are."""
        ages = 2 ** 63 - 1
        self.local.fault(service="pinpoint", operation="ImportJob",
                         outcome="WORKING", delay_ms=2500)
        self.goes_well(self.job(run={"timeout_s": ages, "stage_timeout_s": {
            "pinpoint-import": ages}}))

    def test_of_a_stage_that_nobody_hears(self):
        self.over(run={"stage_timeout_s": {"csv-validate-normalize": 3}},
                  operation="GetObject",
                  subject="import failed: nothing imported",
                  name="Interrupted")


class Terminal(Supervised):
    def drawn(self, *words, columns=70, **environment):
        """What a run writes to a terminal."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [program("lakeseg"), "run", *words, self.job()], stdin=slave,
            stdout=slave, stderr=slave, close_fds=True,
            env=self.local.environment(LAKESEG_STATE=self.state,
                                       TERM="xterm", **environment))
        os.close(slave)
        seen = b""
        while True:
            try:
                some = os.read(master, 65536)
            except OSError:  # the other end is closed
                some = b""
            if not some:
                break
            seen += some
        os.close(master)
        self.assertEqual(process.wait(60), 0, seen.decode())
        return seen.decode()

    def is_drawn(self, line):
        return re.match(r"(\033\[K)?[a-z0-9-]+ {2,}(runn|succ)", line)

    def lines(self, text):
        """What stands there when all is drawn over."""
        return [line.rpartition("\r\033[K")[2].rstrip("\r")
                for line in text.split("\n")]

    def test_a_line_a_stage(self):
        self.local.admin("queries", {"match": "people", "running_ms": 400})
        text = self.drawn(NO_COLOR="1")
        shown = self.lines(text)
        ended = [line for line in shown if self.is_drawn(line)]
        self.assertEqual([line.split()[0] for line in ended], STAGES, text)
        self.assertIn("20 rows in, 20 out", ended[1])
        self.assertIn("20 rows processed", ended[2])
        self.assertIn("\r\033[Kathena-exec              running ", text)
        for part in text.replace("\n", "\r").split("\r"):
            if self.is_drawn(part):
                self.assertLess(len(part.replace("\033[K", "")), 70)
        # the stages' own messages stand above, as text
        self.assertTrue([line for line in shown if line.startswith(
            "athena-exec: query ")], text)
        self.assertNotIn('{"time"', text)
        self.assertNotIn("\033[3", text)
        self.assertTrue(shown[-2].startswith("run "), shown)

    def test_colours(self):
        self.assertIn("\033[32msucceeded\033[0m", self.drawn())
        self.assertIn("\033[32m", self.drawn("--color", "always",
                                             NO_COLOR="1"))
        self.assertNotIn("\033[3", self.drawn("--color", "never"))

    def test_a_narrow_one(self):
        ended = [line for line in self.lines(self.drawn(
            columns=30, NO_COLOR="1")) if self.is_drawn(line)]
        self.assertEqual(len(ended), 4)
        self.assertLess(max(map(len, ended)), 30)

    def test_quiet(self):
        self.assertEqual(self.drawn("--quiet"), "")

    def test_progress_that_stages_tell(self):
        """A slow import is drawn with rows, rate and time."""
        self.local.fault(service="pinpoint", operation="ImportJob",
                         outcome="WORKING", delay_ms=900)
        text = self.drawn(columns=120, NO_COLOR="1")
        self.assertRegex(text, r"pinpoint-import +running +[0-9.]+ s  "
                               r"[0-9]+ of 20 rows")

    def test_another_word_for_colour(self):
        ended = self.run_lakeseg("--color", "pink", self.job())
        self.assertEqual(ended.status, 64)


class Several(Supervised):
    def folder(self, names, broken=()):
        folder = os.path.join(self.local.dir, "jobs-" + self.name)
        os.makedirs(folder)
        for name in names:
            path = self.job(name="%s-%s" % (self.name, name))
            os.rename(path, os.path.join(folder, name + ".json"))
        for name in broken:
            with open(os.path.join(folder, name + ".json"), "w",
                      encoding="utf-8") as file:
                file.write('{\n  // mine\n  "lakeseg": 1}')
        with open(os.path.join(folder, "README"), "w",
                  encoding="utf-8") as file:
            file.write("no job")
        return folder

    def test_in_order(self):
        folder = self.folder("cab")
        ended = self.run_lakeseg("--json", folder)
        self.assertEqual(ended.status, 0, ended.stderr)
        names = [check_manifest(line + b"\n")["run"]["name"]
                 for line in ended.stdout.splitlines()]
        self.assertEqual(names, ["%s-%s" % (self.name, c) for c in "abc"])
        self.assertEqual(len(self.outcomes()), 3)

    def test_a_few_at_once_and_one_is_broken(self):
        folder = self.folder("abcde", broken=["b2"])
        ended = self.run_lakeseg("--parallel", "3", folder)
        self.assertEqual(ended.status, 66, ended.stderr)
        self.assertIn("line 2 has a comment ('//')", ended.stderr)
        self.assertEqual(len(self.outcomes()), 5)
        self.assertEqual(ended.stdout.count(b": successful, published as "),
                         5)

    def test_stopped(self):
        """Every job that was begun is stopped once, no other is begun."""
        folder = self.folder("abc")
        process, front = self.held("GetImportJob", "--json", folder)
        process.send_signal(signal.SIGTERM)
        ended = self.end(process)
        front.let_go()
        self.assertEqual(ended.status, 75, ended.stderr)
        self.assertIn("2 of 3 jobs were not begun", ended.stderr)
        self.assertEqual(len(self.runs()), 1)
        self.goes_well("--resume", "last")

    def test_usage(self):
        for words in ([], ["--resume", "last", self.job()],
                      ["--parallel", "0", self.job()],
                      [os.path.join(self.local.dir, "work-none")],
                      ["--lake", "x", self.job()]):
            ended = self.run_lakeseg(*words)
            self.assertIn(ended.status, (64, 74), ended.stderr)


if __name__ == "__main__":
    unittest.main()
