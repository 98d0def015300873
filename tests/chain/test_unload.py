"""What UNLOAD leaves: many parts of gzip'd JSON lines, through the programs, and
against Python's own reader of JSON."""

import gzip
import json
import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest

from harness import Case, check_manifest, job, program

COLUMNS = ["Id", "ChannelType", "Address", "Attributes.Plan", "Metrics.Score"]


def row(i):
    cells = {"c0": "id-%06d" % i, "c1": "EMAIL",
             "c2": "someone.%d@example.com" % i,
             "c3": 'plan "%d", \u20ac' % (i % 7), "c4": i / 4}
    if i % 5 == 0:
        del cells["c3"]
    elif i % 5 == 1:
        cells["c4"] = None
    return cells


def as_csv(cells):
    """The row as it comes out."""
    def quoted(text):
        return '"%s"' % text.replace('"', '""') if '"' in text else text
    score = cells.get("c4")
    return ",".join((cells["c0"], cells["c1"], cells["c2"],
                     quoted(cells.get("c3", "")),
                     "" if score is None else repr(score))) + "\n"


HEADER = ",".join(COLUMNS) + "\n"
# the first one also of lines that are right
BAD_LINE = ("nul-byte", "malformed-json", "column-unknown", "empty-line", "utf8")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Unload(Case):
    def result_of(self, parts, columns=COLUMNS, **validate):
        """A manifest as athena-exec leaves it, the parts in S3."""
        data = []
        for name, text in parts:
            body = text if isinstance(text, bytes) else gzip.compress(
                text.encode(), 6)
            head = self.s3.put_object(Bucket="results", Key="un/1/" + name,
                                      Body=body)
            data.append({"uri": "s3://results/un/1/" + name,
                         "role": "query-result", "format": "jsonl",
                         "compression": "gzip", "bytes": len(body),
                         "rows": None, "etag": head["ETag"].strip('"')})
        manifest = job("SELECT 1 AS Id")
        manifest["query"]["result"] = {
            "execution_id": "x", "state": "SUCCEEDED", "columns": columns}
        manifest["run"] = {"id": "01J0000000000000000000%04d" %
                           random.randrange(10000),
                           "work_uri": "s3://results/run/"}
        manifest["data"] = data
        manifest["validate"] = validate
        return manifest

    def setUp(self):
        super().setUp()
        self.s3 = self.local.s3()

    def body(self, uri):
        bucket, key = uri[len("s3://"):].split("/", 1)
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def parts(self, count, rows):
        return [("part-%05d.gz" % part,
                 "".join(json.dumps(row(i), ensure_ascii=i % 2 == 0) + "\n"
                         for i in range(part * rows, part * rows + rows)))
                for part in range(count)]

    def normalized(self, manifest):
        return "".join(self.body(entry["uri"]).decode()
                       for entry in manifest["data"]
                       if entry["role"] == "normalized")

    def check_whole(self, programs):
        document = self.result_of(self.parts(40, 25))
        outcome = self.run_pipe(programs, document)
        manifest = outcome.manifest
        self.assertEqual(outcome.status, 0, manifest.get("error"))
        self.assertEqual(manifest["status"], "succeeded")
        self.assertEqual(manifest["validate"]["result"]["rows_out"], 1000)
        self.assertEqual(self.normalized(manifest),
                         HEADER + "".join(as_csv(row(i)) for i in range(1000)))

    def test_short_pipe(self):
        self.check_whole(["csv-validate", "pinpoint-import", "sns-notify"])

    def test_long_pipe(self):
        self.check_whole(["s3-fetch", "csv-validate-normalize", "s3-put",
                          "pinpoint-import", "sns-notify"])

    def test_spooled(self):
        """s3-fetch does not put zstd around gzip."""
        document = self.result_of(self.parts(3, 10))
        outcome = self.run_pipe(["s3-fetch", "csv-validate"], document,
                                LAKESEG_SPOOL_COMPRESSION="zstd")
        self.assertEqual(outcome.status, 0, outcome.manifest.get("error"))
        self.assertEqual(outcome.manifest["validate"]["result"]["rows_out"],
                         30)

    def test_thousand_parts(self):
        document = self.result_of(self.parts(1000, 1))
        outcome = self.run_pipe(["csv-validate"], document)
        self.assertEqual(outcome.status, 0, outcome.manifest.get("error"))
        self.assertEqual(outcome.manifest["validate"]["result"]["rows_out"],
                         1000)

    def test_empty(self):
        """Nothing but an empty part: a success when the job says so."""
        parts = [("empty.jsonl", b""), ("none.gz", gzip.compress(b""))]
        outcome = self.run_pipe(["csv-validate"], self.result_of(parts))
        self.assertEqual(outcome.status, 65)
        document = self.result_of(parts, limits={"min_rows": 0})
        outcome = self.run_pipe(
            ["csv-validate", "pinpoint-import", "sns-notify"], document)
        self.assertEqual(outcome.status, 0, outcome.manifest.get("error"))
        self.assertEqual(self.normalized(outcome.manifest), HEADER)

    def test_rejects_say_part_and_line(self):
        parts = self.parts(3, 4)
        parts[1] = (parts[1][0], parts[1][1] + '{"c0":"x","c0":"y"}\n' +
                    "no JSON\n")
        parts[2] = (parts[2][0], parts[2][1] +
                    json.dumps({**row(2), "c3": "other"}))  # without a LF
        document = self.result_of(parts, limits={"max_reject_percent": 50})
        for programs, place in ((["csv-validate"], "s3://results/un/1/"),
                                (["s3-fetch", "csv-validate", "s3-put"], "/")):
            outcome = self.run_pipe(programs, document)
            self.assertEqual(outcome.status, 0, outcome.manifest.get("error"))
            uri = [entry["uri"] for entry in outcome.manifest["data"]
                   if entry["role"] == "rejects"][0]
            rejects = [json.loads(line)
                       for line in self.body(uri).splitlines()]
            self.assertEqual(
                [(r["record"], r["source"].endswith(parts[p][0]), r["line"],
                  r["rule"]) for r, p in zip(rejects, (1, 1, 2))],
                [(9, True, 5, "malformed-json"),
                 (10, True, 6, "malformed-json"),
                 (15, True, 5, "id-duplicate")])
            self.assertTrue(rejects[0]["source"].startswith(place))
            self.assertNotIn("offset", rejects[0])

    def fails(self, document, *words):
        outcome = self.run_pipe(["csv-validate"], document)
        error = outcome.manifest["error"]
        self.assertEqual((outcome.status, error["name"]), (65, "DataInvalid"))
        for word in words:
            self.assertIn(word, error["message"])
        self.assertFalse([entry for entry in outcome.manifest["data"]
                          if entry["role"] == "normalized"])

    def test_broken_parts_are_named(self):
        good = self.parts(3, 50)
        whole = gzip.compress(good[1][1].encode())
        for broken in (whole[:-1], whole[:len(whole) // 2], whole[:12],
                       whole + b"behind", whole[:-6] + bytes(6)):
            parts = [good[0], (good[1][0], broken), good[2]]
            self.fails(self.result_of(parts), "s3://results/un/1/part-00001.gz",
                       "gzip")
        self.fails(self.result_of([good[0], ("long.jsonl", b'{"c0":"' +
                                             b"x" * (17 << 20) + b'"}')]),
                   "long.jsonl', line 1: longer than 16777216 bytes")

    def test_a_part_that_is_gone(self):
        document = self.result_of(self.parts(2, 3))
        self.s3.delete_object(Bucket="results", Key="un/1/part-00001.gz")
        outcome = self.run_pipe(["csv-validate"], document)
        self.assertNotEqual(outcome.status, 0)
        self.assertIn("part-00001.gz", outcome.manifest["error"]["message"])

    def test_mixed_formats(self):
        document = self.result_of(self.parts(2, 3))
        document["data"][1]["format"] = "csv"
        outcome = self.run_pipe(["csv-validate"], document)
        self.assertEqual(outcome.manifest["error"]["name"], "ConfigInvalid")
        document["data"][1]["format"] = "parquet"
        outcome = self.run_pipe(["csv-validate"], document)
        self.assertEqual(outcome.manifest["error"]["name"], "ConfigInvalid")
        self.assertIn("parquet", outcome.manifest["error"]["message"])


class Files(unittest.TestCase):
    """csv-validate FILE, without a manifest."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lakeseg-unload-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.out = os.path.join(self.dir, "out.csv")
        self.rejects = os.path.join(self.dir, "rejects.jsonl")

    def run_on(self, name, data, *options, status=0, env=None):
        path = name
        if name != "-":
            path = os.path.join(self.dir, name)
            with open(path, "wb") as file:
                file.write(data)
        done = subprocess.run(
            [program("csv-validate"), path, "--output", self.out, "--rejects",
             self.rejects, "--min-rows", "0", "--max-reject-percent", "100",
             *options], input=data if name == "-" else b"",
            capture_output=True, timeout=120, check=False,
            env={**os.environ, "TMPDIR": self.dir, **(env or {})})
        self.assertEqual(done.returncode, status, done.stderr)
        self.message = done.stderr.decode()
        if status != 0:
            return None
        check_manifest(done.stdout)
        with open(self.out, encoding="utf-8", newline="") as file:
            return file.read()

    def test_names_and_settings(self):
        text = b'{"Id":"a","Metrics.M":1.50}\n{"Metrics.M":NaN,"Id":"b"}\n'
        wanted = "Id,Metrics.M\na,1.50\n"
        for name in ("x.jsonl", "x.ndjson"):
            self.assertEqual(self.run_on(name, text), wanted)
        self.assertEqual(self.run_on("x.jsonl.gz", gzip.compress(text)),
                         wanted)
        self.assertEqual(self.run_on("-", text, "--input-format", "jsonl"),
                         wanted)
        self.assertEqual(self.run_on("x.json", text, "--input-format", "jsonl",
                                     "--non-finite", "null"), wanted + "b,\n")
        self.assertEqual(self.run_on("x.jsonl", text, env={
            "LAKESEG_NON_FINITE": "null"}), wanted + "b,\n")
        self.run_on("x.jsonl", text, "--non-finite", "zero", status=78)
        self.run_on("x.csv", text, status=65)
        self.run_on("x.jsonl", text, "--input-format", "csv", status=65)
        self.run_on("x.csv", b"Id\na\n", "--columns", "Id", status=64)

    def test_columns(self):
        text = b'{"Id":"a"}\n{"Attributes.A":1,"Id":"b"}\n'
        self.assertEqual(self.run_on("x.jsonl", text), "Id\na\n")
        with open(self.rejects, "rb") as file:
            self.assertEqual(json.load(file)["rule"], "column-unknown")
        self.assertEqual(self.run_on("x.jsonl", text, "--columns",
                                     "Attributes.A,Id"),
                         "Attributes.A,Id\n,a\n1,b\n")
        self.run_on("x.jsonl", text, "--columns", "Id,Id", status=78)
        self.assertIn("'Id' is named twice", self.message)
        self.run_on("x.jsonl", text[1:], status=65)
        self.assertIn("line 1, whose keys would name the columns",
                      self.message)

    def test_profiles(self):
        self.run_on("x.jsonl", b'{"Id":"a","User.UserId":"u1"}\n'
                    b'{"Id":"b"}\n{"Id":"c"\n', "--target",
                    "customer-profiles")
        with open(self.rejects, encoding="utf-8") as file:
            found = [json.loads(line) for line in file]
        self.assertEqual(
            [(r["rule"], os.path.basename(r["source"]), r["line"])
             for r in found], [("malformed-json", "x.jsonl", 3),
                               ("key-missing", "x.jsonl", 2)])

    def test_against_python(self):
        """40,000 lines, right and spoilt: Python's json takes exactly those
        that are no reject, and reads the same in them."""
        dice = random.Random(7)
        lines = [self.spoil(dice, self.line(dice)) for _ in range(40_000)]
        data = b"".join(line + b"\n" for line in lines)
        out = self.run_on("x.jsonl", data, "--columns",
                          "Id,Attributes.A,Attributes.B", "--format", "json",
                          "--rules", "basic", "--non-finite", "reject")
        got = {}
        for text in out.splitlines():
            cells = json.loads(text)
            values = cells.get("Attributes", {})
            got[cells["Id"].lower()] = [values.get(name, [None])[0]
                                        for name in "AB"]
        with open(self.rejects, encoding="utf-8") as file:
            rejects = {r["line"]: r["rule"] for r in map(json.loads, file)}
        self.assertGreater(len(got), 5_000)
        self.assertGreater(len(rejects), 5_000)
        compared = 0
        for number, line in enumerate(lines, 1):
            wanted = self.judge(line)
            rule = rejects.get(number)
            if wanted is None:
                self.assertIn(rule, BAD_LINE, line)
            else:
                self.assertNotIn(rule, BAD_LINE[1:], line)
            if wanted is None or rule is not None or any(
                    isinstance(cell, str) and CONTROL.search(cell)
                    for cell in wanted):
                continue
            compared += 1
            for cell, found in zip(wanted[1:], got[self.text_of(wanted[0])
                                                   .lower()]):
                if isinstance(cell, (list, dict)):
                    self.assertEqual(cell, json.loads(
                        found, parse_float=str, parse_int=str), line)
                else:
                    self.assertEqual(self.text_of(cell), found, line)
        self.assertGreater(compared, 12_000)

    @staticmethod
    def text_of(cell):
        """What a cell becomes by the rules: trimmed, "" as NULL."""
        if isinstance(cell, bool):
            return "true" if cell else "false"
        return (cell or "").strip(" ") or None

    number = 0

    def line(self, dice):
        Files.number += 1
        cells = {"Id": "i%d" % Files.number}
        for name in "AB":
            if dice.random() < 0.8:
                cells["Attributes." + name] = dice.choice((
                    None, True, False, 1, -0.5, 1e300, 12345678901234567890,
                    "", "x", 'q"q', "back\\slash", "\u00e9\u20ac\U0001f600",
                    "tab\tand\nfeed", [1, "a", [], {}], {"k": [None, True]},
                    "0123456789abcdef" * dice.randrange(4)))
        text = json.dumps(cells, ensure_ascii=dice.random() < 0.5,
                          separators=dice.choice(((",", ":"), (", ", ": "))))
        return text.encode()

    @staticmethod
    def spoil(dice, line):
        """One byte more, less or another, in half of the lines."""
        if dice.random() < 0.5:
            return line
        at = dice.randrange(len(line))
        piece = bytes([dice.choice(
            b'{}[]",:\\/bnu0123eE+-.tfalsrNI \t\r\x00\x1f\x7f\x80\xc3\xff')])
        how = dice.randrange(3)
        if how == 0:
            return line[:at] + line[at + 1:]
        return line[:at] + piece + line[at + how - 1:]

    @staticmethod
    def judge(line):
        """What Python makes of it: the three cells as text, None: no record."""
        def pairs(found):
            names = [name for name, _ in found]
            if is_outer_of(found) and len(set(names)) != len(names):
                raise ValueError("twice")
            return dict(found)

        def is_outer_of(found):
            return any(name == "Id" for name, _ in found)

        def refuse(_):
            raise ValueError("not finite")
        try:
            text = line.decode("utf-8")
            cells = json.loads(text, object_pairs_hook=pairs,
                               parse_constant=refuse, parse_float=str,
                               parse_int=str)
            json.dumps(cells, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError):
            return None
        if not isinstance(cells, dict) or set(cells) - {
                "Id", "Attributes.A", "Attributes.B"}:
            return None
        return [cells.get("Id"), cells.get("Attributes.A"),
                cells.get("Attributes.B")]


if __name__ == "__main__":
    unittest.main()
