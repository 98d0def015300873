"""lakeseg's commands beside run: check, init, local."""

import json
import os
import pty
import subprocess
import tempfile
import unittest

from harness import program

GOOD = {"lakeseg": 1, "run": {"name": "renewal"},
        "query": {"sql": "SELECT id AS Id FROM contacts", "database": "lake",
                  "output_uri": "s3://results/athena/"},
        "import": {"application_id": "app",
                   "role_arn": "arn:aws:iam::123456789012:role/import"},
        "notify": {"topic_arn": "arn:aws:sns:us-east-1:123456789012:told"}}


def lakeseg(*arguments, **options):
    return subprocess.run([program("lakeseg"), *arguments], text=True,
                          capture_output=True, timeout=120, **options)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, document, name="job.json"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            if isinstance(document, str):
                file.write(document)
            else:
                json.dump(document, file)
        return path


class Check(Folder):
    def findings(self, document, status):
        done = lakeseg("check", "--format", "json", self.write(document))
        self.assertEqual(done.returncode, status, done.stderr)
        found = json.loads(done.stdout)
        self.assertEqual(found["ok"], status == 0)
        return {(f["part"], f["level"]): f["message"]
                for f in found["findings"]}

    def changed(self, **sections):
        return {**GOOD, **{name: {**GOOD.get(name, {}), **fields}
                           for name, fields in sections.items()}}

    def test_a_good_job(self):
        found = self.findings(GOOD, 0)
        self.assertEqual({level for _, level in found}, {"ok"})
        self.assertEqual([part for part, _ in found],
                         ["job", "query", "transform", "import", "notify"])

    def test_what_is_wrong_is_found_all_at_once(self):
        found = self.findings(
            self.changed(query={"sql": "SELECT 1 AS \"Attributes.x\""},
                         validate={"limits": {"max_reject_percent": 101}},
                         **{"import": {"application_id": None}}), 78)
        self.assertIn("validate.limits.max_reject_percent",
                      found["job", "error"])
        self.assertIn("'Id'", found["query", "error"])
        self.assertIn("max_reject_percent", found["transform", "error"])
        self.assertIn("application_id", found["import", "error"])

    def test_the_status_is_the_first_error(self):
        self.findings(self.changed(query={"sql": "DROP TABLE contacts"}), 65)
        self.findings('{"lakeseg": 1', 66)

    def test_a_slip_of_the_pen_is_a_warning(self):
        found = self.findings(
            self.changed(validate={"limits": {"max_reject_percnt": 2}}), 0)
        self.assertIn("did you mean 'max_reject_percent'?",
                      found["job", "warning"])

    def test_nobody_to_tell_is_a_warning(self):
        found = self.findings({**GOOD, "notify": {}}, 0)
        self.assertIn("nobody", found["notify", "warning"])

    def test_several_jobs_and_the_text(self):
        good = self.write(GOOD, "good.json")
        bad = self.write({**GOOD, "query": {"sql": "SELECT 1"}}, "bad.json")
        done = lakeseg("check", good, bad, good)
        self.assertEqual(done.returncode, 65)
        self.assertEqual(done.stdout.count("ok       query"), 2)
        self.assertEqual(done.stdout.count("error    query"), 1)

    def test_no_job_is_a_wrong_use(self):
        self.assertEqual(lakeseg("check").returncode, 64)


class Init(Folder):
    OPTIONS = ["--name", "renewal", "--database", "lake", "--output-uri",
               "s3://results/athena/"]
    PINPOINT = ["--application-id", "app", "--role-arn",
                "arn:aws:iam::123456789012:role/import"]

    def test_what_is_written_is_a_good_job(self):
        for way in (self.PINPOINT,
                    ["--destination", "customer-profiles", "--domain", "d",
                     "--expiry-days", "30",
                     "--sql", "SELECT id AS Id, user_id AS \"User.UserId\" "
                     "FROM contacts"]):
            with self.subTest(way=way[0]):
                path = os.path.join(self.folder, way[0] + ".json")
                done = lakeseg("init", "--output", path, *self.OPTIONS, *way)
                self.assertEqual(done.returncode, 0, done.stderr)
                checked = lakeseg("check", path)
                self.assertEqual(checked.returncode, 0, checked.stdout)
                with open(path, encoding="utf-8") as file:
                    job = json.load(file)
                self.assertEqual(job["run"]["name"], "renewal")
                self.assertIn("comment", job["query"])

    def test_a_job_is_not_written_over(self):
        path = self.write("mine")
        options = ["--output", path, *self.OPTIONS, *self.PINPOINT]
        done = lakeseg("init", *options)
        self.assertEqual(done.returncode, 64)
        self.assertIn("--force", done.stderr)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "mine")
        self.assertEqual(lakeseg("init", "--force", *options).returncode, 0)

    def test_what_is_missing_is_named_without_a_terminal(self):
        done = lakeseg("init", "--name", "x", stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, 64)
        self.assertIn("--database", done.stderr)

    def test_it_asks_on_a_terminal(self):
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            [program("lakeseg"), "init", "--output", "-"], stdin=theirs,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(os.close, ours)
        os.close(theirs)
        # the name again where none was given, and the defaults
        os.write(ours, b"\nrenewal\n\n\nlake\ns3://results/athena/\napp\n"
                       b"arn:aws:iam::123456789012:role/import\n\n")
        out, asked = child.communicate(timeout=120)
        self.assertEqual(child.returncode, 0, asked)
        job = json.loads(out)
        self.assertEqual(job["import"]["destination"], "pinpoint")
        self.assertEqual(job["run"]["name"], "renewal")
        self.assertNotIn("topic_arn", job["notify"])
        self.assertIn("pinpoint or customer-profiles [pinpoint]: ", asked)


class Told(Folder):
    """What a manifest holds that is not for everybody's eyes."""

    RESULT = {"rows_in": 1, "rows_out": 1, "rows_rejected": 0,
              "rows_dropped": 0, "rows_merged": 0, "rows_unchanged": 0}

    def manifest(self, **more):
        return self.write({
            "lakeseg": 1, "status": "failed",
            "run": {"id": "r1\x1b[2J", "name": "n\x1b]0;x\x07",
                    "started_at": "2026-11-23T01:02:03.004Z"},
            "error": {"stage": "athena-exec", "name": "QueryFailed",
                      "message": "cannot cast 'Ada Lovelace' to integer",
                      "retryable": False, "exit": 69},
            "stages": [], **more})

    def test_terminals_are_not_commanded_and_values_masked(self):
        for command in (["show"], ["report", "--text"]):
            done = lakeseg(*command, self.manifest())
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("\x1b", done.stdout)
            self.assertNotIn("\x07", done.stdout)
            self.assertNotIn("Lovelace", done.stdout)
            self.assertIn("cannot cast", done.stdout)

    def test_samples_of_a_preview_are_not_in_the_report(self):
        path = self.manifest(validate={"result": {
            **self.RESULT, "preview": {"new": [["Ada Lovelace"]]}}})
        page = lakeseg("report", path)
        self.assertEqual(page.returncode, 0, page.stderr)
        self.assertNotIn("Lovelace", page.stdout)
        self.assertIn("Lovelace",
                      lakeseg("report", "--show-values", path).stdout)


class Local(unittest.TestCase):
    def test_it_is_lakeseg_local(self):
        done = lakeseg("local", "--version")
        self.assertRegex(done.stdout, r"^lakeseg-local \d")


if __name__ == "__main__":
    unittest.main(verbosity=2)
