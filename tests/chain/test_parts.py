"""A run in parts: the result in partitions by a hash of the Id, a transformer
for each, one import of them all. What comes out is what one transformer makes
of the same objects."""

import csv
import io
import json
import random
import unittest

from harness import Case, job

PARTS = 16
SQL = ('SELECT id AS "Id", channel AS "ChannelType", address AS "Address", '
       'score AS "Metrics.Score" FROM %s')
BASIC = {"preset": "basic"}
TAIL = ["parts-collect", "pinpoint-import", "sns-notify"]


def as_csv(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [("id", "channel", "address", "score"), *rows])
    return text.getvalue()


def people():
    """3,000 good rows, and then rows whose Id was there before, in every way in
    which two Ids are the same, with the same other values or not; rows that
    break a rule of their own; rows without an Id."""
    chance = random.Random(7)
    rows = [("Id %05d-%s" % (i, "abcXYZ"[i % 6:]), "EMAIL",
             "p%d@example.com" % i, str(i / 4)) for i in range(3000)]
    for n, i in enumerate(chance.sample(range(3000), 600)):
        name, channel, address, score = rows[i]
        name = [name, name.upper(), name.lower(), "  " + name + " ",
                name.replace(" ", "\t"), name.replace(" ", "\r\n")][n % 6]
        rows.append((name, channel, address,
                     score if n < 300 else score + "1"))
    rows += [("bad%d" % i, "EMAIL", "nobody", "1") for i in range(11)]
    rows += [("worse%d" % i, "EMAIL", "w@example.com", "x") for i in range(7)]
    rows += [("", "EMAIL", "n%d@example.com" % i, "1") for i in range(5)]
    chance.shuffle(rows)
    return rows


class Parts(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # several objects for each partition
        cls.local.admin("athena", {"unload_parts": 3})
        cls.local.table("people", as_csv(people()))
        cls.local.table("none", as_csv([]))
        cls.local.table("few", as_csv(
            [("r%d" % i, "EMAIL", "r%d@example.com" % i, "1")
             for i in range(100)] + [("z", "EMAIL", "nobody", "1")]))
        cls.s3 = cls.local.s3()

    def get(self, uri):
        bucket, key = uri[len("s3://"):].split("/", 1)
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def put(self, uri, body):
        bucket, key = uri[len("s3://"):].split("/", 1)
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def document(self, table="people", partitions=PARTS, **sections):
        sections.setdefault("validate", {}).setdefault("rules", BASIC)
        sections["validate"].setdefault("limits", {"max_reject_percent": 50})
        sections.setdefault("query", {})["partitions"] = partitions
        return job(SQL % table, **sections)

    def split(self, document):
        outcome = self.run_pipe(["athena-exec", "parts-split"], document)
        self.assertEqual(outcome.status, 0, outcome.stderr)
        return outcome.manifest

    def transform(self, manifest):
        """What the Map does: one task for each item."""
        items = json.loads(self.get(manifest["parts"]["items_uri"]))
        for item in items:
            outcome = self.run_pipe(["csv-validate"],
                                    self.get(item["manifest_uri"]))
            work = outcome.manifest["run"]["work_uri"]
            self.assertEqual(item["manifest_uri"],
                             work + "manifests/input.json")
            self.put(work + "manifests/transform.json", outcome.stdout)
        return items

    def rows_of(self, manifest, role):
        return [line for entry in manifest["data"] if entry["role"] == role
                for line in self.get(entry["uri"]).decode().splitlines()
                if line != "Id,ChannelType,Address,Metrics.Score"]

    def rejects_of(self, manifest):
        return sorted((str(r["key"]), r["column"], r["rule"]) for r in
                      map(json.loads, self.rows_of(manifest, "rejects")))

    def imports(self):
        found = self.local.admin("imports/app1")
        return found["imports"] if isinstance(found, dict) else found

    def test_the_same_as_one_task(self):
        manifest = self.split(self.document())
        whole = dict(manifest, run=dict(
            manifest["run"], work_uri="s3://results/one-task/"))
        one = self.run_pipe(["csv-validate"], whole)
        self.assertEqual(one.status, 0, one.stderr)

        objects = [e["partition"] for e in manifest["data"]]
        self.assertEqual(set(objects), set(range(PARTS)))
        self.assertGreater(len(objects), 2 * PARTS)
        items = self.transform(manifest)
        self.assertEqual([i["part"] for i in items], list(range(PARTS)))
        outcome = self.run_pipe(TAIL, manifest)
        self.assertEqual(outcome.status, 0, outcome.stderr)
        self.told_once("successful", "success")

        want, got = (m["validate"]["result"]
                     for m in (one.manifest, outcome.manifest))
        for name in ("rows_in", "rows_out", "rows_rejected", "rows_dropped",
                     "rows_merged", "rows_unchanged", "by_rule"):
            self.assertEqual(got[name], want[name], name)
        self.assertEqual((got["rows_in"], got["rows_dropped"],
                          got["by_rule"]),
                         (3623, 300, {"id-missing": 5, "id-duplicate": 300,
                                      "address-email": 11,
                                      "metric-number": 7}))
        rows = self.rows_of(outcome.manifest, "normalized")
        self.assertEqual(len(rows), 3000)
        self.assertEqual(sorted(rows),
                         sorted(self.rows_of(one.manifest, "normalized")))
        self.assertEqual(self.rejects_of(outcome.manifest),
                         self.rejects_of(one.manifest))

        work = manifest["run"]["work_uri"]
        self.assertEqual([e["uri"] for e in outcome.manifest["data"]
                          if e["role"] == "normalized"],
                         ["%simport/p%04d/part-0000.csv" % (work, 100 * p)
                          for p in range(PARTS)])
        jobs = outcome.manifest["import"]["result"]["jobs"]
        self.assertEqual([(j["s3_url"], j["processed"], j["failed"])
                          for j in jobs], [(work + "import/", 3000, 0)])
        self.assertEqual(
            [s["stage"] for s in outcome.manifest["stages"]],
            ["athena-exec", "parts-split", "csv-validate-normalize",
             "parts-collect", "pinpoint-import", "sns-notify"])

    def test_report_of_columns(self):
        manifest = self.split(self.document(validate={
            "rules": {"address-duplicate": "off", "user-endpoints": "off",
                      "empty": "null"}}))
        self.transform(manifest)
        outcome = self.run_pipe(["parts-collect"], manifest)
        columns = {c["name"]: c for c in
                   outcome.manifest["validate"]["result"]["columns"]}
        self.assertEqual(columns["Metrics.Score"]["filled"], 3000)
        self.assertEqual(columns["Id"]["longest"], 15)
        self.assertNotIn("distinct", columns["ChannelType"])

    def test_files_of_a_large_part(self):
        manifest = self.split(self.document(
            partitions=2, validate={"output": {"max_part_bytes": 20000}}))
        self.transform(manifest)
        outcome = self.run_pipe(TAIL, manifest)
        self.assertEqual(outcome.status, 0, outcome.stderr)
        names = [e["uri"].split("/")[-2] for e in outcome.manifest["data"]
                 if e["role"] == "normalized"]
        self.assertEqual(names[:2] + names[-1:], ["p0000", "p0001", "p0103"])
        self.assertEqual(len(names), len(set(names)))

    def test_limits_are_of_the_sum(self):
        """One row of 101 is bad: its part has more than 1 %, the sum not."""
        for limits, names in (({"max_reject_percent": 1}, None),
                              ({"max_reject_percent": 0.9}, "max_reject_p"),
                              ({"max_rejects": 0}, "rows rejected"),
                              ({"max_rows": 99}, "max_rows"),
                              ({"min_rows": 101}, "min_rows")):
            before = len(self.imports())
            self.told = len(self.local.messages())
            manifest = self.split(self.document(
                "few", validate={"limits": limits}))
            self.transform(manifest)
            outcome = self.run_pipe(TAIL, manifest)
            counts = outcome.manifest.get("validate", {}).get("result")
            if names is None:
                self.assertEqual(outcome.status, 0, outcome.stderr)
                self.assertEqual(len(self.imports()), before + 1)
            else:
                error = outcome.manifest["error"]
                self.assertEqual((error["name"], error["stage"]),
                                 ("DataInvalid", "parts-collect"))
                self.assertIn(names, error["message"])
                self.assertEqual(len(self.imports()), before)
                self.told_once("import failed: nothing imported", "failure")
            if limits != {"max_rejects": 0}: # a part knows by itself
                self.assertEqual((counts["rows_in"], counts["rows_rejected"]),
                                 (101, 1))
                self.assertEqual(
                    self.rejects_of(outcome.manifest),
                    [("z", "Address", "address-email")])

    def test_many_rejects_of_many_parts(self):
        """More in all than in any part."""
        manifest = self.split(self.document(validate={
            "limits": {"max_rejects": 300, "max_reject_percent": 50}}))
        self.transform(manifest)
        outcome = self.run_pipe(TAIL, manifest)
        self.assertIn("323 rows rejected, max_rejects allows 300",
                      outcome.manifest["error"]["message"])

    def test_empty(self):
        before = len(self.imports())
        manifest = self.split(self.document(
            "none", validate={"limits": {"min_rows": 0}}))
        self.assertEqual(len(self.transform(manifest)), 1)
        outcome = self.run_pipe(TAIL, manifest)
        self.assertEqual(outcome.status, 0, outcome.stderr)
        self.assertEqual(len(self.imports()), before)

    def test_one_part(self):
        """A result without partitions, with rules that look across Ids."""
        document = job(SQL % "few", validate={
            "limits": {"max_reject_percent": 50}})
        manifest = self.split(document)
        self.assertEqual(len(self.transform(manifest)), 1)
        outcome = self.run_pipe(TAIL, manifest)
        self.assertEqual(outcome.status, 0, outcome.stderr)
        self.assertEqual(
            outcome.manifest["validate"]["result"]["rows_out"], 100)

    def fails(self, manifest, name, *words):
        before = len(self.imports())
        outcome = self.run_pipe(TAIL, manifest)
        error = outcome.manifest["error"]
        self.assertEqual((error["name"], error["stage"]),
                         (name, "parts-collect"))
        for word in words:
            self.assertIn(word, error["message"])
        self.assertEqual(outcome.status, error["exit"])
        self.assertEqual(len(self.imports()), before)
        self.assertFalse([e for e in outcome.manifest["data"]
                          if e["role"] == "normalized"])

    def test_a_part_failed(self):
        manifest = self.split(self.document())
        places = [p["work_uri"] + "manifests/transform.json"
                  for p in manifest["parts"]["list"]]
        self.fails(manifest, "TaskLost", "part 0 left no word")
        self.transform(manifest)
        good = [json.loads(self.get(place)) for place in places]

        def leave(part, **fields):
            self.put(places[part], json.dumps(
                dict(good[part], **fields)).encode())

        def failed(name, exit_, message):
            return {"status": "failed", "error": {
                "stage": "csv-validate-normalize", "name": name,
                "message": message, "retryable": False, "exit": exit_}}

        leave(3, **failed("Interrupted", 75, "told to stop"))
        self.fails(manifest, "Interrupted", "part 3: told to stop")
        self.s3.delete_object(Bucket="results", Key=places[5][
            len("s3://results/"):])
        self.fails(manifest, "TaskLost", "part 5 ")
        leave(9, **failed("DataInvalid", 65, "the file is cut off"))
        leave(11, **failed("FileError", 74, "disk full"))
        self.fails(manifest, "DataInvalid", "part 9: the file is cut off")

        for part in (3, 5, 9, 11):
            leave(part)
        self.assertEqual(self.run_pipe(["parts-collect"], manifest).status, 0)
        leave(4, run=dict(good[4]["run"], id="another"))
        self.fails(manifest, "ManifestInvalid", "part 4", "another run")
        leave(4, run=good[5]["run"])
        self.fails(manifest, "ManifestInvalid", "part 4", "another run")
        for bad in (-1, 2**63 - 1, None):
            result = dict(good[4]["validate"]["result"], rows_in=bad)
            leave(4, validate=dict(good[4]["validate"], result=result))
            self.fails(manifest, "ManifestInvalid", "part 4")
        self.put(places[4], b"{")
        self.fails(manifest, "ManifestInvalid", "part 4")

    def test_what_cannot_be_split(self):
        """Said before the query is started, which costs money."""
        basic = {"validate": {"rules": BASIC}}
        other = SQL.replace('AS "Id"', 'AS "Attributes.X"')
        for document, word in (
                (job(SQL % "few", query={"partitions": 4}),
                 "address-duplicate"),
                (job(SQL % "few", query={"partitions": 4}, validate={
                    "rules": {"address-duplicate": "off"}}),
                 "user-endpoints"),
                (job(SQL % "few", query={"partitions": 4},
                     import_={"destination": "customer-profiles",
                              "key": {"column": "Address",
                                      "field": "EmailAddress"}}, **basic),
                 "customer-profiles"),
                (job(other % "few", query={"partitions": 4}, **basic),
                 "no column Id"),
                (job(SQL % "few", query={"partitions": 4},
                     import_={"mode": "changed"}, **basic),
                 "not compared with the last one"),
                (job(SQL % "few", query={"partitions": 4, "mode": "select"},
                     **basic), "'unload'"),
                (job("SELECT * FROM few", query={"partitions": 4}, **basic),
                 "names of the columns")):
            outcome = self.run_pipe(["athena-exec"], document)
            error = outcome.manifest["error"]
            self.assertEqual(error["name"], "ConfigInvalid", error)
            self.assertIn(word, error["message"])
            self.assertNotIn("execution_id", outcome.manifest["query"].get(
                "result", {}))

    def test_split_alone(self):
        for data, name in (
                ([], "ManifestInvalid"),
                ([{"uri": "/tmp/x.csv", "role": "query-result"}],
                 "ConfigInvalid"),
                ([{"uri": "s3://results/a", "role": "query-result",
                   "partition": 100}], "ManifestInvalid")):
            document = job(SQL % "few", run={"work_uri": "s3://results/w/"})
            document["data"] = data
            outcome = self.run_pipe(["parts-split"], document)
            self.assertEqual(outcome.manifest["error"]["name"], name,
                             outcome.manifest["error"])
        document["run"]["part"] = {"number": 0,
                                   "work_uri": "s3://results/w/"}
        document["import"]["mode"] = "changed"
        outcome = self.run_pipe(["csv-validate"], document)
        self.assertIn("not compared with the last one",
                      outcome.manifest["error"]["message"])
        outcome = self.run_pipe(["parts-collect"], job(SQL % "few"))
        self.assertIn("parts-split comes before",
                      outcome.manifest["error"]["message"])


if __name__ == "__main__":
    unittest.main()
