"""athena-exec killed, or told to stop, before and after each of its requests:
started again with the same run id it ends as if nothing had happened, and the
query ran once."""

import json
import os
import signal
import subprocess
import unittest

from harness import Case, check_manifest, job, program
from recorder import Recorder

ROWS = 1500  # more than a page of managed results
SQL = ("SELECT id AS Id, 'EMAIL' AS \"ChannelType\", "
       "concat(id, '@example.com') AS \"Address\" FROM people")
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")


class Signaller:
    """Sends a signal at the n-th request, before it is passed on or when its
    answer is there. A request that KILL came before goes nowhere."""

    def __init__(self, number, when, sig):
        self.number = number
        self.when = when
        self.sig = sig
        self.seen = 0
        self.child = None
        self.is_sent = False

    def __call__(self, kept, when):
        if when == "before":
            self.seen += 1
        if self.is_sent:
            return self.sig != signal.SIGKILL
        if self.seen != self.number or when != self.when:
            return True
        self.is_sent = True
        os.kill(self.child.pid, self.sig)
        return self.sig != signal.SIGKILL


class Around(Case):
    """A run in each of its forms, and what is left of an interrupted one."""

    options = ("--workgroup", "managed,managed")
    # what differs: options, fields of the query, how its own text begins
    modes = {"select": ([], {}),
             "explain": (["--explain"], {}),
             "unload": (["--unload"], {}),
             "managed": ([], {"workgroup": "managed"})}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("people", "id\n" + "".join(
            "p%d\n" % i for i in range(ROWS)))
        cls.local.admin("queries", {"match": "people", "running_ms": 80,
                                    "count": 0})
        cls.s3 = cls.local.s3()

    def run_once(self, words, run_id, query, url=None, signaller=None):
        document = job(SQL, query=query)
        document["run"]["id"] = run_id
        environment = self.local.environment(
            AWS_ENDPOINT_URL=url or self.local.url, LAKESEG_LOG="error",
            LAKESEG_POLL_INTERVAL_MS="5000")
        child = subprocess.Popen(
            [program("athena-exec"), *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)
        if signaller is not None:
            signaller.child = child
        out, said = child.communicate(json.dumps(document).encode(),
                                      timeout=120)
        return child.returncode, out, said.decode()

    def ours(self, before):
        return self.local.admin("queries")[before:]

    def signalled(self, mode, number, when, sig):
        """Whether the signal came, and what the interrupted call left."""
        words, query = self.modes[mode]
        run_id = "%s-%s-%d-%d" % (mode, when, number, sig)
        signaller = Signaller(number, when, sig)
        recorder = Recorder(self.local.url, signaller)
        before = len(self.local.admin("queries"))
        try:
            # the recorder speaks for all services: a HEAD may be killed, too
            status, out, said = self.run_once(words, run_id, query,
                                              recorder.url, signaller)
        finally:
            recorder.stop()
        return signaller.is_sent, run_id, before, status, out, said

    def check_result(self, mode, run_id, before, more=0):
        """The same run again: it succeeds, and its query ran once."""
        words, query = self.modes[mode]
        status, out, said = self.run_once(words, run_id, query)
        self.assertEqual(status, 0, said)
        manifest = check_manifest(out)
        queries = self.ours(before)
        explains = [q for q in queries if q["sql"].startswith("EXPLAIN")]
        others = [q for q in queries if not q["sql"].startswith("EXPLAIN")]
        self.assertEqual(len(explains), 1 if mode == "explain" else 0)
        self.assertEqual(len(others), 1 + more, others)
        result = manifest["query"]["result"]
        self.assertEqual(result["execution_id"], others[-1]["id"])
        self.assertEqual(result["state"], "SUCCEEDED")
        self.check_data(mode, manifest)

    def check_data(self, mode, manifest):
        data = manifest["data"]
        total = 0
        for entry in data:
            key = entry["uri"][len("s3://results/"):]
            head = self.s3.head_object(Bucket="results", Key=key)
            self.assertEqual(head["ContentLength"], entry["bytes"])
            total += entry["bytes"]
        self.assertEqual(len(data), 3 if mode == "unload" else 1)
        self.assertGreater(total, 1000)

    def each_request(self, sig, check):
        for mode in self.modes:
            for when in ("before", "after"):
                number = 0
                is_sent = True
                while is_sent:
                    number += 1
                    with self.subTest(mode=mode, when=when, number=number):
                        is_sent, *rest = self.signalled(mode, number, when,
                                                        sig)
                        check(mode, is_sent, *rest)
                self.assertGreater(number, 3)  # a group, a start, a look


class Killed(Around):
    def test_killed_around_each_request(self):
        def check(mode, is_sent, run_id, before, status, out, said):
            if is_sent:
                self.assertEqual((status, out), (-signal.SIGKILL, b""), said)
            self.check_result(mode, run_id, before)

        self.each_request(signal.SIGKILL, check)


class Stopped(Around):
    def test_told_to_stop_around_each_request(self):
        def check(mode, is_sent, run_id, before, status, out, said):
            queries = self.ours(before)
            for query in queries:  # nothing is left to run on
                self.assertIn(query["state"], ENDED)
            manifest = check_manifest(out)
            if status != 0:
                self.assertEqual(status, 75, said)
                self.assertEqual(manifest["error"]["name"], "Interrupted")
                self.assertIn("by signal TERM", said)
            cancelled = [q for q in queries if q["state"] == "CANCELLED"]
            for query in cancelled:
                self.assertIn("query %s was told to stop" % query["id"], said)
            explains = [q for q in cancelled
                        if q["sql"].startswith("EXPLAIN")]
            if not explains:
                self.check_result(mode, run_id, before, len(cancelled))

        self.each_request(signal.SIGTERM, check)


class Unclear(Case):
    """Without a run id the start's answer is all that there is."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("people", "id\np1\n")

    def run_pipe_of(self, document, **environment):
        before = len(self.local.admin("queries"))
        result = self.run_pipe(["athena-exec"], document, **environment)
        return result, self.local.admin("queries")[before:]

    def test_the_answer_to_the_start_is_lost(self):
        self.local.fault(rule="athena.StartQueryExecution=lost,count=2")
        result, queries = self.run_pipe_of(job(SQL))
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual(len(queries), 1)  # three starts, one token

    def test_every_answer_to_the_start_is_lost(self):
        document = job(SQL)
        document["run"]["id"] = "unclear"
        # count 0: curl sends again by itself on a connection it had before
        self.local.fault(rule="athena.StartQueryExecution=lost,count=0")
        result, first = self.run_pipe_of(document)
        self.local.admin("faults", method="DELETE")
        self.assertEqual(result.status, 75, result.stderr)
        self.assertIn("run unclear", result.stderr)
        result, more = self.run_pipe_of(document)
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual((len(first), len(more)), (1, 0))

    def test_without_a_run_id_a_second_start_is_a_new_run(self):
        for _ in range(2):
            result, queries = self.run_pipe_of(job(SQL))
            self.assertEqual(result.status, 0, result.stderr)
            self.assertEqual(len(queries), 1)

    def test_another_request_is_another_query(self):
        document = job(SQL)
        document["run"]["id"] = "same"
        for database in ("lake", "other"):
            document["query"]["database"] = database
            result, queries = self.run_pipe_of(document)
            self.assertEqual(len(queries), 1, result.stderr)


if __name__ == "__main__":
    unittest.main()
