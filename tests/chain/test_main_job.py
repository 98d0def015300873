"""The main job, end to end: SQL in, endpoints and a message out."""

import json
import unittest

from harness import LONG, SHORT, Case, Pipe, job

CONTACTS = ("id,channel,address,clicks,value\n"
            "e1,EMAIL,ann@example.com,3,High\n"
            "e2,EMAIL,bob@example.com,,Low\n"
            "e3,SMS,+15550100,7,\n")
SQL = ('SELECT id AS Id, channel AS "ChannelType", address AS "Address", '
       'clicks AS "Attributes.Clicks", '
       'value AS "User.UserAttributes.CustomerLifetimeValue", '
       "concat('u-', id) AS \"User.UserId\" FROM contacts")


class MainJob(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("contacts", CONTACTS)

    def endpoints(self):
        found = self.local.admin("endpoints/app1?limit=100")
        items = found["endpoints"] if isinstance(found, dict) else found
        return {e["Id"]: e for e in items}

    def check_success(self, result):
        self.assertEqual(result.status, 0, result.stderr)
        manifest = result.manifest
        self.assertEqual(manifest["status"], "succeeded")
        counts = manifest["validate"]["result"]
        self.assertEqual((counts["rows_in"], counts["rows_out"],
                          counts["rows_rejected"]), (3, 3, 0))
        jobs = manifest["import"]["result"]["jobs"]
        self.assertEqual([(j["status"], j["processed"], j["failed"])
                          for j in jobs], [("COMPLETED", 3, 0)])
        found = self.endpoints()
        self.assertEqual(found["e1"]["Attributes"], {"Clicks": ["3"]})
        self.assertEqual(found["e1"]["User"]["UserAttributes"],
                         {"CustomerLifetimeValue": ["High"]})
        self.assertEqual(found["e3"]["Address"], "+15550100")
        message = self.told_once("successful", "success")
        self.assertNotIn("ann@example.com", json.dumps(message))

    def test_short_pipe(self):
        result = self.run_pipe(SHORT, job(SQL))
        self.check_success(result)
        self.assertEqual([s["stage"] for s in result.manifest["stages"]],
                         ["athena-exec", "csv-validate-normalize",
                          "pinpoint-import", "sns-notify"])

    def test_long_pipe(self):
        result = self.run_pipe(LONG, job(SQL))
        self.check_success(result)
        roles = {d["role"]: d["uri"] for d in result.manifest["data"]}
        work = result.manifest["run"]["work_uri"]
        self.assertEqual(set(roles), {"normalized", "rejects"})
        self.assertTrue(roles["normalized"].startswith(work +
                                                       "import/p0000/"))
        self.assertTrue(roles["rejects"].startswith(work + "rejects/"))

    def test_several_parts(self):
        """Parts have one name; none may take another's place."""
        big = "id,channel,address,clicks,value\n" + "".join(
            "p%04d,EMAIL,p%04d@example.com,1,\n" % (i, i)
            for i in range(5000))
        self.local.table("many", big)
        for programs in (SHORT, LONG):
            result = self.run_pipe(programs, job(
                SQL.replace("contacts", "many"),
                validate={"output": {"max_part_bytes": 100000}}))
            self.assertEqual(result.status, 0, result.stderr)
            uris = [d["uri"] for d in result.manifest["data"]
                    if d["role"] == "normalized"]
            self.assertGreater(len(uris), 2)
            work = result.manifest["run"]["work_uri"]
            self.assertEqual(sorted(uris), [
                "%simport/p%04d/part-0000.csv" % (work, i)
                for i in range(len(uris))])
            jobs = result.manifest["import"]["result"]["jobs"]
            self.assertEqual([(j["s3_url"], j["rows"], j["processed"])
                              for j in jobs],
                             [(work + "import/", 5000, 5000)])
        self.assertEqual(len([e for e in self.local.admin(
            "endpoints/app1?limit=9000") if e["Id"].startswith("p")]), 5000)

    def test_json_output(self):
        result = self.run_pipe(LONG, job(
            SQL, validate={"output": {"format": "json"}}))
        self.check_success(result)
        self.assertEqual([d["format"] for d in result.manifest["data"]
                          if d["role"] == "normalized"], ["json"])

    def test_historical_input(self):
        text = json.dumps({"Query": SQL, "import": {
            "application_id": "app1", "role_arn": "arn:aws:iam::1:role/x"}})
        result = self.run_pipe(SHORT, text.encode(),
                               LAKESEG_OUTPUT_URI="s3://results/athena/")
        self.check_success(result)

    def test_own_fields_travel(self):
        document = job(SQL, run={"team": "crm"})
        document["mine"] = {"a": [1, None, "x"]}
        result = self.run_pipe(SHORT, document)
        self.assertEqual(result.manifest["mine"], {"a": [1, None, "x"]})
        self.assertEqual(result.manifest["run"]["team"], "crm")

    def test_nothing_is_imported_twice(self):
        document = job(SQL, run={"id": "01AGAIN"})
        before = len(self.imports())
        first = self.run_pipe(SHORT, document)
        second = self.run_pipe(SHORT, document)
        self.assertEqual((first.status, second.status), (0, 0),
                         second.stderr)
        self.assertEqual(len(self.imports()), before + 1)
        self.assertEqual(
            first.manifest["query"]["result"]["execution_id"],
            second.manifest["query"]["result"]["execution_id"])
        self.assertEqual(first.manifest["import"]["result"]["jobs"][0]["id"],
                         second.manifest["import"]["result"]["jobs"][0]["id"])

    def imports(self):
        found = self.local.admin("imports/app1")
        return found["imports"] if isinstance(found, dict) else found

    def test_empty_result_with_min_rows_0(self):
        before = len(self.imports())
        result = self.run_pipe(SHORT, job(
            SQL + " WHERE id = 'none'", validate={"limits": {"min_rows": 0}}))
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual(result.manifest["import"]["result"]["jobs"], [])
        self.assertEqual(len(self.imports()), before)
        self.told_once("successful", "success")

    def test_rejects_are_set_aside(self):
        self.local.table("mixed", "id,n\na,1\nb,x\nc,2\n")
        result = self.run_pipe(SHORT, job(
            "SELECT id AS Id, 'EMAIL' AS \"ChannelType\", "
            "concat(id, '@example.com') AS \"Address\", "
            'n AS "Metrics.N" FROM mixed ORDER BY id',
            validate={"limits": {"max_reject_percent": 50}}))
        self.assertEqual(result.status, 0, result.stderr)
        counts = result.manifest["validate"]["result"]
        self.assertEqual((counts["rows_in"], counts["rows_out"],
                          counts["rows_rejected"]), (3, 2, 1))
        self.assertEqual(counts["by_rule"], {"metric-number": 1})
        uri = [d["uri"] for d in result.manifest["data"]
               if d["role"] == "rejects"][0]
        body = self.local.s3().get_object(
            Bucket="results", Key=uri[len("s3://results/"):])["Body"].read()
        reject = json.loads(body)
        self.assertEqual((reject["record"], reject["key"], reject["rule"]),
                         (2, "b", "metric-number"))
        self.assertEqual(self.endpoints()["c"]["Metrics"], {"N": 2.0})

    def test_lakeseg_run(self):
        import os
        import subprocess
        from harness import program
        path = os.path.join(self.local.dir, "job.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job(SQL), file)
        done = subprocess.run([program("lakeseg"), "run", path],
                              env=self.local.environment(), timeout=60,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b"rows: 3 in, 3 out, 0 rejected", done.stdout)
        self.assertIn(b": successful, published as ", done.stdout)
        self.told_once("successful", "success")

    def test_lakeseg_run_local(self):
        """No server of ours: lakeseg brings up its own, twice over one
        state."""
        import os
        import subprocess
        from harness import program
        path = os.path.join(self.local.dir, "local.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(job(SQL), file)
        for _ in range(2):
            done = subprocess.run(
                [program("lakeseg"), "run", "--local", "--lake",
                 self.local.lake, "--state",
                 os.path.join(self.local.dir, "own"), path],
                env=self.local.environment(), timeout=60,
                capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(b": successful, published as ", done.stdout)
        self.assertEqual(len(self.local.messages()), self.told)


if __name__ == "__main__":
    unittest.main()
