"""Imports of what changed: the second run of a job sends what differs from the
first, and only what the service took every row of is ever left out."""

import csv
import io
import json
import os
import random
import subprocess
import unittest

from harness import Case, Pipe, check_manifest, job, program
from recorder import Recorder

PROGRAMS = ["athena-exec", "csv-validate", "pinpoint-import"]
SQL = ('SELECT id AS Id, \'EMAIL\' AS "ChannelType", address AS "Address", '
       'plan AS "Attributes.Plan" FROM {}')
NUMBER = iter(range(1000000))


def people(count, start=0, **plans):
    """{id: plan}: everybody 'a', but for those that plans names."""
    found = {"p%d" % n: "a" for n in range(start, start + count)}
    found.update(plans)
    return found


class Changed(Case):
    def setUp(self):
        super().setUp()
        self.name = "job%d" % next(NUMBER)
        self.table = "t%d" % next(NUMBER)

    def job(self, sql=SQL, name=None, limits=None, **import_):
        return job(sql.format(self.table), run={"name": self.name if name is None else name},
                   validate={"limits": limits or {}},
                   import_={"mode": "changed", **import_})

    def lake(self, table):
        text = "id,address,plan\n" + "".join(
            "%s,%s@example.com,%s\n" % (i, i.strip().lower(), plan)
            for i, plan in table.items())
        self.local.table(self.table, text)

    def run_job(self, table=None, *options, want=0, document=None,
                programs=None, env=None, **settings):
        if table is not None:
            self.lake(table)
        if programs is None:
            programs = [PROGRAMS[0], [PROGRAMS[1], *options], PROGRAMS[2]]
        result = self.run_pipe(programs, document or self.job(**settings),
                               **(env or {}))
        self.assertEqual(result.status, want, result.stderr)
        return result

    def read(self, uri):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return self.local.s3().get_object(Bucket=bucket, Key=key)[
            "Body"].read()

    def sent(self, result, gone=False):
        """The rows of the run's files, {id: row}."""
        rows = {}
        for entry in result.manifest["data"]:
            if entry["role"] == "normalized" and \
                    entry.get("gone", False) == gone:
                text = self.read(entry["uri"]).decode()
                found = list(csv.DictReader(io.StringIO(text)))
                self.assertEqual(len(found), entry["rows"])
                rows.update({row["Id"]: row for row in found})
        return rows

    def processed(self, result):
        return sum(j["processed"]
                   for j in result.manifest["import"]["result"]["jobs"])

    def endpoint(self, i):
        found = self.local.admin("endpoints/app1?limit=100000")
        for e in found["endpoints"] if isinstance(found, dict) else found:
            if e["Id"] == i:
                return e
        return None

    def state_key(self):
        return "athena/lakeseg/jobs/%s/last.json" % self.name

    def state(self):
        return json.loads(self.read("s3://results/" + self.state_key()))

    def put_state(self, state):
        self.local.s3().put_object(Bucket="results", Key=self.state_key(),
                                   Body=json.dumps(state).encode())

    def delta(self, result):
        return result.manifest["validate"]["result"]["delta"]

    def check_delta(self, result, mode, fresh, changed, same, gone):
        d = self.delta(result)
        self.assertEqual((d["mode"], d["rows_new"], d["rows_changed"],
                          d["rows_unchanged"], d["rows_gone"]),
                         (mode, fresh, changed, same, gone))
        counts = result.manifest["validate"]["result"]
        self.assertEqual(counts["rows_in"], counts["rows_out"] +
                         counts["rows_rejected"] + counts["rows_dropped"] +
                         counts["rows_merged"] + counts["rows_unchanged"])

    def fails(self, result, name, words):
        error = result.manifest["error"]
        self.assertEqual(error["name"], name, error)
        self.assertRegex(error["message"], words)


class Runs(Changed):
    def test_second_run_sends_what_differs(self):
        first = self.run_job(people(50))
        self.check_delta(first, "full", 50, 0, 0, None)
        self.assertEqual(self.processed(first), 50)
        self.assertRegex(self.delta(first)["why_full"], "no earlier run")
        # 3 changed, 2 new, 4 gone
        second = self.run_job(people(48, 4, p10="b", p11="b", p12="b"))
        self.check_delta(second, "changed", 2, 3, 43, 4)
        self.assertEqual(self.processed(second), 5)
        self.assertEqual(set(self.sent(second)),
                         {"p10", "p11", "p12", "p50", "p51"})
        self.assertEqual(self.endpoint("p10")["Attributes"], {"Plan": ["b"]})
        self.assertEqual(self.endpoint("p20")["Attributes"], {"Plan": ["a"]})
        self.assertEqual(self.state()["run_id"],
                         second.manifest["run"]["id"])
        self.assertEqual(len(self.state()["files"]), 2)
        place = "athena/lakeseg/jobs/%s/" % self.name
        self.assertEqual(set(self.local.objects(prefix=place)), {
            place + "key", place + "last.json",
            place + second.manifest["run"]["id"] + ".prints"})

    def test_nothing_changed(self):
        self.run_job(people(5))
        again = self.run_job()
        self.check_delta(again, "changed", 0, 0, 5, 0)
        self.assertEqual(again.manifest["import"]["result"]["jobs"], [])
        self.assertEqual(again.manifest["status"], "succeeded")
        self.assertEqual(self.state()["run_id"], again.manifest["run"]["id"])

    def test_full_sends_all_and_counts(self):
        self.run_job(people(5))
        full = self.run_job(people(5, 1, p2="b"), mode="full")
        self.check_delta(full, "full", 1, 1, 3, 1)
        self.assertEqual(self.processed(full), 5)
        self.assertEqual(full.manifest["validate"]["result"]
                         ["rows_unchanged"], 0)
        self.assertEqual(len(self.state()["files"]), 1)

    def test_long_pipe_keeps_them_in_s3(self):
        long = ["athena-exec", "s3-fetch", "csv-validate", "s3-put",
                "pinpoint-import"]
        self.run_job(people(5), programs=long)
        second = self.run_job(people(5, p1="b"), programs=long)
        self.check_delta(second, "changed", 0, 1, 4, 0)
        self.assertEqual(set(self.sent(second)), {"p1"})

    def test_all_are_sent_after_many_files(self):
        self.run_job(people(5))
        state = self.state()
        # of the last full run they may be as many
        state["files"] += [{"uri": "s3://results/none/%d" % n, "rows": 1}
                           for n in range(1100)]
        state["full_files"] = 102
        self.put_state(state)
        self.check_delta(self.run_job(), "changed", 0, 0, 5, 0)
        second = self.run_job(people(5, p1="b"))
        self.check_delta(second, "changed", 0, 1, 4, 0)
        full = self.run_job()
        self.check_delta(full, "full", 0, 0, 5, 0)
        self.assertRegex(self.delta(full)["why_full"], "in 1000 files")
        self.assertEqual(len(self.state()["files"]), 1)
        self.assertEqual(self.state()["full_files"], 1)
        self.check_delta(self.run_job(), "changed", 0, 0, 5, 0)

    def test_a_large_state_is_read(self):
        self.run_job(people(5))
        state = self.state()
        state["full_files"] = 20000
        state["files"] = [{"uri": "s3://results/" + "x" * 300, "rows": 1}
                          ] * 20000
        self.put_state(state)
        self.check_delta(self.run_job(), "changed", 0, 0, 5, 0)
        self.check_delta(self.run_job(), "changed", 0, 0, 5, 0)

    def test_settings_that_cannot_be(self):
        self.lake(people(3))
        for words, settings in (
                ("define_segment", {"define_segment": True,
                                    "segment_name": "s"}),
                ("attribute", {"gone": {"attribute": "A:\n", "value": "b"}}),
                ("run.name", {"name": ""})):
            result = self.run_job(want=78, **settings)
            self.fails(result, "ConfigInvalid", words)
        path = os.path.join(self.local.dir, "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.job(name=""), file)
        done = subprocess.run([program("lakeseg"), "check", path],
                              env=self.local.environment(), timeout=60,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 78, done.stdout)
        self.assertIn(b"run.name", done.stdout + done.stderr)
        self.fails(self.run_job(None, "--mode", "some", want=78),
                   "ConfigInvalid", "none of 'full', 'changed'")
        self.fails(self.run_job(None, "--allow", "all", want=78),
                   "ConfigInvalid", "none of max_change")

    def test_differs_as_a_plain_comparison_does(self):
        """Five runs of random changes, beside the same in Python."""
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        known = {}  # id in lower case: row as it was sent
        for _ in range(5):
            table = {}
            for n in chance.sample(range(300), chance.randrange(100, 200)):
                name = "q%d" % n
                name = name.upper() if chance.random() < 0.1 else name
                plan = chance.choice(["a", "b", '"say ""a"", b"', " x "])
                table[name] = plan
            result = self.run_job(table)
            rows = {}
            for i, plan in table.items():
                cell = plan.strip().strip('"').replace('""', '"')
                rows[i] = {"Id": i, "ChannelType": "EMAIL",
                           "Address": i.lower() + "@example.com",
                           "Attributes.Plan": cell}
            differ = {i: row for i, row in rows.items()
                      if known.get(i.lower()) != row}
            self.assertEqual(self.sent(result), differ, "seed %d" % seed)
            fresh = sum(i.lower() not in known for i in rows)
            now = {i.lower(): row for i, row in rows.items()}
            self.check_delta(
                result, "changed" if known else "full", fresh,
                len(differ) - fresh, len(rows) - len(differ),
                len(set(known) - set(now)) if known else None)
            known = now


class Unsettled(Changed):
    """The pointer moves only when every row was taken, and once."""

    LONG_PLAN = "x" * 101  # which the service refuses

    def partial(self, table, **settings):
        """A run of which the service does not take every row."""
        document = self.job(max_failed_percent=90, **settings)
        document["validate"]["rules"] = {"attribute-length": "off"}
        return self.run_job(table, document=document)

    def test_tolerated_partial_import_stays(self):
        self.run_job(people(10))
        before = self.state()
        partial = self.partial(people(10, p3="b", p4=self.LONG_PLAN))
        self.assertEqual(partial.manifest["status"], "succeeded")
        self.assertIn("sends all changed rows again", partial.stderr)
        self.assertEqual(self.endpoint("p3")["Attributes"], {"Plan": ["b"]})
        state = self.state()
        self.assertEqual(state["run_id"], before["run_id"])
        self.assertEqual(state["fingerprints"], before["fingerprints"])
        # what was sent is sent again, and what went back to what it was before
        # is sent, too: the service has the other value
        again = self.run_job(people(10, p4="b"))
        self.check_delta(again, "changed", 0, 2, 8, 0)
        self.assertEqual(set(self.sent(again)), {"p3", "p4"})
        self.assertEqual(self.endpoint("p3")["Attributes"], {"Plan": ["a"]})
        self.assertEqual(self.state()["open"], [])
        last = self.run_job(people(10, p4="b"))
        self.check_delta(last, "changed", 0, 0, 10, 0)

    def test_failed_import_stays(self):
        self.run_job(people(10))
        self.local.fault(service="pinpoint", operation="ImportJob",
                         kind="outcome", outcome="FAILED")
        failed = self.run_job(people(11, p3="b"), want=69)
        self.fails(failed, "ImportFailed", "failed")
        # p10 may be there: it is gone, as far as anybody knows
        again = self.run_job(people(10))
        self.check_delta(again, "changed", 0, 1, 9, 1)
        self.assertEqual(set(self.sent(again)), {"p3"})

    def test_first_run_that_failed_is_none(self):
        self.partial(people(3, p1=self.LONG_PLAN))
        again = self.run_job(people(3))
        self.check_delta(again, "full", 3, 0, 0, None)
        self.assertEqual(self.state()["open"], [])

    def test_another_run_in_between(self):
        self.run_job(people(5))
        made = self.run_job(people(5, p1="b"), programs=PROGRAMS[:2])
        self.run_job(people(5, p2="c"))
        late = self.run_pipe(["pinpoint-import"], made.manifest)
        self.assertEqual(late.status, 65, late.stderr)
        self.fails(late, "DataInvalid", "another run of the job")
        self.assertEqual(self.endpoint("p1")["Attributes"], {"Plan": ["a"]})

    def disturb(self, manifest, when, method, nth, **fields):
        """pinpoint-import, while at that moment somebody else writes to the
        state of the job: puts an entry among the open ones, sets fields."""
        seen = []

        def moment(kept, now):
            if (now, kept.method) == (when, method) and \
                    "last.json" in kept.path:
                seen.append(kept.path)
                if len(seen) == nth:
                    state = self.state()
                    state.setdefault("open", []).append(
                        {"run_id": "other", "fingerprints": None,
                         "files": [], "after": None})
                    self.put_state({**state, **fields})
            return True

        front = Recorder(self.local.url, moment)
        try:
            result = self.run_pipe(["pinpoint-import"], manifest,
                                   AWS_ENDPOINT_URL=front.url)
        finally:
            front.stop()
        self.assertGreaterEqual(len(seen), nth, result.stderr)
        return result

    def test_another_run_begins_while_this_one_imports(self):
        for moment in (("after", "PUT", 1), ("before", "PUT", 2)):
            self.name = "job%d" % next(NUMBER)
            self.run_job(people(5))
            made = self.run_job(people(5, p1="b"), programs=PROGRAMS[:2])
            result = self.disturb(made.manifest, *moment)
            self.assertEqual(result.status, 0, result.stderr)
            state = self.state()
            self.assertEqual(state["run_id"], made.manifest["run"]["id"])
            self.assertEqual([e["run_id"] for e in state["open"]], ["other"],
                             moment)
            # what that one sent nobody knows
            self.assertEqual(self.delta(self.run_job())["mode"], "full")

    def test_another_run_begins_just_before_this_one(self):
        self.run_job(people(5))
        made = self.run_job(people(5, p1="b"), programs=PROGRAMS[:2])
        late = self.disturb(made.manifest, "before", "PUT", 1)
        self.fails(late, "DataInvalid", "another run of the job")
        self.assertEqual([e["run_id"] for e in self.state()["open"]],
                         ["other"])
        state = self.state()
        state["open"] = []
        self.put_state(state)
        made = self.run_job(people(5, p1="b"), programs=PROGRAMS[:2],
                            mode="full")
        both = self.disturb(made.manifest, "before", "PUT", 1)
        self.assertEqual(both.status, 0, both.stderr)
        self.assertEqual([e["run_id"] for e in self.state()["open"]],
                         ["other"])

    def test_another_run_ends_while_this_one_imports(self):
        self.run_job(people(5))
        made = self.run_job(people(5, p1="b"), programs=PROGRAMS[:2])
        result = self.disturb(made.manifest, "after", "PUT", 1,
                              run_id="third", open=[])
        self.assertEqual(result.status, 0, result.stderr)
        self.assertIn("another run of the job ended", result.stderr)
        state = self.state()
        self.assertEqual(state["run_id"], "third")
        self.assertEqual([e["run_id"] for e in state["open"]],
                         [made.manifest["run"]["id"]])

    def test_another_destination(self):
        self.run_job(people(5))
        made = self.run_job(people(5, p1="b"), programs=PROGRAMS[:2])
        other = self.run_pipe([["pinpoint-import", "--application-id",
                                "app2"]], made.manifest)
        self.assertEqual(other.status, 78, other.stderr)
        self.fails(other, "ConfigInvalid", "application app1")
        result = self.run_job(people(5, p1="b"), application_id="app2",
                              programs=PROGRAMS[:2])
        self.assertEqual(self.delta(result)["mode"], "full")
        self.assertRegex(self.delta(result)["why_full"], "application app1")


MOMENTS = [(when, *call) for when in ("before", "after") for call in (
    ("GET", "last.json", 1), ("PUT", "last.json", 1),
    ("POST", "/jobs/import", 1), ("GET", "/jobs/import/", 1),
    ("PUT", "last.json", 2))]


class Killed(Changed):
    def kill(self, manifest, when, method, part, nth):
        """pinpoint-import, killed at that moment."""
        seen = []
        pipes = []

        def moment(kept, now):
            if (now, kept.method) == (when, method) and part in kept.path:
                seen.append(kept.path)
                if len(seen) == nth:
                    pipes[0].children[0].kill()
            return True

        front = Recorder(self.local.url, moment)
        try:
            pipes.append(Pipe(
                ["pinpoint-import"],
                self.local.environment(AWS_ENDPOINT_URL=front.url),
                json.dumps(manifest).encode()))
            ended = pipes[0].end()
            status, errors = ended.status, ended.stderr
        finally:
            front.stop()
        self.assertEqual((status, len(seen) >= nth), (-9, True),
                         (when, method, part, nth, seen, errors))

    def test_killed_at_every_moment(self):
        """Entered again it ends as if it had not been, and once."""
        self.run_job(people(10))
        for n, moment in enumerate(MOMENTS, 1):
            made = self.run_job(people(10, p3="b%d" % n),
                                programs=PROGRAMS[:2])
            self.check_delta(made, "changed", 0, 1, 9, 0)
            self.kill(made.manifest, *moment)
            again = self.run_pipe(["pinpoint-import"], made.manifest)
            self.assertEqual(again.status, 0, again.stderr)
            self.assertEqual(again.manifest["status"], "succeeded")
            state = self.state()
            self.assertEqual(state["run_id"], made.manifest["run"]["id"])
            self.assertEqual(state["open"], [], moment)
            self.assertEqual(len(state["files"]), 1 + n, moment)
            root = made.manifest["run"]["work_uri"]
            jobs = [j for j in self.local.admin("imports/app1")
                    if j["Definition"]["S3Url"].startswith(root)]
            self.assertEqual(len(jobs), 1, moment)
            self.assertEqual(self.endpoint("p3")["Attributes"],
                             {"Plan": ["b%d" % n]})

    def test_killed_and_given_up(self):
        """What a run that nobody enters again sent is sent anew."""
        self.run_job(people(10))
        made = self.run_job(people(10, p3="b"), programs=PROGRAMS[:2])
        self.kill(made.manifest, "after", "POST", "/jobs/import", 1)
        again = self.run_job(people(10))
        self.check_delta(again, "changed", 0, 1, 9, 0)
        self.assertEqual(set(self.sent(again)), {"p3"})

    def test_validate_killed(self):
        """A candidate that nobody imports is nobody's."""
        self.run_job(people(10))
        before = self.state()
        queried = self.run_job(people(10, p3="b"), programs=PROGRAMS[:1])
        made = self.run_pipe(["csv-validate"], queried.manifest)
        self.assertEqual(self.state(), before)
        again = self.run_pipe(["csv-validate"], queried.manifest)
        self.assertEqual(again.status, 0, again.stderr)
        self.assertEqual(self.delta(again), self.delta(made))


class Broken(Changed):
    """What cannot be used is said, and all rows are sent."""

    def check_full(self, words):
        result = self.run_job(people(5, p1="b"))
        self.check_delta(result, "full", 5, 0, 0, None)
        self.assertRegex(self.delta(result)["why_full"], words)
        self.assertRegex(result.stderr, words)
        self.assertEqual(self.processed(result), 5)
        self.check_delta(self.run_job(), "changed", 0, 0, 5, 0)

    def put(self, key, data):
        self.local.s3().put_object(Bucket="results", Key=key, Body=data)

    def prints(self):
        return self.state()["fingerprints"]["uri"].removeprefix(
            "s3://results/")

    def test_fingerprints_are_gone(self):
        self.run_job(people(5))
        self.local.s3().delete_object(Bucket="results", Key=self.prints())
        self.check_full("cannot be used")

    def test_fingerprints_are_broken(self):
        self.run_job(people(5))
        data = self.read("s3://results/" + self.prints())
        for broken in (data[:len(data) // 2], data + b"x", b"", b"hello",
                       data[:40] + bytes([data[40] ^ 1]) + data[41:]):
            self.put(self.prints(), broken)
            result = self.run_job(programs=PROGRAMS[:2])
            self.check_delta(result, "full", 5, 0, 0, None)
        self.check_full("cannot be used")

    def test_another_key(self):
        self.run_job(people(5))
        self.put("athena/lakeseg/jobs/%s/key" % self.name, b"0" * 64 + b"\n")
        self.check_full("another key")

    def test_no_key(self):
        self.run_job(people(5))
        self.put("athena/lakeseg/jobs/%s/key" % self.name, b"nonsense")
        result = self.run_job(want=65)
        self.fails(result, "DataInvalid", "remove it")

    def test_state_is_broken(self):
        self.run_job(people(5))
        self.put(self.state_key(), b"{")
        self.check_full("is broken")

    def test_other_columns(self):
        self.run_job(people(5))
        other = self.run_job(sql=SQL.replace("Attributes.Plan",
                                             "Attributes.Tarif"))
        self.check_delta(other, "changed", 0, 5, 0, 0)
        self.assertTrue(self.delta(other)["columns_changed"])
        self.assertIn("columns are not those", other.stderr)

    def test_limits_that_cannot_be_judged(self):
        limits = {"max_gone_percent": 10}
        self.run_job(people(5), limits=limits)
        self.put(self.prints(), b"")
        result = self.run_job(limits=limits, want=65)
        self.fails(result, "DataInvalid", "cannot be judged.*--allow max_gone")
        self.run_job(None, "--allow", "max_gone", limits=limits)


class Limits(Changed):
    def check_stop(self, table, words, allow, **limits):
        before = self.state()
        stopped = self.run_job(table, limits=limits, want=65)
        self.fails(stopped, "DataInvalid", words)
        self.assertIn("--allow " + allow, stopped.manifest["error"]["message"])
        self.assertFalse([d for d in stopped.manifest["data"]
                          if d["role"] == "normalized"])
        self.assertEqual(self.state(), before)
        passed = self.run_job(None, limits=limits,
                              env={"LAKESEG_ALLOW_ONCE": allow})
        self.assertIn("allowed this time", passed.stderr)
        return passed

    def test_change(self):
        self.run_job(people(20))
        self.run_job(people(20, p1="b", p2="b"),
                     limits={"max_change_percent": 10})
        self.check_stop(people(20, p1="c", p2="c", p3="c"),
                        "3 of 20 rows are new or changed.*15.0 percent",
                        "max_change", max_change_percent=10)

    def test_gone(self):
        self.run_job(people(20))
        self.run_job(people(18), limits={"max_gone_percent": 10})
        self.check_stop(people(10), "8 of 18 rows of run .* are gone",
                        "max_gone", max_gone_percent=10)

    def test_rows_of_last(self):
        self.run_job(people(20))
        self.run_job(people(10), limits={"min_rows_percent_of_last": 50})
        self.check_stop(people(4), "4 rows, 40.0 percent of the 10",
                        "min_rows", min_rows_percent_of_last=50)

    def test_empty(self):
        self.run_job(people(20))
        self.check_stop({}, "empty", "empty")
        self.run_job(people(20))
        self.check_stop({}, "no rows, and the last run had 20", "empty",
                        min_rows=0)

    def test_first_run_has_nothing_to_be_judged_by(self):
        self.run_job(people(5), limits={
            "max_change_percent": 0, "max_gone_percent": 0,
            "min_rows_percent_of_last": 100})
        self.run_job(limits={"max_change_percent": 0, "max_gone_percent": 0,
                             "min_rows_percent_of_last": 100})

    def test_rows_are_those_of_the_result(self):
        """min_rows and max_rows are about all rows, sent or not."""
        self.run_job(people(5))
        self.run_job(people(5), limits={"min_rows": 5, "max_rows": 5})
        result = self.run_job(people(5), limits={"max_rows": 4}, want=65)
        self.fails(result, "DataInvalid", "more than 4 rows")


class Gone(Changed):
    GONE = {"gone": {"attribute": "Plan", "value": "none, \"left\""}}

    def test_gone_rows_get_the_value(self):
        """Also those that were sent two runs ago."""
        self.run_job(people(10), **self.GONE)
        self.run_job(people(10, p1="b"), **self.GONE)
        third = self.run_job(people(8, 2, p5="b"), **self.GONE)
        self.check_delta(third, "changed", 0, 1, 7, 2)
        self.assertEqual(set(self.sent(third)), {"p5"})
        gone = self.sent(third, gone=True)
        self.assertEqual({i: r["Attributes.Plan"] for i, r in gone.items()},
                         {"p0": 'none, "left"', "p1": 'none, "left"'})
        self.assertEqual(gone["p1"]["Address"], "p1@example.com")
        self.assertEqual(third.manifest["validate"]["result"]
                         ["rows_gone_sent"], 2)
        self.assertEqual(self.processed(third), 3)
        self.assertEqual(self.endpoint("p1")["Attributes"],
                         {"Plan": ['none, "left"']})
        # once; and who comes back is new
        fourth = self.run_job(people(9, 1, p5="b"), **self.GONE)
        self.check_delta(fourth, "changed", 1, 0, 8, 0)
        self.assertEqual(self.endpoint("p1")["Attributes"], {"Plan": ["a"]})

    def test_attribute_of_its_own(self):
        settings = {"gone": {"attribute": "Left", "value": "yes"}}
        self.run_job(people(3), **settings)
        second = self.run_job(people(2), **settings)
        self.assertEqual(self.sent(second, gone=True)["p2"],
                         {"Id": "p2", "ChannelType": "EMAIL",
                          "Address": "p2@example.com",
                          "Attributes.Plan": "a", "Attributes.Left": "yes"})
        self.assertEqual(self.endpoint("p2")["Attributes"],
                         {"Plan": ["a"], "Left": ["yes"]})

    def test_full_run_marks_them_too(self):
        self.run_job(people(3), **self.GONE)
        second = self.run_job(people(2), mode="full", **self.GONE)
        self.assertEqual(set(self.sent(second, gone=True)), {"p2"})
        self.assertEqual(self.processed(second), 3)

    def test_ids_are_not_to_be_had(self):
        first = self.run_job(people(3), **self.GONE)
        uri = [d["uri"] for d in first.manifest["data"]
               if d["role"] == "normalized"][0]
        self.local.s3().delete_object(
            Bucket="results", Key=uri.removeprefix("s3://results/"))
        second = self.run_job(people(2), want=65, **self.GONE)
        self.fails(second, "DataInvalid", "1 of 1 rows .* cannot be named")
        second = self.run_job(None, "--allow", "unnamed", **self.GONE)
        self.assertEqual(self.processed(second), 0)

    def test_rejected_rows_are_not_gone(self):
        """The service has what the last run sent of them."""
        self.run_job(people(300), **self.GONE)
        bad = people(299, p1="x" * 101, P2="x" * 101)
        del bad["p2"]
        for form in ("jsonl", "csv"):
            document = self.job(**self.GONE)
            document["validate"]["rejects"] = {"format": form}
            second = self.run_job(bad, document=document)
            self.assertEqual(self.delta(second)["rows_kept"], 2)
            self.assertEqual(set(self.sent(second, gone=True)),
                             {"p299"} if form == "jsonl" else set())
        # and when they are right again they are as they were
        third = self.run_job(people(299), **self.GONE)
        self.check_delta(third, "changed", 0, 0, 299, 0)

    def test_rejected_rows_are_known_by_channel_and_address(self):
        """Judged before their address is: its right form is what counts."""
        for n, columns in enumerate((
                'plan AS "Attributes.Plan", \'email \' AS "ChannelType", '
                '\' \' || address AS "Address"',
                'address AS "Address", plan AS "Attributes.Plan", '
                '\'EMAIL\' AS "ChannelType"')):
            settings = {"sql": "SELECT " + columns + " FROM {}",
                        "name": "%s-%d" % (self.name, n), **self.GONE}
            self.run_job(people(300), **settings)
            for form in ("jsonl", "csv"):
                document = self.job(**settings)
                document["validate"]["rejects"] = {"format": form}
                second = self.run_job(people(299, p1="x" * 101, p2="x" * 101),
                                      document=document)
                self.assertEqual(self.delta(second)["rows_kept"], 2)
                self.check_delta(second, "changed", 0, 0, 297,
                                 1 if form == "jsonl" else 0)

    def test_rejected_rows_of_a_full_run_can_be_named(self):
        """They stand in the files of runs before it alone."""
        self.run_job(people(300), **self.GONE)
        bad = people(300, p1="x" * 101)
        full = self.run_job(bad, mode="full", **self.GONE)
        self.assertEqual(self.delta(full)["rows_kept"], 1)
        del bad["p1"]
        third = self.run_job(bad, **self.GONE)
        self.check_delta(third, "changed", 0, 0, 299, 1)
        self.assertEqual(set(self.sent(third, gone=True)), {"p1"})
        # a full run that sends all is all that is needed
        self.run_job(bad, mode="full", **self.GONE)
        self.assertEqual(len(self.state()["files"]), 1)

    def test_rejected_rows_of_a_run_that_did_not_settle(self):
        """It is settled by the next one, which does not send them."""
        self.run_job(people(300), **self.GONE)
        self.local.fault(service="pinpoint", operation="ImportJob",
                         kind="outcome", outcome="FAILED")
        self.run_job(people(301), want=69, **self.GONE)
        self.run_job(people(301, p300="x" * 101), **self.GONE)
        self.assertEqual(self.state()["open"], [])
        last = self.run_job(people(300), **self.GONE)
        self.assertEqual(set(self.sent(last, gone=True)), {"p300"})

    def test_several_parts(self):
        self.run_job(people(400), **self.GONE)
        document = self.job(**self.GONE)
        document["validate"]["output"] = {"max_part_bytes": 2000}
        second = self.run_job(people(200, p1="b"), document=document)
        parts = [d for d in second.manifest["data"] if d.get("gone")]
        self.assertGreater(len(parts), 2)
        self.assertTrue(all(d["bytes"] <= 2000 for d in parts))
        self.assertEqual(len(self.sent(second, gone=True)), 200)
        self.assertEqual(self.processed(second), 201)


class Profiles(Changed):
    """Profiles expire, and those that are gone lose the segment's value."""
    options = ("--domain", "crm")
    SQL = ("SELECT id AS \"User.UserId\", 'EMAIL' AS \"ChannelType\", "
           'address AS "Address", plan AS "Attributes.Plan" FROM {}')
    PROGRAMS = ["athena-exec", "csv-validate", "profiles-import"]

    def job(self, limits=None, segment=None, **import_):
        document = job(self.SQL.format(self.table), run={"name": self.name},
                       validate={"limits": limits or {}})
        document["import"] = {
            "destination": "customer-profiles", "domain": "crm",
            "expiry_days": 30, "max_unknown_keys_percent": 100,
            "mode": "changed", "segment": segment or {"name": self.name},
            **import_}
        return document

    def run_job(self, table=None, *options, **settings):
        settings.setdefault("programs", [
            self.PROGRAMS[0], [self.PROGRAMS[1], *options], self.PROGRAMS[2]])
        return super().run_job(table, **settings)

    def profile(self, key):
        found = self.local.admin("profiles/crm")
        return [p for p in found if p.get("AccountNumber") == key]

    def sent(self, result, gone=False):
        rows = {}
        for entry in result.manifest["data"]:
            if entry["role"] == "normalized" and \
                    entry.get("gone", False) == gone:
                text = self.read(entry["uri"]).decode()
                for row in csv.DictReader(io.StringIO(text)):
                    rows[row["AccountNumber"]] = row
        return rows

    def tag(self, key):
        return self.profile(key)[0]["Attributes"]["segment_" + self.name]

    def names(self, *numbers, **plans):
        return {"%s-%d" % (self.name, n): plans.get("p%d" % n, "a")
                for n in numbers}

    def test_gone_people_leave_the_segment(self):
        one, two = self.name + "-1", self.name + "-2"
        first = self.run_job(self.names(1, 2, 3))
        self.check_delta(first, "full", 3, 0, 0, None)
        second = self.run_job(self.names(2, 3, 4, p3="b"))
        self.check_delta(second, "changed", 1, 1, 1, 1)
        self.assertEqual(set(self.sent(second)),
                         {self.name + "-3", self.name + "-4"})
        self.assertEqual(self.sent(second, gone=True),
                         {one: {"AccountNumber": one,
                                "Attributes_segment_" + self.name: "0"}})
        self.assertEqual(self.tag(one), "0")
        self.assertEqual(self.tag(two), "1")
        # nothing else of them changes
        self.assertEqual(self.profile(one)[0]["EmailAddress"],
                         one + "@example.com")
        # and who comes back is in it again
        third = self.run_job(self.names(1, 2, 3, 4, p3="b"))
        self.check_delta(third, "changed", 1, 0, 3, 0)
        self.assertEqual(self.tag(one), "1")

    def test_by_objects(self):
        one = self.name + "-1"
        setup = [*self.PROGRAMS[:2], ["profiles-import", "--setup"]]
        settings = {"method": "objects", "object_type": self.name}
        self.run_job(self.names(1, 2), programs=setup, **settings)
        second = self.run_job(self.names(2, p2="b"), **settings)
        self.check_delta(second, "changed", 0, 1, 0, 1)
        self.assertEqual(self.tag(one), "0")
        self.assertEqual(self.profile(one)[0]["EmailAddress"],
                         one + "@example.com")

    def test_columns_that_people_fill(self):
        """A first value of a column changes nobody else."""
        self.run_job(self.names(1, 2, p1="", p2=""))
        second = self.run_job(self.names(1, 2, p1="", p2="b"))
        self.check_delta(second, "changed", 0, 1, 1, 0)

    def test_all_are_sent_before_half_of_the_expiry(self):
        self.run_job(self.names(1, 2))
        state = self.state()
        full_at = state["full_at"]
        self.assertEqual(self.run_job().manifest["validate"]["result"]
                         ["rows_unchanged"], 2)
        self.assertEqual(self.state()["full_at"], full_at)
        state = self.state()
        state["full_at"] = "2001-01-01T00:00:00.000Z"
        self.put_state(state)
        result = self.run_job()
        self.check_delta(result, "full", 0, 0, 2, 0)
        self.assertRegex(self.delta(result)["why_full"], "half of the 30 days")
        self.assertGreaterEqual(self.state()["full_at"], full_at)

    def test_settings_that_cannot_be(self):
        self.lake(self.names(1))
        for words, settings in (
                ("stays the same", {"segment": {"name": "s", "previous":
                                                "overwrite"}}),
                ("expiry_days", {"expiry_days": None}),
                ("1 to 1098", {"expiry_days": None, "env": {
                    "LAKESEG_EXPIRY_DAYS": str(1 << 60)}}),
                ("1 to 1098", {"expiry_days": None, "env": {
                    "LAKESEG_EXPIRY_DAYS": "1099"}}),
                ("import.gone", {"gone": {"attribute": "A", "value": "b"}})):
            result = self.run_job(want=78, programs=self.PROGRAMS[:2],
                                  **settings)
            self.fails(result, "ConfigInvalid", words)


class Preview(Changed):
    def preview(self, *options, want=0, document=None, **settings):
        path = os.path.join(self.local.dir, self.name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document or self.job(**settings), file)
        done = subprocess.run(
            [program("lakeseg"), "preview", path, *options],
            env=self.local.environment(), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, want, done.stderr)
        return done.stdout.decode()

    def test_what_would_change(self):
        self.run_job(people(50))
        self.run_job(people(50, p1="b"))
        before = (self.state(), len(self.local.admin("imports/app1")),
                  self.local.objects(prefix="athena/lakeseg/"))
        self.lake(people(48, 4, p10="b", p11="secret7", p12="b"))
        text = self.preview()
        for words in ("new +2$", "changed +3$", "unchanged +43$", "gone +4$",
                      "would send 5 rows", "Attributes.Plan +3$",
                      "new .*Id=x99", "changed .*Attributes.Plan=x -> xxxxxx9",
                      "gone .*Address=x9@xxxxxxx.xxx"):
            self.assertRegex(text, "(?m)" + words)
        self.assertNotIn("secret", text)
        self.assertNotIn("p50", text)
        text = self.preview("--show-values")
        self.assertIn("Attributes.Plan=a -> secret7", text)
        self.assertIn("Id=p50", text)
        # nothing was kept, nothing imported
        self.assertEqual((self.state(), len(self.local.admin("imports/app1")),
                          self.local.objects(prefix="athena/lakeseg/")),
                         before)
        manifest = check_manifest(self.preview("--json").encode())
        found = manifest["validate"]["result"]["preview"]
        self.assertEqual(found["columns"], {"Attributes.Plan": 3})
        self.assertEqual([len(found[k]) for k in ("new", "changed", "gone")],
                         [2, 3, 4])
        self.assertFalse([d for d in manifest["data"]
                          if d["role"] == "normalized"])
        # and the run then does what was said
        self.check_delta(self.run_job(), "changed", 2, 3, 43, 4)

    def test_first_run(self):
        self.lake(people(5))
        text = self.preview()
        self.assertRegex(text, "(?m)^no earlier run.*\n  new +5$")
        self.assertEqual(self.local.objects(prefix="athena/lakeseg/jobs/" +
                                            self.name), {})

    def test_a_run_that_would_stop(self):
        self.run_job(people(10))
        self.lake(people(5))
        text = self.preview(want=65, limits={"max_gone_percent": 10})
        self.assertRegex(text, "(?m)gone +5$")
        self.assertRegex(text, "would stop: DataInvalid: 5 of 10 rows")

    def test_job_without_a_mode(self):
        """It can be compared if an earlier run kept something."""
        self.lake(people(3))
        text = self.preview(document=self.job(mode=None))
        self.assertRegex(text, "(?m)new +3$")

    def test_query_that_is_wrong(self):
        text = self.preview(want=65, sql="SELECT nothing FROM {}")
        self.assertIn("would stop: QueryInvalid", text)


class Restore(Changed):
    def restore(self, run, *options, want=0):
        path = os.path.join(self.local.dir, "receipt.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(run.manifest, file)
        done = subprocess.run(
            [program("lakeseg"), "restore", path, *options],
            env=self.local.environment(), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, want, done.stderr)
        return done

    def test_rows_as_the_run_sent_them(self):
        first = self.run_job(people(5))
        self.run_job(people(6, p1="b"))
        told = len(self.local.messages())
        done = self.restore(first, "--yes", "--json")
        for words in (b"the 5 rows that run", b"endpoints that came since",
                      b"the next run of the job sends all rows"):
            self.assertIn(words, done.stderr)
        manifest = check_manifest(done.stdout)
        self.assertEqual(manifest["status"], "succeeded")
        self.assertNotEqual(manifest["run"]["id"], first.manifest["run"]["id"])
        self.assertEqual(manifest["import"]["restores"],
                         first.manifest["run"]["id"])
        self.assertEqual(sum(j["processed"] for j in
                             manifest["import"]["result"]["jobs"]), 5)
        self.assertEqual(self.endpoint("p1")["Attributes"], {"Plan": ["a"]})
        self.assertEqual(len(self.local.messages()), told + 1)
        # what the service has is not known any more
        after = self.run_job(people(6, p1="b"))
        self.check_delta(after, "full", 6, 0, 0, None)
        self.assertEqual(self.endpoint("p1")["Attributes"], {"Plan": ["b"]})
        self.check_delta(self.run_job(), "changed", 0, 0, 6, 0)

    def test_a_run_of_local_is_refused(self):
        """Its endpoints were in a store that is gone."""
        first = self.run_job(people(5))
        first.manifest["run"]["local"] = True
        told = len(self.local.messages())
        done = self.restore(first, "--yes", want=64)
        self.assertIn(b"--local", done.stderr)
        self.assertEqual(len(self.local.messages()), told)

    def test_changes_alone_are_said(self):
        self.run_job(people(5))
        second = self.run_job(people(5, p1="b"))
        self.run_job(people(5, p1="c"))
        done = self.restore(second, "--yes")
        self.assertIn(b"sent what had changed alone", done.stderr)
        self.assertEqual(self.endpoint("p1")["Attributes"], {"Plan": ["b"]})

    def test_nobody_to_ask(self):
        first = self.run_job(people(5))
        self.run_job(people(5, p1="b"))
        done = self.restore(first, want=64)
        self.assertIn(b"--yes", done.stderr)
        self.assertIn(b"what this does not take back", done.stderr)
        self.assertEqual(self.endpoint("p1")["Attributes"], {"Plan": ["b"]})

    def test_nothing_to_import(self):
        self.run_job(people(5))
        again = self.run_job()
        self.assertIn(b"imported nothing",
                      self.restore(again, "--yes", want=64).stderr)

    def test_files_that_are_gone(self):
        first = self.run_job(people(5))
        uri = [d["uri"] for d in first.manifest["data"]
               if d["role"] == "normalized"][0]
        self.local.s3().delete_object(
            Bucket="results", Key=uri.removeprefix("s3://results/"))
        done = self.restore(first, "--yes", want=69)
        self.assertIn(b"the file that the run sent", done.stderr)


if __name__ == "__main__":
    unittest.main()
