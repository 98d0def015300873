"""The sample queries of docs/history.md over the files of real runs, with the
tables' columns as the template declares them. The files are read as Athena's
JSON tables read them: a line is a document, by itself."""

import json
import os
import re
import unittest

from cfnlint.decode.cfn_yaml import load

import duck
from harness import SHORT, SOURCE, Case, job

TYPES = {"string": "VARCHAR", "bigint": "BIGINT", "int": "INTEGER",
         "double": "DOUBLE", "boolean": "BOOLEAN"}
SQL = ("SELECT id AS Id, channel AS \"ChannelType\", address AS \"Address\" "
       "FROM people")
PEOPLE = "id,channel,address\n" + "".join(
    "e%d,EMAIL,p%d%s\n" % (i, i, "@example.com" if i % 10 else "")
    for i in range(1, 101))


def split(text):
    """Splits a type's fields at its own commas."""
    depth, begin = 0, 0
    for i, letter in enumerate(text):
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            yield text[begin:i]
            begin = i + 1
    yield text[begin:]


def of_hive(kind):
    """A type of Hive's, as DuckDB writes it."""
    name, _, inner = kind.partition("<")
    inner = inner.removesuffix(">")
    if name == "array":
        return of_hive(inner) + "[]"
    if name == "map":
        return "MAP(%s)" % ", ".join(map(of_hive, split(inner)))
    if name == "struct":
        return "STRUCT(%s)" % ", ".join(
            '"%s" %s' % (field.partition(":")[0],
                         of_hive(field.partition(":")[2]))
            for field in split(inner))
    return TYPES[name]


def table(name):
    """The table as the template declares it."""
    found = load(os.path.join(SOURCE, "cloudformation", "template.yaml"))
    return found["Resources"][name]["Properties"]["TableInput"]


def samples():
    with open(os.path.join(SOURCE, "docs", "history.md"),
              encoding="utf-8") as file:
        return re.findall(r"^```sql\n(.*?)```", file.read(), re.M | re.S)


class History(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("people", PEOPLE)

    def setUp(self):
        super().setUp()
        self.duck = duck.Duck()
        self.addCleanup(self.duck.close)
        self.folder = os.path.join(self.local.dir, self.id())
        os.mkdir(self.folder)

    def run_jobs(self):
        """A run that rejects rows and succeeds, one that has too few, one
        whose query is none; the ids."""
        some = {"max_reject_percent": 20}
        few = {"max_reject_percent": 20, "min_rows": 1000}
        runs = [self.run_pipe(SHORT, job(SQL, validate={"limits": some})),
                self.run_pipe(SHORT, job(SQL, validate={"limits": few})),
                self.run_pipe(SHORT, job("DROP TABLE people"))]
        self.assertEqual([r.status for r in runs], [0, 65, 65],
                         [r.stderr for r in runs])
        for run in runs:
            self.keep("manifests", run.manifest["run"]["id"], run.stdout)
        return [run.manifest["run"]["id"] for run in runs]

    def keep(self, kind, name, text):
        os.makedirs(os.path.join(self.folder, kind), exist_ok=True)
        with open(os.path.join(self.folder, kind, name + ".json"), "wb") as out:
            out.write(text)

    def keep_rejects(self, run):
        """The objects below the place that the table's template names."""
        place = table("Rejects")["Parameters"]["storage.location.template"]
        own, given = [b["Fn::Sub"].partition("}")[2]
                      for b in place["Fn::If"][1:]]
        self.assertEqual(own, "/athena/" + given)
        prefix = "athena/" + given.replace("${!run_id}", run)
        found = [key for key in self.local.objects(prefix=prefix)]
        self.assertEqual(found, [prefix + "rejects.jsonl"])
        body = self.local.s3().get_object(Bucket="results", Key=found[0])
        self.keep("rejects/run_id=" + run, "rejects", body["Body"].read())

    def declare(self, name, resource, path):
        """A view that reads line by line, with the declared columns only."""
        declared = {c["Name"]: of_hive(c["Type"]) for c in
                    table(resource)["StorageDescriptor"]["Columns"]}
        files = [os.path.join(folder, file) for folder, _, files in
                 os.walk(os.path.join(self.folder, path)) for file in files]
        self.assertTrue(files)
        for file in files:
            with open(file, encoding="utf-8") as lines:
                for line in lines:
                    keys = [k.lower() for k in json.loads(line)]
                    self.assertEqual(len(keys), len(set(keys)), file)
        columns = ", ".join("'%s': '%s'" % pair for pair in declared.items())
        self.duck("CREATE VIEW %s AS SELECT * FROM read_json('%s/%s/**/*.json',"
                  " format = 'newline_delimited', hive_partitioning = true, "
                  "columns = {%s})" % (name, self.folder, path, columns))

    def test_every_sample_answers(self):
        good, few, invalid = self.run_jobs()
        self.keep_rejects(good)
        self.declare("runs", "Runs", "manifests")
        self.declare("rejects", "Rejects", "rejects")
        answers = [self.duck(sql.replace("'RUN'", "'%s'" % good))
                   for sql in samples()]
        self.assertEqual(len(answers), 7)
        latest, failed, percent, scanned, last, why, keys = answers
        self.assertEqual([(r["id"], r["status"], r["error"], r["rows_in"])
                          for r in latest],
                         [(invalid, "failed", "QueryInvalid", None),
                          (few, "failed", "DataInvalid", "100"),
                          (good, "succeeded", None, "100")])
        self.assertEqual({(r["error"], r["stage"], r["runs"]) for r in failed},
                         {("DataInvalid", "csv-validate-normalize", "1"),
                          ("QueryInvalid", "athena-exec", "1")})
        self.assertEqual({r["id"]: float(r["percent"]) for r in percent},
                         {good: 10.0, few: 10.0})
        self.assertEqual([(r["job"], r["runs"]) for r in scanned],
                         [("test", "2")])
        self.assertGreater(int(scanned[0]["scanned_bytes"]), 0)
        self.assertEqual([r["job"] for r in last], ["test"])
        self.assertEqual(why, [{"rule": "address-email", "column": "Address",
                                "rows_rejected": "10", "first_line": "11"}])
        self.assertEqual([r["key"] for r in keys],
                         ["e%d" % i for i in range(10, 101, 10)])

    def test_every_field_of_the_tables_is_one_of_the_manifest(self):
        """A column that no manifest can have would be NULL for ever."""
        with open(os.path.join(SOURCE, "docs", "manifest.schema.json"),
                  encoding="utf-8") as file:
            schema = json.load(file)
        for column in table("Runs")["StorageDescriptor"]["Columns"]:
            self.known("struct<%s:%s>" % (column["Name"], column["Type"]),
                       schema, column["Name"])

    def known(self, kind, schema, name):
        if kind.startswith("array<"):
            self.known(kind[6:-1], schema.get("items", {}), name)
        elif kind.startswith("struct<"):
            for field in split(kind[7:-1]):
                key, _, inner = field.partition(":")
                self.assertIn(key, schema.get("properties", {}), name)
                self.known(inner, schema["properties"][key], name + "." + key)


if __name__ == "__main__":
    unittest.main()
