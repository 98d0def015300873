"""Reports of real runs: well-formed, true to their manifests, without people's
data, whatever stands in it. What they look like: test_browser.py."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from xml.parsers import expat

from cases import COUNT, HOSTILE_NAME, SQL, Cases
from harness import Local, job, program

KIB = 1024


class Page:
    """A page read by a strict parser of XML, which takes no broken markup."""

    def __init__(self, data):
        self.open = []  # the field of each open element
        self.tags = [""]
        self.names = set()
        self.attributes = []
        self.fields = []  # (field, text) of marked elements
        self.text = []
        self.sections = []
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self.start
        parser.EndElementHandler = self.end
        parser.CharacterDataHandler = self.data
        parser.Parse(data, True)
        self.text = "".join(self.text)

    def start(self, name, attributes):
        self.names.add(name)
        self.tags.append(name)
        self.attributes += attributes.items()
        field = attributes.get("data-f")
        self.open.append(field)
        if field:
            self.fields.append([field, ""])
        if name == "section":
            self.sections.append(attributes.get("id"))

    def end(self, _):
        self.open.pop()
        self.tags.pop()

    def data(self, text):
        if self.tags[-1] == "style":
            return
        self.text.append(text)
        if self.open and self.open[-1]:
            self.fields[-1][1] += text

    def numbers(self, field):
        return [int(text.replace(",", "")) for name, text in self.fields
                if name == field]


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.local = Local()
        cls.dir = tempfile.mkdtemp(prefix="lakeseg-report-")
        try:
            cls.cases = Cases(cls.local, cls.dir)
            cls.cases.run_all()
        except BaseException:
            cls.tearDownClass()
            raise
        cls.pages = {}
        for name, (_, path) in cls.cases.made.items():
            with open(path, "rb") as file:
                cls.pages[name] = file.read()

    @classmethod
    def tearDownClass(cls):
        cls.local.stop()
        shutil.rmtree(cls.dir)

    def assertIn(self, part, whole, msg=None):
        """A page in a message helps nobody."""
        if part not in whole:
            self.fail("%r is not there %s" % (part, msg or ""))

    def assertNotIn(self, part, whole, msg=None):
        if part in whole:
            self.fail("%r is there %s" % (part, msg or ""))

    def manifest(self, name):
        return self.cases.made[name][0]

    def page(self, name):
        return Page(self.pages[name])

    def test_the_runs_ended_as_they_should(self):
        want = {"good": None, "query-invalid": "QueryInvalid",
                "query-failed": "QueryFailed", "limit": "DataInvalid",
                "import-failed": "ImportFailed",
                "import-partial": "ImportPartial",
                "access-denied": "AccessDenied", "empty": None, "wide": None}
        for name, error in want.items():
            manifest = self.manifest(name)
            self.assertEqual(manifest["status"],
                             "failed" if error else "succeeded", name)
            self.assertEqual((manifest.get("error") or {}).get("name"), error)

    def test_pages_are_well_formed_and_self_contained(self):
        for name in self.pages:
            with self.subTest(name=name):
                page = self.page(name)
                self.assertFalse(page.names & {
                    "script", "img", "iframe", "object", "embed", "link",
                    "form", "base", "video", "audio", "image", "use"})
                for key, value in page.attributes:
                    self.assertFalse(key.startswith("on") or key in
                                     ("style", "src", "xlink:href"), key)
                    if key == "href":
                        self.assertTrue(value.startswith("#"), value)
                self.assertIn(b"default-src 'none'", self.pages[name])
                self.assertNotIn(b"url(", self.pages[name])

    def test_numbers_are_those_of_the_manifest(self):
        for name in self.pages:
            result = (self.manifest(name).get("validate") or {}).get("result")
            if not result:
                continue
            with self.subTest(name=name):
                page = self.page(name)
                for key in ("rows_in", "rows_out", "rows_rejected"):
                    shown = page.numbers("validate.result." + key)
                    self.assertTrue(shown or result[key] == 0, key)
                    self.assertLessEqual(set(shown), {result[key]}, key)
                self.assertEqual(
                    sorted(page.numbers("by_rule")),
                    sorted(result["by_rule"].values()))
                columns = result.get("columns") or []
                self.assertEqual(page.numbers("distinct"),
                                 [c["distinct"] for c in columns])
                self.assertEqual(page.numbers("longest"),
                                 [c["longest"] for c in columns])
                self.assertEqual(
                    page.numbers("count"),
                    [t["count"] for c in columns for t in c.get("top") or []])

    def test_jobs_cost_and_time(self):
        manifest = self.manifest("good")
        page = self.page("good")
        job = manifest["import"]["result"]["jobs"][0]
        query = manifest["query"]["result"]
        self.assertEqual(set(page.numbers("import.processed")),
                         {job["processed"]})
        self.assertEqual(page.numbers("query.result.scanned_bytes"),
                         [query["scanned_bytes"]])
        self.assertEqual(page.numbers("query.result.billed_bytes"),
                         [query["billed_bytes"]])
        self.assertIn("at 5.00 a TB", page.text)
        for stage in manifest["stages"]:
            self.assertIn(stage["stage"], page.text)
        self.assertIn("The counts add up: 2,000 = 1,988 written + 12 "
                      "rejected.", page.text)

    def test_change_is_against_the_last_good_run(self):
        before = self.cases.before
        text = self.page("good").text
        self.assertIn(before["run"]["id"], text)
        self.assertRegex(text, "rows found1,900" + "2,000" + r"\+100")
        # a failed run compares with the youngest good one
        self.assertIn(self.manifest("good")["run"]["id"],
                      self.page("limit").text)
        self.assertNotIn("change", self.page("query-failed").sections)
        path = os.path.join(self.dir, "before.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(before, file)
        named = self.cases.report(
            os.path.join(self.dir, "wide.json"), "--previous", path)
        self.assertIn(before["run"]["id"], Page(named.stdout).text)

    def test_change_row_by_row(self):
        delta = self.manifest("changed")["validate"]["result"]["delta"]
        page = self.page("changed")
        self.assertGreater(delta["rows_changed"], 100)
        for key in ("rows_new", "rows_changed", "rows_unchanged", "rows_gone"):
            self.assertEqual(page.numbers("validate.result.delta." + key),
                             [delta[key]])
        self.assertIn(self.manifest("all-new")["run"]["id"], page.text)
        self.assertIn("unchanged.", page.text)  # the counts add up with them
        self.assertIn("Every row was sent: no earlier run",
                      self.page("all-new").text)

    def test_a_supervised_run_has_its_report(self):
        path = os.path.join(self.dir, "supervised", "job.json")
        state = os.path.join(self.dir, "supervised", "state")
        os.makedirs(os.path.dirname(path))
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job(SQL, run={"name": "supervised"}), file)
        for _ in range(2):
            done = subprocess.run(
                [program("lakeseg"), "run", "--report", "--json", path],
                capture_output=True, timeout=120, check=False,
                env=self.cases.environment(LAKESEG_STATE=state))
            self.assertEqual(done.returncode, 0, done.stderr)
        manifest = json.loads(done.stdout)
        uri = manifest["report"]["uri"]
        self.assertTrue(uri.startswith("s3://results/"), uri)
        page = Page(self.cases.local.s3().get_object(
            Bucket="results", Key=uri[len("s3://results/"):])["Body"].read())
        self.assertIn("Successful: 1,988 of 2,000 rows", page.text)
        self.assertIn("Against the last successful run", page.text)
        last = Page(self.cases.report("last", LAKESEG_STATE=state).stdout)
        self.assertIn(manifest["run"]["id"], last.text)
        self.assertIn("sns-notify", last.text)
        history = Page(self.cases.report("--job", "supervised",
                                         LAKESEG_STATE=state).stdout)
        self.assertIn("Successful runs: 2 of 2.", history.text)

    def test_rejects_have_numbers_and_shapes(self):
        text = self.page("good").text
        self.assertIn("records 2, 4, 6, 8, 10, 12", text)
        self.assertIn("a-99999", text)
        self.assertIn("9999 9999999", text)
        for value in ("p-00001", "0170 5550", "person2.example"):
            self.assertNotIn(value, text)
            self.assertIn(value, self.page("good-values").text)

    def test_values_are_hidden_unless_asked(self):
        for name, page in self.pages.items():
            if name.endswith("-values"):
                continue
            result = (self.manifest(name).get("validate") or {}).get("result")
            for column in (result or {}).get("columns") or []:
                for top in column.get("top") or []:
                    if len(top["value"]) < 6:
                        continue
                    self.assertNotIn(top["value"].encode(), page, name)
        self.assertIn("Premium" if b"Premium" in self.pages["good-values"]
                      else "Family", self.page("good-values").text)
        # what Athena quoted is someone's address
        message = self.manifest("query-failed")["error"]["message"]
        quoted = re.search("'([^']+)'", message).group(1)
        self.assertIn("person", quoted)
        self.assertNotIn(quoted.encode(), self.pages["query-failed"])
        # and what the importer said of rows
        failures = [text for job in self.manifest("import-partial")["import"]
                    ["result"]["jobs"] for text in job["failures"]]
        self.assertTrue(failures)
        for failure in failures:
            self.assertNotIn(failure.encode(), self.pages["import-partial"])

    def test_failures_say_what_to_do_first(self):
        for name, who, words in (
                ("query-invalid", "the analyst who wrote the query",
                 "Correct the SQL where the message points"),
                ("query-failed", "whoever the words of the service point to",
                 "Read Athena's words"),
                ("limit", "the analyst who wrote the query",
                 "Look at the counts and the rejects"),
                ("import-failed", "whoever the words of the service point to",
                 "Read the words of the import job"),
                ("import-partial",
                 "whoever the words of the service point to",
                 "mend the rows it refused"),
                ("access-denied", "the operator", "lakeseg doctor JOB")):
            with self.subTest(name=name):
                text = self.page(name).text
                first = text[:text.index("To the outcome") + 1500]
                self.assertIn(who, first)
                self.assertIn(words, first)
                self.assertIn(self.manifest(name)["error"]["name"], first)
        # the query comes first where it is at fault, with the place marked
        self.assertEqual(self.page("query-invalid").sections[1], "sql")
        self.assertIn(b"<mark>Identifier</mark>", self.pages["query-invalid"])

    def test_hostile_values_are_inert(self):
        for name in ("hostile", "hostile-values"):
            page = self.page(name)
            data = self.pages[name].decode("utf-8", "strict")
            for bad in ("\u202e", "\u2066", "\u200b", "\ufeff", "\x00",
                        "<script>", "<svg onload", "<img", "<!--"):
                self.assertNotIn(bad, data)
            self.assertIn("\u27e8U+202E\u27e9gpj.exe", page.text)
            self.assertLess(len(data), 100 * KIB)
            self.assertNotIn("do-not-show", data)
        self.assertIn("<script>window.pwned=1</script>",
                      self.page("hostile-values").text)
        self.assertIn("(100,012 characters)", self.page("hostile").text)
        self.assertIn(HOSTILE_NAME[:20], self.page("hostile").text)

    def test_sizes(self):
        self.assertEqual(len(self.manifest("wide")["validate"]["result"]
                             ["columns"]), 60)
        self.assertLess(len(self.pages["wide"]), 300 * KIB)
        self.assertLess(len(self.pages["good"]), 60 * KIB)

    def test_places_that_a_run_comes_from(self):
        good = self.manifest("good")
        run = good["run"]["id"]
        path = os.path.join(self.dir, "good.json")
        with open(path, "rb") as file:
            data = file.read()
        self.local.s3().put_object(Bucket="results", Key="h/m/good.json",
                                   Body=data)
        want = self.pages["good"]
        for words, stdin in (([run], None), ([run[:-1].lower()], None),
                             (["-"], data),
                             (["s3://results/h/m/good.json"], None)):
            with self.subTest(words=words):
                done = self.cases.report(*words, stdin=stdin)
                self.assertEqual(done.stdout, want)
        last = self.cases.report("last").stdout
        self.assertIn(b"data-f='run.id'", last)

    def test_what_is_no_run(self):
        for words, stdin, status in (
                (["nobody"], None, 64), ([], None, 64),
                (["a", "b"], None, 64), (["-"], b"", 66),
                (["-"], b'{"lakeseg": 1', 66), (["-"], b"[1]", 66),
                (["/nonexistent.json"], None, 74),
                (["--job", "x", "a", "b"], None, 64),
                (["--job", "x", "--show-values"], None, 64),
                (["--job", "x", "/nonexistent"], None, 74),
                (["s3://results/nothing.json"], None, 69)):
            with self.subTest(words=words):
                done = self.cases.report(*words, stdin=stdin, status=status)
                self.assertEqual(done.stdout, b"")

    def test_without_the_rejects(self):
        """A report of a run whose data are out of reach is still one."""
        manifest = json.loads(json.dumps(self.manifest("good")))
        for entry in manifest["data"]:
            if entry["role"] == "rejects":
                entry["uri"] = "/nonexistent/rejects.jsonl"
        done = self.cases.report("-", stdin=json.dumps(manifest).encode())
        page = Page(done.stdout)
        self.assertIn("Without examples, since the file could not be read",
                      page.text)
        self.assertEqual(sorted(page.numbers("by_rule")), [6, 6])

    def test_text(self):
        """80 columns, the same numbers, nothing that a terminal obeys."""
        for name in self.cases.made:
            path = os.path.join(self.dir, name + ".json")
            for locale in ("C.UTF-8", "C"):
                with self.subTest(name=name, locale=locale):
                    done = self.cases.report(path, "--text", LC_ALL=locale)
                    text = done.stdout.decode(
                        "utf-8" if locale != "C" else "ascii")
                    self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f"
                                              "\u202a-\u202e\u2066-\u2069]")
                    for line in text.splitlines():
                        self.assertLessEqual(len(line), 80)
        good = self.cases.report(os.path.join(self.dir, "good.json"), "--text",
                                 COLUMNS="120").stdout.decode()
        self.assertRegex(good, r"rows of the query +2,000 +100 %")
        self.assertRegex(good, r"- rejected +12 +0\.6 %")
        self.assertEqual(max(map(len, good.splitlines())), 120)
        failed = self.cases.report(os.path.join(self.dir, "limit.json"),
                                   "--text").stdout.decode()
        self.assertIn("What to do next:", failed)

    def history(self, *words):
        done = self.cases.report("--job", "renewal-30d", *words)
        return Page(done.stdout), self.cases.report(
            "--job", "renewal-30d", "--text", *words).stdout.decode()

    def test_history(self):
        run = self.manifest("good")["run"]["id"]
        page, text = self.history()
        self.assertIn("Successful runs: 2 of 2.", page.text)
        self.assertIn(run, page.text)
        self.assertIn("1,988", text)
        # a folder, of the same and of others
        page, text = self.history(self.dir)
        self.assertRegex(page.text, r"Successful runs: \d of \d\.")
        self.assertIn("query invalid", page.text)
        self.assertIn("AccessDenied", text)
        for other in ("numbers", "nobody", "sixty columns"):
            self.assertNotIn(other, page.text)
        # the same in S3
        for name in ("good", "limit"):
            self.local.s3().upload_file(
                os.path.join(self.dir, name + ".json"), "results",
                "history/manifests/%s.json" % name)
        page, text = self.history("s3://results/history/manifests/")
        self.assertIn("Successful runs: 1 of 2.", page.text)
        nobody = self.cases.report("--job", "no such job")
        self.assertIn("No run of this job is known here.",
                      Page(nobody.stdout).text)

    def test_the_query_is_whole(self):
        lines = self.page("good").text
        for line in SQL.splitlines():
            self.assertIn(line.strip(), lines)

    def test_an_output_file_appears_whole(self):
        path = os.path.join(self.dir, "out.html")
        done = self.cases.report(os.path.join(self.dir, "good.json"),
                                 "--output", path)
        self.assertEqual(done.stdout, b"")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), self.pages["good"])
        with open("/dev/full", "wb") as full:
            status = subprocess.run(
                [program("lakeseg"), "report",
                 os.path.join(self.dir, "good.json")], stdout=full,
                stderr=subprocess.DEVNULL, env=self.cases.environment(),
                timeout=60, check=False).returncode
        self.assertEqual(status, 74)

    def test_counts_that_do_not_add_up(self):
        manifest = json.loads(json.dumps(self.manifest("good")))
        manifest["validate"]["result"]["rows_out"] = COUNT
        done = self.cases.report("-", stdin=json.dumps(manifest).encode())
        self.assertIn("The counts do not add up", Page(done.stdout).text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
