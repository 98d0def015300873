"""athena-exec against queries that really run: what it sends, what it takes
from the answers, and the result in each of its forms."""

import csv
import gzip
import io
import json
import os
import unittest

from harness import Case, job
from recorder import Recorder

PEOPLE = [("p%d" % i, "n'%d\"" % i if i % 7 else "") for i in range(50)]


class Athena(Case):
    options = ("--workgroup",
               "managed,managed;cut,cutoff=10000000;tiny,cutoff=1;"
               "own,enforce,output=s3://other/results/")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("id", "name"))
        writer.writerows(PEOPLE)
        cls.local.table("people", out.getvalue())

    def tearDown(self):
        self.local.admin("queries", method="DELETE")
        self.local.admin("faults", method="DELETE")

    def query(self, sql, *words, status=0, run_id=None, env=None, **fields):
        document = job(sql, query=fields)
        if run_id:
            document["run"]["id"] = run_id
        result = self.run_pipe([["athena-exec", *words]], document,
                               **(env or {}))
        self.assertEqual(result.status, status, result.stderr)
        return result

    def bytes_of(self, entry):
        if not entry["uri"].startswith("s3://"):
            with open(entry["uri"], "rb") as file:
                return file.read()
        bucket, _, key = entry["uri"][len("s3://"):].partition("/")
        return self.local.s3().get_object(Bucket=bucket, Key=key)["Body"] \
            .read()

    def one(self, result):
        self.assertEqual(len(result.manifest["data"]), 1)
        return self.bytes_of(result.manifest["data"][0])

    # parameters

    def test_parameters(self):
        values = ["it's '' ?", "", "caf\u00e9 -- \n", -5, 9007199254740993,
                  0.1, -2.5, True, None]
        sql = "SELECT 'i' AS Id" + "".join(
            ", CAST(? AS varchar) AS \"Attributes.A%d\"" % i
            for i in range(len(values)))
        result = self.query(sql, "--explain", parameters=values)
        line = self.one(result).decode().split("\n", 1)[1]
        self.assertEqual(line, '"i","it\'s \'\' ?","","caf\u00e9 -- \n",'
                         '"-5","9007199254740993","0.1","-2.5","true",\n')
        # a minus before a negative one begins no comment
        result = self.query("SELECT 'i' AS Id, CAST(7 -? AS varchar) AS "
                            "\"Attributes.A\"", parameters=[-5])
        self.assertIn(b'"i","12"\n', self.one(result))

    def test_values_and_places_must_match(self):
        for values in ([], [1], [1, 2, 3]):
            result = self.query("SELECT id AS Id FROM people WHERE name IN "
                                "(?, ?)", parameters=values, status=65)
            self.assertIn("2 '?'", result.manifest["error"]["message"])

    def test_a_parameter_is_in_no_message(self):
        result = self.query("SELECT CAST(? AS integer) AS Id FROM people",
                            parameters=["secret-value"], status=69)
        self.assertNotIn("secret-value", result.stderr)

    # EXPLAIN

    def test_explain_finds_what_the_judge_cannot(self):
        for sql, word in (("SELECT id AS Id FROM nowhere", "nowhere"),
                          ("SELECT nam AS Id FROM people", "nam")):
            before = len(self.local.admin("queries"))
            result = self.query(sql + " WHERE 'secret' <> ''", "--explain",
                                status=65)
            self.assertEqual(result.manifest["error"]["name"], "QueryInvalid")
            self.assertIn(word, result.stderr)
            self.assertNotIn("secret", result.stderr)
            queries = self.local.admin("queries")[before:]
            self.assertEqual(len(queries), 1)  # the EXPLAIN alone
            self.assertIn("explain_id", result.manifest["query"]["result"])

    # ways to wait

    def test_start_then_wait(self):
        self.local.admin("queries", {"match": "start_then_wait",
                                     "running_ms": 300})
        sql = "SELECT id AS Id FROM people /* start_then_wait */"
        first = self.query(sql, "--start").manifest
        self.assertEqual(first.get("data", []), [])
        self.assertEqual(first["status"], "pending")
        query = first["query"]["result"]["execution_id"]
        result = self.query(sql, "--wait", query)
        self.assertEqual(result.manifest["query"]["result"]["execution_id"],
                         query)
        self.assertEqual(self.one(result).count(b"\n"), 51)
        # and by the manifest alone, which has the run's id
        before = len(self.local.admin("queries"))
        again = self.run_pipe(["athena-exec"], first)
        self.assertEqual(again.status, 0, again.stderr)
        self.assertEqual(again.manifest["query"]["result"]["execution_id"],
                         query)
        self.assertEqual(len(self.local.admin("queries")), before)

    def test_wait_for_another_text(self):
        query = self.query("SELECT id AS Id FROM people", "--start") \
            .manifest["query"]["result"]["execution_id"]
        result = self.query("SELECT name AS Id FROM people", "--wait", query,
                            status=78)
        self.assertIn("another text", result.stderr)
        self.query("SELECT name AS Id FROM people", "--wait", "nothing",
                   status=69)

    def test_no_wait_until_it_is_there(self):
        self.local.admin("queries", {"match": "no_wait", "running_ms": 300})
        sql = "SELECT id AS Id FROM people /* no_wait */"
        states = []
        while "SUCCEEDED" not in states:
            result = self.query(sql, "--no-wait", run_id="no-wait")
            states.append(result.manifest["query"]["result"]["state"])
            self.assertEqual(bool(result.manifest.get("data")),
                             states[-1] == "SUCCEEDED")
        self.assertGreater(len(states), 1)

    def test_run_id_option(self):
        sql = "SELECT id AS Id FROM people WHERE 1 = 1"
        ids = {self.query(sql, "--run-id", name, run_id="job").manifest
               ["query"]["result"]["execution_id"]
               for name in ("monday", "monday", "tuesday")}
        self.assertEqual(len(ids), 2)

    # states

    def test_back_to_the_queue(self):
        self.local.admin("queries", {"match": "requeued", "queued_ms": 50,
                                     "running_ms": 200, "requeued_ms": 200})
        result = self.query("SELECT id AS Id FROM people /* requeued */")
        self.assertGreaterEqual(result.manifest["query"]["result"]["queue_ms"],
                                50)

    def failing(self, **rule):
        self.local.admin("queries", {"match": "failing", "state": "FAILED",
                                     **rule})
        before = len(self.local.admin("queries"))
        document = job("SELECT id AS Id FROM people /* failing */")
        result = self.run_pipe(["athena-exec"], document)
        return result, self.local.admin("queries")[before:]

    def test_failed_and_repeated(self):
        result, queries = self.failing(category=1, type=100, retryable=True)
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual([q["state"] for q in queries],
                         ["FAILED", "SUCCEEDED"])
        self.assertNotEqual(queries[0]["token"], queries[1]["token"])
        self.assertNotIn("athena_error", result.manifest["query"]["result"])

    def test_throttled_for_good(self):
        result, queries = self.failing(category=2, type=1403, retryable=False,
                                       count=0)
        self.assertEqual(result.status, 69, result.stderr)
        self.assertEqual(len(queries), 3)
        self.assertEqual(result.manifest["query"]["result"]["athena_error"],
                         {"category": 2, "type": 1403, "retryable": False})

    def test_failed_for_good(self):
        result, queries = self.failing(category=2, type=1001, retryable=False)
        self.assertEqual(result.status, 69, result.stderr)
        self.assertEqual(len(queries), 1)

    def test_looks_that_fail_do_not_cost_the_query(self):
        self.local.admin("queries", {"match": "away", "running_ms": 300})
        self.local.fault(rule="athena.GetQueryExecution=error:503,count=7")
        before = len(self.local.admin("queries"))
        self.query("SELECT id AS Id FROM people /* away */")
        self.assertEqual(len(self.local.admin("queries")), before + 1)

    def test_out_of_time(self):
        self.local.admin("queries", {"match": "late", "running_ms": 20000})
        result = self.query("SELECT id AS Id FROM people /* late */",
                            timeout_s=1, status=69)
        self.assertEqual(result.manifest["error"]["name"], "QueryTimedOut")
        self.assertEqual(self.local.admin("queries")[-1]["state"],
                         "CANCELLED")
        self.assertEqual(result.manifest["query"]["result"]["state"],
                         "CANCELLED")

    # cost

    def test_guard(self):
        sql = "SELECT id AS Id FROM people /* guard */"
        before = len(self.local.admin("queries"))
        self.query(sql, max_scanned_bytes=20000000, status=78)
        self.query(sql, max_scanned_bytes=9999999, workgroup="cut", status=78)
        self.assertEqual(len(self.local.admin("queries")), before)
        self.query(sql, max_scanned_bytes=10000000, workgroup="cut")
        result = self.query(sql, workgroup="tiny", status=69, run_id="tiny")
        self.assertEqual(result.manifest["error"]["name"], "QueryCancelled")
        # started again it is not paid for again
        before = len(self.local.admin("queries"))
        self.query(sql, workgroup="tiny", status=69, run_id="tiny")
        self.assertEqual(len(self.local.admin("queries")), before)

    def test_cost(self):
        found = self.query("SELECT id AS Id FROM people", "--price-per-tb",
                           "5").manifest["query"]["result"]
        self.assertGreater(found["scanned_bytes"], 0)
        self.assertEqual(found["billed_bytes"], 10000000)
        self.assertAlmostEqual(found["cost"], 0.00005)
        found = self.query("SELECT id AS Id FROM people",
                           price_per_tb=2.5, min_billed_bytes=0) \
            .manifest["query"]["result"]
        self.assertEqual(found["billed_bytes"], 1000000)
        self.assertAlmostEqual(found["cost"], 0.0000025)
        self.assertNotIn("cost", self.query("SELECT id AS Id FROM people")
                         .manifest["query"]["result"])

    def test_reuse(self):
        sql = "SELECT id AS Id FROM people /* reuse */"
        first = self.query(sql, reuse_minutes=60)
        again = self.query(sql, reuse_minutes=60, price_per_tb=5)
        found = again.manifest["query"]["result"]
        self.assertTrue(found["reused"])
        self.assertEqual(found["cost"], 0)
        self.assertEqual(again.manifest["data"][0]["uri"],
                         first.manifest["data"][0]["uri"])

    # what is sent

    def test_what_is_sent(self):
        recorder = Recorder(self.local.url)
        try:
            result = self.query(
                "SELECT id AS Id FROM people", catalog="AwsDataCatalog",
                encryption="SSE_KMS", kms_key="alias/k",
                bucket_owner="123456789012", reuse_minutes=5,
                env={"AWS_ENDPOINT_URL": recorder.url})
        finally:
            recorder.stop()
        start = next(k for k in recorder.kept if k.header("x-amz-target") ==
                     "AmazonAthena.StartQueryExecution")
        sent = json.loads(start.body)
        self.assertEqual(len(sent.pop("ClientRequestToken")), 64)
        self.assertEqual(sent, {
            "QueryString": "SELECT id AS Id FROM people",
            "QueryExecutionContext": {"Catalog": "AwsDataCatalog",
                                      "Database": "lake"},
            "WorkGroup": "primary",
            "ResultConfiguration": {
                "OutputLocation": "s3://results/athena/",
                "EncryptionConfiguration": {"EncryptionOption": "SSE_KMS",
                                            "KmsKey": "alias/k"},
                "ExpectedBucketOwner": "123456789012"},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {
                "Enabled": True, "MaxAgeInMinutes": 5}}})
        heads = [k for k in recorder.kept if k.method == "HEAD"]
        self.assertEqual([k.header("x-amz-expected-bucket-owner")
                          for k in heads], ["123456789012"])
        self.assertEqual(len(result.manifest["data"]), 1)

    def test_an_enforced_place(self):
        result = self.query("SELECT id AS Id FROM people", workgroup="own")
        self.assertTrue(result.manifest["data"][0]["uri"].startswith(
            "s3://other/results/"))
        self.assertTrue(result.manifest["run"]["work_uri"].startswith(
            "s3://other/results/lakeseg/"))

    # managed results

    AWKWARD = ("SELECT id AS Id, nullif(name, '') AS \"Attributes.Null\", "
               "'a\"b' || chr(10) AS \"Attributes.Line\", "
               "'' AS \"Attributes.Empty\" FROM people ORDER BY id")

    def test_managed_results_are_the_same_file(self):
        plain = self.one(self.query(self.AWKWARD))
        result = self.query(self.AWKWARD, workgroup="managed")
        entry = result.manifest["data"][0]
        self.assertTrue(entry["uri"].startswith("s3://results/athena/lakeseg/"))
        self.assertEqual(self.one(result), plain)
        self.assertEqual(entry["bytes"], len(plain))
        self.assertIn(b',,"a""b\n",""\n', plain)

    def test_managed_results_without_a_place_in_s3(self):
        document = job("SELECT * FROM people", query={"workgroup": "managed"})
        del document["query"]["output_uri"]
        result = self.run_pipe(["athena-exec"], document)
        self.assertEqual(result.status, 0, result.stderr)
        entry = result.manifest["data"][0]
        self.assertTrue(entry["uri"].startswith(
            os.path.join(self.local.dir, "work")), entry)
        self.assertEqual(self.bytes_of(entry).count(b"\n"), 51)
        self.assertNotIn("work_uri", result.manifest["run"])
        self.assertEqual(result.manifest["query"]["result"]["columns"],
                         ["id", "name"])

    # UNLOAD

    def rows_of(self, result):
        rows = []
        for entry in result.manifest["data"]:
            self.assertEqual((entry["role"], entry["format"], entry["rows"]),
                             ("query-result", "jsonl", None))
            data = self.bytes_of(entry)
            self.assertEqual(len(data), entry["bytes"])
            if entry["compression"] == "gzip":
                data = gzip.decompress(data)
            rows += [json.loads(line) for line in data.splitlines()]
        return rows

    def test_unload(self):
        for group in ("primary", "managed"):
            with self.subTest(group=group):
                result = self.query(self.AWKWARD + " -- end", "--unload",
                                    workgroup=group)
                self.assertEqual(
                    result.manifest["query"]["result"]["columns"],
                    ["id", "Attributes.Null", "Attributes.Line",
                     "Attributes.Empty"])
                rows = self.rows_of(result)
                self.assertEqual(len(result.manifest["data"]), 3)
                self.assertEqual(
                    sorted((r["c0"], r.get("c1"), r["c2"], r["c3"])
                           for r in rows),
                    sorted((i, n or None, 'a"b\n', "") for i, n in PEOPLE))
                self.assertTrue(all(
                    d["uri"].startswith(result.manifest["run"]["work_uri"] +
                                        "unload/1/")
                    for d in result.manifest["data"]))

    def test_unload_with_parameters_and_duplicates(self):
        result = self.query(
            "WITH w AS (SELECT * FROM people WHERE id = ?) SELECT id AS Id, "
            "'x' AS \"Attributes.A\", 'y' AS \"Attributes.A\" FROM w",
            mode="unload", parameters=["p1"])
        self.assertEqual(self.rows_of(result),
                         [{"c0": "p1", "c1": "x", "c2": "y"}])

    def test_unload_of_nothing(self):
        result = self.query("SELECT id AS Id FROM people WHERE id = 'no'",
                            mode="unload")
        self.assertEqual(self.rows_of(result), [])
        self.assertEqual([d["compression"] for d in result.manifest["data"]],
                         ["none"])

    def test_every_form_of_a_result_ends_in_the_same_file(self):
        sql = ("SELECT id AS Id, 'EMAIL' AS \"ChannelType\", "
               "concat(id, '@example.com') AS \"Address\", "
               "nullif(name, '') AS \"Attributes.Name\", "
               "'b' AS \"Attributes.Name\" FROM people WHERE id <> ?")
        files = []
        for words, group in (([], "primary"), ([], "managed"),
                             (["--unload"], "primary"),
                             (["--unload"], "managed")):
            for rest in (["csv-validate"], ["s3-fetch", "csv-validate"]):
                with self.subTest(words=words, group=group, rest=rest):
                    result = self.run_pipe(
                        [["athena-exec", *words], *rest],
                        job(sql, query={"workgroup": group,
                                        "parameters": ["p3"]}))
                    self.assertEqual(result.status, 0, result.stderr)
                    written = [d for d in result.manifest["data"]
                               if d["role"] == "normalized"]
                    self.assertEqual(len(written), 1)
                    head, *rows = self.bytes_of(written[0]).splitlines()
                    files.append((head, sorted(rows)))
                    self.assertEqual(len(rows), 49)
                    self.assertEqual(files[-1], files[0])

    def test_nothing_unloaded_is_an_empty_result(self):
        sql = "SELECT id AS Id FROM people WHERE id = 'no'"
        for least, status in ((0, 0), (1, 65)):
            result = self.run_pipe(
                [["athena-exec", "--unload"], "csv-validate"],
                job(sql, validate={"limits": {"min_rows": least}}))
            self.assertEqual(result.status, status, result.stderr)
            self.assertEqual(result.manifest["validate"]["result"]["rows_in"],
                             0)

    def test_unload_of_a_star(self):
        result = self.query("SELECT * FROM people", "--unload", status=78)
        self.assertIn("names of the columns", result.stderr)

    def test_unload_that_fails_takes_another_prefix(self):
        self.local.admin("queries", {"match": "again", "state": "FAILED",
                                     "category": 1, "type": 401,
                                     "retryable": True})
        result = self.query("SELECT id AS Id FROM people /* again */",
                            "--unload")
        self.assertTrue(all("/unload/2/" in d["uri"]
                            for d in result.manifest["data"]))
        self.assertEqual(len(self.rows_of(result)), 50)

    def test_wait_for_an_unload(self):
        sql = "SELECT id AS Id FROM people /* waited */"
        first = self.query(sql, "--unload", "--start", run_id="waited")
        result = self.query(
            sql, "--unload", "--wait",
            first.manifest["query"]["result"]["execution_id"],
            run_id="waited")
        self.assertEqual(len(self.rows_of(result)), 50)

    def test_an_unload_that_lies(self):
        """Its list names an object of somebody else, or one not there."""
        def lie(kept, when):
            if when == "after" and kept.path.endswith("-manifest.csv"):
                kept.answer_body = kept.answer_body.replace(old, new)
                kept.answer_headers = [
                    (n, v) for n, v in kept.answer_headers
                    if n.lower() in ("etag", "content-type")] + [
                    ("content-length", str(len(kept.answer_body)))]
            return True

        for old, new in ((b"/unload/1/", b"/unload/9/"),
                         (b"/unload/1/", b"/unload/1/x")):
            recorder = Recorder(self.local.url, lie)
            try:
                result = self.query("SELECT id AS Id FROM people", "--unload",
                                    status=69,
                                    env={"AWS_ENDPOINT_URL": recorder.url})
            finally:
                recorder.stop()
            self.assertEqual(result.manifest["error"]["name"],
                             "ServiceRefused")


if __name__ == "__main__":
    unittest.main()
