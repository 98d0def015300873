"""Each bad input: its error name, exit status, and exactly one message."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

from harness import SHORT, Case, Pipe, check_manifest, job, program

GOOD = ("SELECT id AS Id, 'EMAIL' AS \"ChannelType\", "
        "concat(id, '@example.com') AS \"Address\" FROM people")
REST = SHORT[1:]


class Outcomes(Case):
    """A lake with a hundred people, and what a failure must look like."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("people", "id,n\n" + "".join(
            "p%d,%d\n" % (i, i) for i in range(100)))

    def imports(self):
        found = self.local.admin("imports/app1")
        return found["imports"] if isinstance(found, dict) else found

    def setUp(self):
        super().setUp()
        self.imported = len(self.imports())

    def fails(self, result, name, status, subject, imported=0):
        self.assertEqual(result.status, status, result.stderr)
        self.assertEqual(result.manifest["status"], "failed")
        self.assertEqual(result.manifest["error"]["name"], name)
        self.assertEqual(result.manifest["error"]["exit"], status)
        message = self.told_once(subject, "failure")
        self.assertIn(name, message["message"])
        self.assertEqual(len(self.imports()), self.imported + imported)
        return message

    def first_then_rest(self, **environment):
        """athena-exec alone in another environment, then the rest."""
        first = Pipe(["athena-exec"], self.local.environment(**environment),
                     json.dumps(job(GOOD)).encode()).end()
        rest = self.run_pipe(REST, first.stdout)
        self.assertEqual(first.status, rest.status)
        return rest


class BadInput(Outcomes):
    # the query

    def test_refused_queries(self):
        for sql in ("UPDATE people SET n = 1",
                    "SELECT id AS Id FROM people; SELECT 1",
                    "CREATE TABLE t AS SELECT id AS Id FROM people",
                    "UNLOAD (SELECT id AS Id FROM people) TO 's3://other/' "
                    "WITH (format = 'JSON')",
                    "INSERT INTO people SELECT id AS Id, n FROM people",
                    "DROP TABLE people", "SELECT n AS \"Attributes.N\" "
                    "FROM people", "SELECT id AS Id, n AS \"Nonsense\" "
                    "FROM people", "SELECT id AS Id FROM people WHERE 'x",
                    "", "   -- nothing"):
            with self.subTest(sql=sql):
                self.told = len(self.local.messages())
                before = len(self.queries())
                result = self.run_pipe(SHORT, job(sql))
                self.fails(result, "QueryInvalid", 65, "query invalid")
                self.assertEqual(len(self.queries()), before)

    def queries(self):
        found = self.local.admin("queries")
        return found["queries"] if isinstance(found, dict) else found

    def test_query_fails_in_the_engine(self):
        result = self.run_pipe(SHORT, job(
            "SELECT id AS Id FROM nowhere WHERE id = 'secret-value'"))
        message = self.fails(result, "QueryFailed", 69, "query failed")
        self.assertNotIn("secret-value", json.dumps(message))
        self.assertNotIn("secret-value", result.stderr)

    def test_message_masks_what_the_service_quotes(self):
        result = self.run_pipe(SHORT, job(
            "SELECT CAST('secret-value' AS INTEGER) AS Id FROM people"))
        message = self.fails(result, "QueryFailed", 69, "query failed")
        self.assertNotIn("secret-value", json.dumps(message))
        self.assertNotIn("secret-value", result.stderr)

    # the result

    def with_result(self, data, **sections):
        """Runs the rest of the pipe over a result that no engine writes."""
        key = "athena/%d.csv" % time.monotonic_ns()
        self.local.s3().put_object(Bucket="results", Key=key, Body=data)
        document = job("SELECT 1", **sections)
        document["data"] = [{"uri": "s3://results/" + key,
                             "role": "query-result", "format": "csv",
                             "compression": "none"}]
        document["run"]["work_uri"] = "s3://results/%s/" % key[:-4]
        return self.run_pipe(REST, document)

    def data_invalid(self, data, words, **sections):
        result = self.with_result(data, **sections)
        self.fails(result, "DataInvalid", 65,
                   "import failed: nothing imported")
        self.assertRegex(result.manifest["error"]["message"], words)
        prefix = result.manifest["run"]["work_uri"][len("s3://results/"):]
        self.assertEqual(self.local.objects(prefix=prefix + "import/"), {})
        return result

    def test_wrong_header(self):
        self.data_invalid(b'"Id","Nonsense"\n"a","1"\n', "Nonsense")

    def test_no_header(self):
        self.data_invalid(b"", "header")

    def test_unclosed_quote_at_the_end(self):
        self.data_invalid(b'"Id","Attributes.A"\n"a","1"\n"b","2\n', "quote")

    def test_nul_byte(self):
        result = self.data_invalid(
            b'"Id","Attributes.A"\n"a","1"\n"b","2\0"\n"c","3"\n', "reject")
        self.assertEqual(result.manifest["validate"]["result"]["by_rule"],
                         {"nul-byte": 1})

    def test_row_too_short(self):
        result = self.data_invalid(
            b'"Id","Attributes.A"\n"a","1"\n"b"\n"c","3"\n', "reject")
        self.assertEqual(result.manifest["validate"]["result"]["by_rule"],
                         {"column-count": 1})

    def test_empty_result(self):
        result = self.data_invalid(b'"Id","Attributes.A"\n', "min_rows|rows")
        self.assertEqual(result.manifest["validate"]["result"]["rows_in"], 0)

    def test_more_rejects_than_allowed(self):
        rows = b"".join(b'"i%d","%d"\n' % (i, i) for i in range(98))
        bad = b'"","1"\n"x","1\0"\n'
        result = self.data_invalid(b'"Id","Attributes.A"\n' + rows + bad, "2")
        counts = result.manifest["validate"]["result"]
        self.assertEqual((counts["rows_in"], counts["rows_rejected"]),
                         (100, 2))
        rejects = [d for d in result.manifest["data"]
                   if d["role"] == "rejects"]
        self.assertEqual(rejects[0]["rows"], 2)

    def test_two_percent_allowed_imports_the_good_rows(self):
        rows = b"".join(b'"i%d","EMAIL","i%d@example.com"\n' % (i, i)
                        for i in range(98))
        bad = b'"","EMAIL","x@example.com"\n"x","EMAIL","\0"\n'
        result = self.with_result(
            b'"Id","ChannelType","Address"\n' + rows + bad,
            validate={"limits": {"max_reject_percent": 2}})
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual(
            result.manifest["import"]["result"]["jobs"][0]["processed"], 98)
        self.told_once("successful", "success")

    # the pipe

    def test_missing_input(self):
        result = self.run_pipe(REST, b"")
        self.fails(result, "ManifestInvalid", 66,
                   "import failed: nothing imported")

    def test_input_cut_off(self):
        text = json.dumps(job(GOOD)).encode()
        result = self.run_pipe(["sns-notify"], text[:-7])
        self.fails(result, "ManifestInvalid", 66,
                   "import failed: nothing imported")

    def test_incomplete_run(self):
        result = self.run_pipe(["sns-notify"], job(GOOD))
        self.assertEqual(result.status, 66)
        self.told_once("incomplete", "failure")

    def test_wrong_option_travels(self):
        result = self.run_pipe([["athena-exec", "--nonsense"], *REST],
                               job(GOOD))
        self.fails(result, "UsageInvalid", 64, "query failed")

    def test_wrong_destination(self):
        with_key = GOOD.replace("SELECT", 'SELECT id AS "User.UserId",')
        result = self.run_pipe(SHORT, job(
            with_key, import_={"destination": "customer-profiles"}))
        self.fails(result, "ConfigInvalid", 78,
                   "import failed: nothing imported")

    def test_profiles_without_a_key(self):
        result = self.run_pipe(SHORT, job(
            GOOD, import_={"destination": "customer-profiles"}))
        self.fails(result, "ConfigInvalid", 78, "query failed")

    def test_missing_settings(self):
        document = job(GOOD)
        del document["import"]["role_arn"]
        result = self.run_pipe(SHORT, document)
        self.fails(result, "ConfigInvalid", 78,
                   "import failed: nothing imported")

    # the import

    def test_import_job_fails(self):
        self.local.fault(service="pinpoint", operation="ImportJob",
                         outcome="FAILED", count=1)
        result = self.run_pipe(SHORT, job(GOOD))
        self.fails(result, "ImportFailed", 69,
                   "import failed: partly imported", imported=1)

    def test_import_completes_with_failures(self):
        # the sixteenth endpoint of a user is refused (sources 1.8)
        result = self.run_pipe(SHORT, job(
            "SELECT id AS Id, 'EMAIL' AS \"ChannelType\", "
            "concat(id, '@example.com') AS \"Address\", "
            "'one-user' AS \"User.UserId\" FROM people WHERE n < 17",
            validate={"rules": {"user-endpoints": "off"}}))
        self.fails(result, "ImportPartial", 69,
                   "import failed: partly imported", imported=1)
        jobs = result.manifest["import"]["result"]["jobs"]
        self.assertEqual((jobs[0]["status"], jobs[0]["failed"]),
                         ("COMPLETED", 2))
        self.assertEqual(len(jobs[0]["failures"]), 2)

    # credentials and service

    def test_wrong_secret(self):
        result = self.first_then_rest(AWS_SECRET_ACCESS_KEY="wrong")
        self.fails(result, "SignatureRefused", 77, "query failed")

    def test_unknown_key(self):
        result = self.first_then_rest(AWS_ACCESS_KEY_ID="AKIDNOBODY")
        self.fails(result, "SignatureRefused", 77, "query failed")

    def test_no_credentials(self):
        result = self.first_then_rest(AWS_ACCESS_KEY_ID=None,
                                      AWS_SECRET_ACCESS_KEY=None)
        self.fails(result, "CredentialsMissing", 77, "query failed")

    def test_service_down(self):
        result = self.first_then_rest(
            AWS_ENDPOINT_URL_ATHENA="http://127.0.0.1:1")
        self.fails(result, "ServiceUnavailable", 75, "query failed")

    def test_service_comes_back(self):
        self.local.fault(service="athena", operation="*", status=503,
                         code="ServiceUnavailable", count=2)
        result = self.run_pipe(SHORT, job(GOOD))
        self.assertEqual(result.status, 0, result.stderr)
        self.told_once("successful", "success")

    def test_throttled_for_good(self):
        self.local.fault(service="athena", operation="StartQueryExecution",
                         status=400, code="ThrottlingException", count=3)
        result = self.run_pipe(SHORT, job(GOOD))
        self.local.admin("faults", method="DELETE")
        self.fails(result, "Throttled", 75, "query failed")

    def test_sns_out_of_reach(self):
        result = self.run_pipe(SHORT, job(GOOD),
                               AWS_ENDPOINT_URL_SNS="http://127.0.0.1:1")
        self.assertEqual(result.status, 75, result.stderr)
        self.assertEqual(result.manifest["status"], "succeeded")
        self.assertEqual(result.manifest["notify"]["error"]["name"],
                         "ServiceUnavailable")
        self.assertIn("cannot publish", result.stderr)

    def test_sns_out_of_reach_after_a_failure(self):
        result = self.run_pipe(SHORT, job("DROP TABLE people"),
                               AWS_ENDPOINT_URL_SNS="http://127.0.0.1:1")
        self.assertEqual(result.status, 65)
        self.assertEqual(result.manifest["error"]["name"], "QueryInvalid")
        self.assertEqual(result.manifest["notify"]["error"]["name"],
                         "ServiceUnavailable")


class ExpiredToken(Outcomes):
    """Temporary credentials whose time is over."""

    options = ("--key", "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY,"
               "ASIATEMPORARY:oldsecret:oldtoken:1700000000")

    def test_expired_token(self):
        result = self.first_then_rest(AWS_ACCESS_KEY_ID="ASIATEMPORARY",
                                      AWS_SECRET_ACCESS_KEY="oldsecret",
                                      AWS_SESSION_TOKEN="oldtoken")
        self.fails(result, "CredentialsExpired", 77, "query failed")


class Signals(Case):
    """Queries take three seconds here, so that they can be interrupted."""

    options = ("--query-delay-ms", "3000")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("people", "id\np1\n")

    def queries(self):
        found = self.local.admin("queries")
        return found["queries"] if isinstance(found, dict) else found

    def start(self, programs, document, **environment):
        before = len(self.queries())
        pipe = Pipe(programs, self.local.environment(**environment),
                    json.dumps(document).encode(), own_group=True)
        deadline = time.monotonic() + 20
        while len(self.queries()) == before:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        time.sleep(0.2)
        return pipe

    def check_stopped(self, result):
        self.assertEqual(result.status, 75, result.stderr)
        self.assertEqual(result.manifest["error"]["name"], "Interrupted")
        self.assertEqual(self.queries()[-1]["state"], "CANCELLED")
        self.told_once("query failed", "failure")

    def test_term_while_the_query_runs(self):
        pipe = self.start(SHORT, job(GOOD))
        pipe.children[0].send_signal(signal.SIGTERM)
        self.check_stopped(pipe.end())

    def test_ctrl_c_in_the_pipe(self):
        pipe = self.start(SHORT, job(GOOD))
        # The terminal tells the whole group at once; one after the other it
        # must be the last first, or it has its input before it is told.
        for child in reversed(pipe.children):
            child.send_signal(signal.SIGINT)
        self.check_stopped(pipe.end())

    def test_stage_killed(self):
        pipe = self.start(SHORT, job(GOOD))
        pipe.children[0].kill()
        result = pipe.end()
        self.assertEqual(result.status, 66, result.stderr)
        self.assertEqual(result.manifest["error"]["name"], "ManifestInvalid")
        self.told_once("import failed: nothing imported", "failure")

    def test_middle_stage_killed(self):
        pipe = self.start(SHORT, job(GOOD))
        pipe.children[1].kill()
        result = pipe.end()
        self.assertEqual(result.status, 66, result.stderr)
        self.told_once("import failed: nothing imported", "failure")

    def test_query_cancelled_from_outside(self):
        import boto3
        pipe = self.start(SHORT, job(GOOD))
        boto3.client(
            "athena", endpoint_url=self.local.url, region_name="us-east-1",
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
        ).stop_query_execution(QueryExecutionId=self.queries()[-1]["id"])
        result = pipe.end()
        self.assertEqual(result.status, 69, result.stderr)
        self.assertEqual(result.manifest["error"]["name"], "QueryCancelled")
        self.told_once("query failed", "failure")

    def test_time_out(self):
        result = self.run_pipe(SHORT, job(GOOD, query={"timeout_s": 1}))
        self.assertEqual(result.status, 69, result.stderr)
        self.assertEqual(result.manifest["error"]["name"], "QueryTimedOut")
        self.assertEqual(self.queries()[-1]["state"], "CANCELLED")
        self.told_once("query failed", "failure")

    def test_ctrl_c_in_lakeseg_run(self):
        path = os.path.join(self.local.dir, "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job(GOOD), file)
        before = len(self.queries())
        run = subprocess.Popen([program("lakeseg"), "run", "--json",
                                "--tell-stop", path],
                               env=self.local.environment(),
                               stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
        while len(self.queries()) == before:
            time.sleep(0.02)
        time.sleep(0.2)
        run.send_signal(signal.SIGTERM)
        stdout, stderr = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 75, stderr)
        manifest = check_manifest(stdout)
        self.assertEqual(manifest["error"]["name"], "Interrupted")
        self.told_once("query failed", "failure")


class Uploads(Case):
    def test_term_while_an_upload_runs(self):
        with tempfile.NamedTemporaryFile(suffix=".csv") as big:
            size = 1 << 30
            big.truncate(size)
            self.local.fault(rule="s3.UploadPart=delay:120000,count=0,skip=2")
            document = job("SELECT 1")
            document["run"]["work_uri"] = "s3://results/upload/"
            document["data"] = [{"uri": big.name, "role": "normalized",
                                 "rows": 1}]
            pipe = Pipe(["s3-put", "sns-notify"],
                        self.local.environment(),
                        json.dumps(document).encode())
            deadline = time.monotonic() + 30
            while not self.uploads():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.005)
            pipe.children[0].send_signal(signal.SIGTERM)
            result = pipe.end()
        self.assertEqual(result.status, 75, result.stderr)
        self.assertEqual(result.manifest["error"]["name"], "Interrupted")
        self.assertEqual(self.uploads(), [])
        self.assertEqual(self.local.objects(prefix="upload/"), {})
        self.told_once("import failed: nothing imported", "failure")

    def uploads(self):
        found = self.local.admin("uploads")
        return found["uploads"] if isinstance(found, dict) else found


if __name__ == "__main__":
    unittest.main()
