"""`lakeseg run` on a machine that is hostile: a disk that fills up, folders that
cannot be written, a clock that jumps, thousands of jobs."""

import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import check_manifest, program
from supervised import STAGES, Supervised, kill

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
JOBS = 4000


def limited(size):
    """For the program and its stages: a file that grows past it is as one on
    a disk that is full."""
    def apply():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return apply


class FullDisk(Supervised):
    def test_full_at_every_place(self):
        """The state cannot be written from some place on: the run says so,
        and goes on from there when there is room again."""
        self.goes_well(self.job())
        whole = max(os.path.getsize(os.path.join(
            self.state, "runs", self.runs()[0], name))
            for name in self.files(self.runs()[0]))
        ends = set()
        for size in range(100, whole + 300, (whole + 200) // 12):
            with self.subTest(size=size):
                self.setUp()
                path = self.job(run={"id": "full-%d" % size})
                ended = self.run_lakeseg("--json", path,
                                         preexec_fn=limited(size))
                ends.add((ended.status, len(
                    [name for name in self.runs() if name[0] != "."])))
                if ended.status != 0:
                    self.assertEqual(ended.status, 74, ended.stderr)
                    self.assertIn("FileError", ended.stderr)
                    self.assertIn("File too large", ended.stderr)
                    self.goes_well(path)
                run_id = "full-%d" % size
                self.check_folder(run_id)
                self.check_once(run_id, repeats=True)
        # full before the first file, somewhere in between, and never
        self.assertLessEqual({(74, 0), (74, 1), (0, 1)}, ends)


class Refused(Supervised):
    def fails_at_once(self, state, words):
        self.state = state
        ended = self.run_lakeseg(self.job())
        self.assertEqual(ended.status, 74, ended.stderr)
        self.assertIn("FileError", ended.stderr)
        self.assertIn(words, ended.stderr)
        self.assertEqual((self.queries(), self.outcomes()), ([], []))

    def test_a_folder_that_cannot_be_made(self):
        self.fails_at_once("/proc/lakeseg", "/proc/lakeseg")

    def test_a_folder_that_is_a_file(self):
        path = os.path.join(self.local.dir, "file")
        with open(path, "w", encoding="utf-8"):
            pass
        self.fails_at_once(path, path)

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_folder_that_is_read_only(self):
        os.makedirs(self.state)
        os.chmod(self.state, 0o500)
        self.fails_at_once(self.state, "Permission denied")

    def test_read_only_by_another_user(self):
        """As above, where the tests are root's."""
        if os.geteuid() != 0 or not shutil.which("setpriv"):
            self.skipTest("needs root and setpriv")
        os.makedirs(self.state)
        os.chmod(self.local.dir, 0o755)
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--clear-groups",
             program("lakeseg"), "run", self.job()],
            env=self.local.environment(LAKESEG_STATE=self.state),
            capture_output=True, timeout=60, check=False)
        if done.returncode in (1, 126, 127):
            self.skipTest("the programs are out of that user's reach")
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn(b"Permission denied", done.stderr)
        self.assertEqual((self.queries(), self.outcomes()), ([], []))

    def test_no_place_at_all(self):
        done = subprocess.run(
            [program("lakeseg"), "run", self.job()], timeout=60, check=False,
            env=self.local.environment(HOME=None), capture_output=True)
        self.assertEqual(done.returncode, 78, done.stderr)
        self.assertIn(b"set LAKESEG_STATE", done.stderr)

    def test_a_run_that_was_damaged(self):
        """It is told, and keeps no other from running."""
        process, front = self.held("GetQueryExecution", self.job())
        run_id = self.runs()[0]
        kill(process)
        front.let_go()
        with open(os.path.join(self.state, "runs", run_id, "job.json"),
                  "w", encoding="utf-8") as file:
            file.write('{"lakeseg": 1, "run"')
        ended = self.run_lakeseg("--resume", run_id)
        self.assertEqual(ended.status, 66, ended.stderr)
        self.assertIn("job.json", ended.stderr)
        ended = self.run_lakeseg("--json", self.job())
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assertIn("run %s cannot be looked at" % run_id, ended.stderr)


@unittest.skipUnless(os.path.exists(FAKETIME), "faketime is not installed")
class Clock(Supervised):
    """Days between two starts, or in the middle of one. What counts is the
    clock that never goes back."""

    def faked(self, path, offset):
        with open(path, "w", encoding="utf-8") as file:
            file.write(offset)
        return {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": path,
                "FAKETIME_NO_CACHE": "1", "DONT_FAKE_MONOTONIC": "1",
                "LAKESEG_TEST": "1"}

    def test_between_two_starts(self):
        for offset in ("-30d", "+400d"):
            with self.subTest(offset=offset):
                self.setUp()
                process, front = self.held("GetImportJobs", self.job())
                run_id = self.runs()[0]
                kill(process)
                front.let_go()
                path = os.path.join(self.local.dir, "clock")
                manifest = self.goes_well("--resume", run_id,
                                          environment=self.faked(path,
                                                                 offset))
                self.assertEqual([s["stage"] for s in manifest["stages"]],
                                 STAGES)
                self.check_once(run_id)
                self.check_folder(run_id)

    def test_a_run_of_the_future_is_closed(self):
        path = os.path.join(self.local.dir, "clock")
        process, front = self.held("GetQueryExecution", self.job())
        old = self.runs()[0]
        kill(process)
        front.let_go()
        new = self.goes_well(self.job(), environment=self.faked(
            path, "-30d"))["run"]["id"]
        self.assertEqual(self.outcomes(), [(old, "query failed"),
                                           (new, "successful")])

    def test_while_it_runs(self):
        """A budget of an hour is not over since the clock says so."""
        path = os.path.join(self.local.dir, "clock")
        front_job = self.job(run={"timeout_s": 3600})
        process, front = self.held_under(self.faked(path, "+0"), front_job)
        for offset in ("+2d", "-2d"):
            with open(path, "w", encoding="utf-8") as file:
                file.write(offset)
            time.sleep(0.3)
        front.let_go(passes=True)
        ended = self.end(process)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.check_once(self.runs()[0])

    def held_under(self, environment, path):
        from supervised import Holding
        front = Holding(self.local.url, "GetImportJob")
        self.addCleanup(front.stop)
        self.addCleanup(front.let_go)
        process = self.begin(path, environment={
            "AWS_ENDPOINT_URL": front.url, **environment})
        assert front.is_met.wait(60), self.end(process).stderr
        return process, front


class Thousands(Supervised):
    def setUp(self):
        super().setUp()
        # every file is written through to the disk: not to a real one here
        self.root = tempfile.mkdtemp(
            dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
        self.addCleanup(shutil.rmtree, self.root)
        self.state = os.path.join(self.root, "state")

    def test_4000_jobs_in_one_directory(self):
        folder = os.path.join(self.root, "jobs")
        os.mkdir(folder)
        for i in range(JOBS):
            with open(os.path.join(folder, "j%04d.json" % i), "w",
                      encoding="utf-8") as file:
                json.dump({"lakeseg": 1, "run": {"name": "j%04d" % i},
                           "query": {"sql": "SELECT id AS Id FROM people"}},
                          file)
        # what is tried is lakeseg: its stage only passes the manifest on
        bins = os.path.join(self.root, "bin")
        os.mkdir(bins)
        shutil.copy(program("lakeseg"), bins)
        shutil.copy(shutil.which("cat"), os.path.join(bins, "pass"))
        ended = self.end(subprocess.Popen(
            [os.path.join(bins, "lakeseg"), "run", "--json", "--parallel",
             "4", "--stages", "pass", folder], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.local.environment(LAKESEG_STATE=self.state,
                                       LAKESEG_LOG="error")))
        self.assertEqual(ended.status, 0, ended.stderr[-2000:])
        lines = ended.stdout.splitlines()
        self.assertEqual(len(lines), JOBS)
        names = {check_manifest(line + b"\n")["run"]["name"]
                 for line in lines}
        self.assertEqual(len(names), JOBS)
        self.assertEqual(len(self.runs()), JOBS)
        # a start among them, a resumption, and the words for a run
        self.goes_well(self.job())
        ended = self.run_lakeseg("--resume", "last")
        self.assertIn("is over (successful)", ended.stderr)

    def end(self, process, timeout=900):
        return super().end(process, timeout)


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    unittest.main()
