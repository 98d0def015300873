"""query-validate as a tool and as a stage, and what docs/query.md says of it."""

import json
import os
import subprocess
import unittest

from harness import SOURCE, check_manifest, program

GOOD = 'SELECT id AS Id, city AS "Attributes.City" FROM contact'


def run(arguments, text):
    return subprocess.run([program("query-validate"), *arguments],
                          input=text.encode(), capture_output=True, timeout=60)


def verdict(sql, *options):
    done = run([*options, "--format", "json", "-"], sql)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 1, done
    return done.returncode, json.loads(lines[0])


def documented():
    """The tables of docs/query.md: the query as it stands between back
    quotes, the options it is judged with, the message."""
    with open(os.path.join(SOURCE, "docs", "query.md"),
              encoding="utf-8") as file:
        for line in file:
            cells = line.split(" | ")
            if len(cells) != 2 or "`" not in cells[0]:
                continue
            mark, sql = cells[0].lstrip("| ").split("`", 1)
            message = cells[1].strip().removesuffix("|").strip()
            yield (sql.removesuffix("`"), message.replace("\\\\", "\\"),
                   ["--target", "customer-profiles"] if "P" in mark else [])


class Documentation(unittest.TestCase):
    def test_the_table_tells_the_truth(self):
        rows = list(documented())
        self.assertEqual(len(rows), 16)
        for sql, message, options in rows:
            with self.subTest(sql=sql):
                status, found = verdict(sql, *options)
                self.assertEqual(found["message"], message)
                self.assertEqual(status, 78 if "import.key" in message else 65)

    def test_the_examples_of_json(self):
        with open(os.path.join(SOURCE, "docs", "query.md"),
                  encoding="utf-8") as file:
            good, bad = [json.loads(line) for line in file
                         if line.startswith('{"valid"')]
        self.assertEqual(verdict(GOOD), (0, good))
        self.assertEqual(verdict("SELECT id AS 'Id' FROM contact"), (65, bad))


class Tool(unittest.TestCase):
    def test_a_good_query(self):
        done = run(["-"], GOOD + ";")
        self.assertEqual(done.returncode, 0)
        self.assertEqual(
            done.stdout.decode(),
            "standard input: valid\n  columns: id, Attributes.City\n"
            "  note: the semicolon at the end is dropped\n")

    def test_what_is_wrong_is_marked(self):
        done = run(["-"], 'SELECT id AS Id,\n\tcity AS "Attribute.City"\nFROM t')
        self.assertEqual(done.returncode, 65)
        self.assertEqual(
            done.stdout.decode(),
            "standard input: line 2, column 10: the target has no place for "
            "column 'Attribute.City'; did you mean 'Attributes.City'?\n"
            '  \tcity AS "Attribute.City"\n'
            "  \t        ^~~~~~~~~~~~~~~~\n")
        self.assertEqual(done.stderr, b"")

    def test_an_editor_is_told_where(self):
        status, found = verdict("SELECT 'ä' AS x,\n b AS Id FROM t")
        self.assertEqual(status, 65)
        self.assertEqual((found["line"], found["column"], found["offset"],
                          found["length"]), (1, 15, 15, 1))
        self.assertTrue(found["hint"].startswith("values of your own go into"))

    def test_keys_by_option(self):
        sql = 'SELECT id AS Id, c AS "Attributes.c" FROM t'
        for options, status in (
                ([], 78), (["--id-map", "s3://b/ids.csv"], 0),
                (["--key", "Id"], 0), (["--key", "Attributes.c"], 0),
                (["--key", "Attributes.d"], 78),
                (["--key", "Nonsense"], 78)):
            with self.subTest(options=options):
                done = run(["--target", "customer-profiles", *options, "-"],
                           sql)
                self.assertEqual(done.returncode, status, done.stdout)

    def test_a_prepared_statement_on_request(self):
        self.assertEqual(verdict("EXECUTE p USING 1, 'a'")[0], 65)
        status, found = verdict("EXECUTE p USING 1, 'a'", "--prepared")
        self.assertEqual((status, found["columns_known"]), (0, False))
        for sql in ("EXECUTE IMMEDIATE 'DROP TABLE x'", "EXECUTE", "DROP TABLE x"
                    "EXECUTE p; DROP TABLE x", "EXECUTE p USING", "EXECUTE 'p'"):
            self.assertEqual(verdict(sql, "--prepared")[0], 65, sql)

    def test_a_large_query(self):
        # exactly at the limit, and one byte beyond it
        head = GOOD + " WHERE a IN (0"
        fill = (262144 - len(head) - 1) // 2
        sql = head + ",1" * fill + ")"
        sql += " " * (262144 - len(sql))
        self.assertEqual(verdict(sql)[0], 0)
        status, found = verdict(sql + " ")
        self.assertEqual(status, 65)
        self.assertIn("262145 bytes", found["message"])
        self.assertNotIn("line", found)


class Stage(unittest.TestCase):
    def stage(self, document):
        done = run([], json.dumps(document))
        return done, check_manifest(done.stdout)

    def test_a_good_query(self):
        sql = GOOD + "\u2028WHERE a = 1;"
        done, manifest = self.stage({"lakeseg": 1, "query": {"sql": sql}})
        self.assertEqual(done.returncode, 0)
        self.assertEqual(manifest["query"]["sql"], sql)
        self.assertEqual(manifest["query"]["verdict"], {
            "valid": True, "target": "pinpoint",
            "columns": ["id", "Attributes.City"], "columns_known": True,
            "notes": ["the semicolon at the end is dropped",
                      "line 1, column 56: an invisible character is replaced "
                      "by a blank; 1 in all"]})
        self.assertIn(b"replaced by a blank", done.stderr)

    def test_a_bad_query(self):
        sql = "SELECT 'secret' AS 'x'"
        done, manifest = self.stage({"lakeseg": 1, "query": {"sql": sql}})
        self.assertEqual(done.returncode, 65)
        self.assertEqual(manifest["status"], "failed")
        self.assertEqual(manifest["error"]["name"], "QueryInvalid")
        self.assertEqual(manifest["query"]["verdict"]["column"], 20)
        self.assertIn(b"single quotes", done.stderr)
        del manifest["query"]["sql"]
        self.assertNotIn("secret", json.dumps(manifest))
        self.assertNotIn(b"secret", done.stderr)

    def test_escaped_quotes_inside_json(self):
        # as published: the quotes are escaped because they stand in JSON
        document = ('{"Query": "SELECT DISTINCT(endpoint_id) as Id, \'Yes\' as '
                    '\\"User.UserAttributes.HasClicked\\" FROM email_click"}')
        done = run([], document)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(
            check_manifest(done.stdout)["query"]["verdict"]["columns"],
            ["id", "User.UserAttributes.HasClicked"])

    def test_the_job_names_the_key(self):
        sql = 'SELECT id AS Id, m AS "Address", \'EMAIL\' AS ChannelType FROM t'
        wanted = {"destination": "customer-profiles"}
        for key, name in (
                ({}, "ConfigInvalid"),
                ({"key": {"column": "Address", "field": "EmailAddress"}}, None),
                ({"id_map": "s3://b/ids.csv"}, None),
                ({"key": {"column": "Address"}}, "ConfigInvalid")):
            with self.subTest(key=key):
                _, manifest = self.stage({
                    "lakeseg": 1, "query": {"sql": sql},
                    "import": {**wanted, **key}})
                error = manifest.get("error") or {"name": None}
                self.assertEqual(error["name"], name)

    def test_a_table_of_the_jobs_own(self):
        names = ['"Attributes.A%d"' % i for i in range(30)]
        sql = 'SELECT u AS "User.UserId", %s FROM t' % ", ".join(
            "x AS " + name for name in names)
        rule = {"column": "Attributes.A7", "field": "Attributes.Seven"}
        for mapping, error, note in (
                (None, "31 columns", None),
                ({"rules": [rule]}, None,
                 "'Attributes.A0' is dropped: a profile has no place for it"),
                ({"rules": [rule, {**rule, "column": "Attributes.A8"}]},
                 "both become 'Attributes_Seven'", None),
                ({"rules": []}, "import.mapping", None)):
            with self.subTest(mapping=mapping):
                _, manifest = self.stage({
                    "lakeseg": 1, "query": {"sql": sql},
                    "import": {"destination": "customer-profiles",
                               **({"mapping": mapping} if mapping else {})}})
                found = manifest.get("error") or {"message": ""}
                self.assertIn(error or "", found["message"])
                self.assertEqual(bool(found["message"]), bool(error))
                if note:
                    self.assertIn(note,
                                  manifest["query"]["verdict"]["notes"][0])

    def test_a_prepared_statement_on_request(self):
        for prepared, status in ((False, 65), (True, 0)):
            done, _ = self.stage({"lakeseg": 1, "query": {
                "sql": "EXECUTE p", "prepared": prepared}})
            self.assertEqual(done.returncode, status)


if __name__ == "__main__":
    unittest.main()
