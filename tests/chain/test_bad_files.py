"""Files as they come: csv-validate-normalize FILE, without a manifest. Whatever
is wrong has one clear message, the right exit status, and leaves nothing under
the output's name."""

import gzip
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

from harness import check_manifest, program

HEADER = b"Id,Attributes.A\n"
GOOD = HEADER + b"".join(b"id-%d,value\n" % i for i in range(1000))


class Outcome:
    def __init__(self, status, out, err):
        self.status = status
        self.out = out
        self.messages = [json.loads(line)["message"]
                         for line in err.splitlines()
                         if json.loads(line)["level"] == "error"]


class BadFiles(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lakeseg-files-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.out = os.path.join(self.dir, "out.csv")

    def path(self, name, data=None):
        path = os.path.join(self.dir, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def run_on(self, file, *options, stdin=None, env=None):
        done = subprocess.run(
            [program("csv-validate-normalize"), file, "--output", self.out,
             "--rejects", os.path.join(self.dir, "rejects.jsonl"), *options],
            input=stdin, capture_output=True, timeout=120, check=False,
            env={**os.environ, "TMPDIR": self.dir, **(env or {})})
        return Outcome(done.returncode, done.stdout, done.stderr)

    def fails(self, data, *words, options=(), status=65):
        file = self.path("in.csv", data) if isinstance(data, bytes) else data
        for reader in ("libcsv", None):
            named = ("--reader", reader) if reader else ()
            result = self.run_on(file, *options, *named)
            self.assertEqual(result.status, status, result.messages)
            self.assertEqual(len(result.messages), 1, result.messages)
            for word in words:
                self.assertIn(word, result.messages[0])
            self.assertFalse(os.path.exists(self.out))
            self.assertFalse([name for name in os.listdir(self.dir)
                              if name.startswith("out.csv.")])
        return result

    def succeeds(self, data, rows, *options, **more):
        result = self.run_on(self.path("in.csv", data), *options, **more)
        self.assertEqual(result.status, 0, result.messages)
        manifest = check_manifest(result.out)
        self.assertEqual(manifest["validate"]["result"]["rows_out"], rows)
        with open(self.out, "rb") as file:
            return manifest, file.read()

    def test_good(self):
        manifest, out = self.succeeds(GOOD, 1000)
        self.assertEqual(out, GOOD)
        self.assertEqual([entry["role"] for entry in manifest["data"]],
                         ["rejects", "normalized"])

    def test_sha256(self):
        manifest, out = self.succeeds(GOOD, 1000, "--sha256")
        self.assertEqual(manifest["data"][1]["sha256"],
                         hashlib.sha256(out).hexdigest())

    def test_empty(self):
        self.fails(b"", "no header: the file is empty")

    def test_header_only(self):
        self.fails(HEADER, "0 rows came out, min_rows asks for 1")
        _, out = self.succeeds(HEADER, 0, "--min-rows", "0")
        self.assertEqual(out, HEADER)

    def test_cut_off(self):
        self.fails(GOOD + b'x,"half', "cut off", "record 1001",
                   "line 1002", "byte %d" % len(GOOD))

    def test_endless_quote(self):
        self.fails(HEADER + b'x,"' + b"a" * (40 << 20),
                   "longer than 16777216 bytes", "record 1", "line 2")

    def test_large_cell(self):
        text = b"y" * (10 << 20)
        self.fails(HEADER + b'x,"' + text + b'"\n', "attribute-length")
        _, out = self.succeeds(b"Id,Demographic.Make\nx,\"" + text +
                               b'"\nz,1\n', 1, "--max-reject-percent", "50")
        self.assertEqual(out, b"Id,Demographic.Make\nz,1\n")

    def test_many_columns(self):
        self.fails(b"Id" + b",Attributes.A" * 100_001 + b"\n",
                   "more than 100000 columns")
        self.fails(b"Id," + b",".join(b"Attributes.A%d" % i
                                      for i in range(65_000)) + b"\n",
                   "65000 custom attributes")
        _, out = self.succeeds(HEADER + b"a" + b",b" * 200_000 + b"\nc,d\n", 1,
                               "--max-reject-percent", "50")
        self.assertEqual(out, HEADER + b"c,d\n")

    def test_zero_bytes(self):
        self.fails(b"\0" * 4096, "header")
        _, out = self.succeeds(HEADER + b"a,\0\nb,c\n", 1,
                               "--max-reject-percent", "50")
        self.assertEqual(out, HEADER + b"b,c\n")

    def test_line_ends(self):
        for end in (b"\r", b"\r\n", b"\n"):
            _, out = self.succeeds(GOOD.replace(b"\n", end), 1000)
            self.assertEqual(out, GOOD)
        _, out = self.succeeds(GOOD[:-1], 1000)
        self.assertEqual(out, GOOD)

    def test_byte_order_mark(self):
        _, out = self.succeeds(b"\xEF\xBB\xBF" + GOOD, 1000)
        self.assertEqual(out, GOOD)

    def test_compressed(self):
        packed = gzip.compress(GOOD)
        for data in (packed, gzip.compress(HEADER) +
                     gzip.compress(GOOD[len(HEADER):])):
            _, out = self.succeeds(data, 1000)
            self.assertEqual(out, GOOD)
        os.unlink(self.out)
        self.fails(packed[:-9], "gzip", "cut off at byte %d" % (len(packed) - 9))
        if shutil.which("zstd") is None:
            self.skipTest("no zstd")
        packed = subprocess.run(["zstd", "-c"], input=GOOD, check=True,
                                capture_output=True).stdout
        _, out = self.succeeds(packed, 1000)
        self.assertEqual(out, GOOD)
        self.succeeds(GOOD + b"bad\n", 1000, "--rejects-compression", "zstd",
                      "--max-rejects", "1")
        rejects = subprocess.run(
            ["zstd", "-dc", os.path.join(self.dir, "rejects.jsonl")],
            check=True, capture_output=True).stdout
        self.assertEqual(json.loads(rejects)["rule"], "column-count")

    def test_other_formats(self):
        self.fails(GOOD.decode().encode("utf-16"), "UTF-16")
        self.fails(b"PAR1" + bytes(100), "Parquet")
        self.fails(bytes(range(256)) * 64, "header")

    def test_directory_and_nothing(self):
        self.fails(self.dir, "is a directory", status=74)
        self.fails(self.path("absent.csv"), "absent.csv", status=74)

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        self.out = "/dev/full"
        result = self.run_on(self.path("in.csv", GOOD))
        self.assertEqual(result.status, 74, result.messages)
        self.assertIn("/dev/full", result.messages[0])

    def test_closed_pipe(self):
        reader, writer = os.pipe()
        os.close(reader)
        child = subprocess.run(
            [program("csv-validate-normalize"),
             self.path("in.csv", GOOD * 100), "--output", "-", "--rules",
             "basic", "--rejects", "/dev/null", "--max-reject-percent", "100"],
            stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
        os.close(writer)
        self.assertEqual(child.returncode, 74, child.stderr)

    def test_standard_input_and_output(self):
        for threads in ("1", "3"):
            child = subprocess.run(
                [program("csv-validate-normalize"), "-", "--output", "-",
                 "--rejects", "/dev/null", "--threads", threads,
                 "--max-reject-percent", "100"],
                input=GOOD + GOOD[len(HEADER):].replace(b"value", b"other"),
                capture_output=True, timeout=60, check=False)
            self.assertEqual(child.returncode, 0, child.stderr)
            self.assertEqual(child.stdout, GOOD)

    def test_output_led_into_a_file(self):
        """As a shell does with > and >>: there is no other name to appear
        under, and what stood there before stays."""
        with open(self.path("all", b"before\n"), "ab") as file:
            subprocess.run(
                [program("csv-validate-normalize"), self.path("in.csv", GOOD),
                 "--output", "-", "--rejects", self.path("rejects")],
                stdout=file, check=True, timeout=120)
        with open(self.path("all"), "rb") as file:
            self.assertEqual(file.read(), b"before\n" + GOOD)
        self.assertTrue(os.path.islink("/dev/stdout"))

    def test_vanishing_file(self):
        """A file that shrinks while it is read: no crash, no half output."""
        file = self.path("in.csv", GOOD + b"".join(
            b"id-%d,value\nid-%d,other\n" % (i, i) for i in range(300_000)))
        cutter = threading.Timer(0.02, lambda: os.truncate(file, 5000))
        cutter.start()
        result = self.run_on(file, "--max-reject-percent", "100")
        cutter.join()
        self.assertIn(result.status, (0, 65, 74), result.messages)
        self.assertEqual(os.path.exists(self.out), result.status == 0)

    def test_killed(self):
        """SIGTERM in the middle leaves nothing half-named."""
        reader, writer = os.pipe()
        child = subprocess.Popen(
            [program("csv-validate-normalize"), "-", "--output", self.out,
             "--rejects", os.path.join(self.dir, "rejects.jsonl")],
            stdin=reader, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "TMPDIR": self.dir})
        os.close(reader)
        os.write(writer, GOOD)
        while not any(name.startswith("out.csv")
                      for name in os.listdir(self.dir)):
            self.assertIsNone(child.poll())
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        os.write(writer, GOOD)
        os.close(writer)
        child.communicate(timeout=30)
        self.assertEqual(child.returncode, 75)
        self.assertEqual([name for name in os.listdir(self.dir)
                          if name.startswith("out.csv")], [])

    def test_parts(self):
        manifest, first = self.succeeds(GOOD, 1000, "--max-part-bytes", "4K")
        parts = [entry for entry in manifest["data"]
                 if entry["role"] == "normalized"]
        self.assertGreater(len(parts), 2)
        self.assertEqual(sum(part["rows"] for part in parts), 1000)
        rows = b""
        for part in parts:
            with open(part["uri"], "rb") as file:
                text = file.read()
            self.assertLessEqual(len(text), 4096)
            self.assertEqual(len(text), part["bytes"])
            self.assertTrue(text.startswith(HEADER))
            rows += text[len(HEADER):]
        self.assertEqual(HEADER + rows, GOOD)
        self.assertTrue(first.startswith(HEADER))

    def test_settings_are_checked(self):
        manifest = {"lakeseg": 1, "validate": {"rules": {"countri": "off"}},
                    "data": [{"uri": self.path("in.csv", GOOD),
                              "role": "query-result", "format": "csv",
                              "compression": "none"}]}
        for rules, word in (({"countri": "off"}, "there is no such rule"),
                            ({"utf8": "off"}, "cannot be off"),
                            ({"empty": "maybe"}, "'reject', 'null', 'keep'"),
                            ({"country": "on"}, "'reject', 'off'"),
                            ({"country_of_phones": "QQ"}, "libphonenumber")):
            manifest["validate"]["rules"] = rules
            child = subprocess.run(
                [program("csv-validate-normalize"), "--output", self.out],
                input=json.dumps(manifest).encode(), capture_output=True,
                timeout=60, check=False)
            self.assertEqual(child.returncode, 78, child.stderr)
            self.assertIn(word, child.stderr.decode())


if __name__ == "__main__":
    unittest.main()
