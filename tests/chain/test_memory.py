"""Memory does not depend on the size of the data, but for the transformer's
table of keys. MEMORY_ROWS sets the larger size (default 500,000). The first
argument is bench_timed."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import unittest

from harness import Case, check_manifest, job, program

TIMED = None  # the program
SMALL = 20_000
LARGE = int(os.environ.get("MEMORY_ROWS", "500000"))
SLACK_KIB = 6 * 1024      # allocators, page-sized noise
BYTES_A_KEY = 2 * 10      # docs/rules.md: Ids and addresses
SQL = ("SELECT concat('ep-', lpad(CAST(i AS VARCHAR), 12, '0')) AS Id, "
       "'EMAIL' AS \"ChannelType\", "
       "concat('someone.', CAST(i AS VARCHAR), '@example.com') AS \"Address\", "
       "CAST(i % 100 AS VARCHAR) AS \"Attributes.Opened\", "
       "CAST(i AS DOUBLE) / 7 AS \"Metrics.Score\" "
       "FROM UNNEST(range({0})) AS numbers (i)")


def run(words, env, **streams):
    """The output, the exit status and the peak of resident memory, in KiB, as
    the kernel has it: bench_timed starts the program, for what we start
    ourselves counts our own pages as well."""
    with tempfile.NamedTemporaryFile("r") as report:
        done = subprocess.run([TIMED, report.name, program(words[0]),
                               *words[1:]], env=env, timeout=600, check=False,
                              **{"stdout": subprocess.PIPE, **streams})
        return done.stdout, done.returncode, int(report.read().split()[2])


class Memory(Case):
    def chain(self, stages, rows):
        text = json.dumps(job(SQL.format(rows))).encode()
        peaks = {}
        for stage in stages:
            text, status, peaks[stage] = run([stage],
                                             self.local.environment(),
                                             input=text)
            self.assertEqual(status, 0, check_manifest(text).get("error"))
        manifest = check_manifest(text)
        self.assertEqual(manifest["validate"]["result"]["rows_out"], rows)
        return peaks

    def compare(self, stages):
        small = self.chain(stages, SMALL)
        large = self.chain(stages, LARGE)
        print("\npeak resident memory, KiB:", small, large)
        for stage in stages:
            allowed = SLACK_KIB
            if stage.startswith("csv-validate"):
                allowed += (LARGE - SMALL) * BYTES_A_KEY // 1024
            if stage in ("s3-put", "s3-fetch"):
                allowed += 24 * 1024  # a buffer for each of 8 connections
            if stage == "csv-validate":
                allowed += 48 * 1024  # S3 on both sides: 4 ranges of 4 MiB,
                                      # 3 parts of 8 MiB
            self.assertLessEqual(large[stage] - small[stage], allowed,
                                 (stage, small[stage], large[stage]))

    def test_short_pipe(self):
        self.compare(["athena-exec", "csv-validate", "pinpoint-import",
                      "sns-notify"])

    def test_long_pipe(self):
        self.compare(["athena-exec", "s3-fetch", "csv-validate-normalize",
                      "s3-put", "pinpoint-import", "sns-notify"])

    def changed(self, path, run_id, name):
        """csv-validate of a job that imports what changed; its peak."""
        document = {
            "lakeseg": 1, "run": {"id": run_id, "name": name},
            "import": {"destination": "pinpoint", "mode": "changed"},
            "data": [{"uri": path, "role": "query-result", "format": "csv"}]}
        text, status, peak = run(["csv-validate"], self.local.environment(),
                                 input=json.dumps(document).encode())
        manifest = check_manifest(text)
        self.assertEqual(status, 0, manifest.get("error"))
        return manifest["validate"]["result"], peak

    def test_changed(self):
        """32 bytes for each row of the last run, 8 MiB to sort new ones."""
        peaks = {}
        for rows in (SMALL, LARGE):
            path = os.path.join(self.local.dir, "rows.csv")
            for step in (0, 1):
                with open(path, "w", encoding="ascii") as file:
                    file.write("Id,ChannelType,Address,Attributes.n\n")
                    for i in range(rows):
                        file.write("ep-%09d,EMAIL,a%d@example.com,%d\n" % (
                            i, i, i + step * (i % 10 == 0)))
                result, peaks[rows, step] = self.changed(
                    path, "r%d" % step, "j%d" % rows)
                delta = result["delta"]
                with open(delta["place"] + "last.json", "w",
                          encoding="ascii") as file:  # as an importer does
                    json.dump({"lakeseg_job": 1, "run_id": "r%d" % step,
                               "rows": rows, "open": [], "files": [],
                               "fingerprints": delta["fingerprints"]}, file)
            self.assertEqual((delta["rows_changed"], delta["rows_unchanged"]),
                             (rows // 10, rows - rows // 10))
        print("\npeak resident memory, KiB:", peaks)
        for step, bytes_a_row in ((0, 0), (1, 32)):
            allowed = SLACK_KIB + 12 * 1024 + (LARGE - SMALL) * (
                BYTES_A_KEY + bytes_a_row) // 1024
            self.assertLessEqual(peaks[LARGE, step] - peaks[SMALL, step],
                                 allowed, peaks)

    def test_transfers(self):
        """s3-fetch and s3-put stay below their --memory, all four ways."""
        size = 200 << 20
        path = os.path.join(self.local.dir, "bulk")
        with open(path, "wb") as file:
            for _ in range(size >> 20):
                file.write(os.urandom(1 << 20))
        for limit in (64, 32):
            option = ["--memory", "%dM" % limit]
            for words, source in (
                    (["s3-put", path, "--to", "s3://results/bulk"], None),
                    (["s3-put", "-", "--to", "s3://results/bulk"], path),
                    (["s3-fetch", "s3://results/bulk", "--output",
                      path + ".back"], None),
                    (["s3-fetch", "s3://results/bulk"], None)):
                peak = self.transfer(words + option, source)
                print("\npeak resident memory, KiB: %s%s, at most %d MiB: %d"
                      % (words[0], " (pipe)" if len(words) == 2 or source
                         else "", limit, peak))
                self.assertLessEqual(peak, limit * 1024)
            os.unlink(path + ".back")

    def transfer(self, words, source):
        with open(source or os.devnull, "rb") as stdin, \
                open(os.devnull, "wb") as stdout:
            _, status, peak = run(words, self.local.environment(),
                                  stdin=stdin, stdout=stdout)
        self.assertEqual(status, 0)
        return peak

    def file_of(self, rows):
        path = os.path.join(self.local.dir, "%d.csv" % rows)
        with open(path, "w", encoding="ascii") as file:
            file.write("Id,Attributes.A\n")
            for i in range(rows):
                file.write("customer-%012d,%d\n" % (i * 7919 % rows, i % 50))
        return path

    def lines_of(self, rows):
        """The same as JSON lines in gzip."""
        path = os.path.join(self.local.dir, "%d.jsonl.gz" % rows)
        with gzip.open(path, "wt", encoding="ascii", compresslevel=1) as file:
            for i in range(rows):
                file.write('{"Id":"customer-%012d","Attributes.A":%d}\n' %
                           (i * 7919 % rows, i % 50))
        return path

    def peak_of(self, rows, *options, file=None):
        out, status, peak = run(
            ["csv-validate-normalize", file or self.file_of(rows), "--output",
             "/dev/null", "--rejects", "/dev/null", *options],
            self.local.environment(), input=b"")
        self.assertEqual(status, 0)
        result = check_manifest(out)["validate"]["result"]
        self.assertEqual(result["rows_out"], rows)
        return peak

    def test_keys(self):
        """10 bytes a key and 32 MiB at most; flat when they are in files."""
        peak = self.peak_of(LARGE)
        flat = self.peak_of(LARGE, "--keys-memory", "64K")
        print("\npeak resident memory, KiB: %d rows: %d, in files: %d" %
              (LARGE, peak, flat))
        self.assertLessEqual(peak, 10 * LARGE // 1024 + 32 * 1024)
        self.assertLessEqual(flat, 64 * 1024)

    def test_json_lines(self):
        file = self.lines_of(LARGE)
        peak = self.peak_of(LARGE, file=file)
        flat = self.peak_of(LARGE, "--keys-memory", "64K", file=file)
        print("\npeak resident memory, KiB: %d JSON lines: %d, in files: %d" %
              (LARGE, peak, flat))
        self.assertLessEqual(peak, 10 * LARGE // 1024 + 40 * 1024)
        self.assertLessEqual(flat, 64 * 1024)


if __name__ == "__main__":
    TIMED = sys.argv.pop(1)
    unittest.main()
