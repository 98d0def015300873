"""What the tests of `lakeseg run` share: runs with a state of their own, their
processes, and what they did at the services."""

import json
import os
import signal
import subprocess
import threading
import time

from harness import Case, check_manifest, job, program
from importing import call_of
from recorder import Recorder

SQL = ("SELECT id AS Id, 'EMAIL' AS \"ChannelType\", "
       "concat(id, '@example.com') AS \"Address\" FROM people")
STAGES = ["athena-exec", "csv-validate-normalize", "pinpoint-import",
          "sns-notify"]


def children_of(pid):
    """The processes that pid started and that are not over: [(pid, name)]."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open("/proc/%s/stat" % entry, encoding="utf-8",
                      errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        name, rest = text.partition("(")[2].rpartition(")")[::2]
        state, parent = rest.split()[:2]
        if int(parent) == pid and state not in "ZX":
            found.append((int(entry), name))
    return found


def is_alive(pid):
    """Whether it still works: who nobody waits for is only a name."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8",
                  errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_for(what, seconds=60):
    """What `what` returns, once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.005)
    raise AssertionError("waited in vain")


def operation_of(kept):
    """AWS's name for a request."""
    target = kept.header("x-amz-target")
    if target:
        return target.partition(".")[2]
    if b"Action=Publish" in kept.body:
        return "Publish"
    call = call_of(kept.method, kept.path + (
        "?" + kept.query if kept.query else ""))
    if call:
        return call
    return {"GET": "GetObject", "PUT": "PutObject"}.get(kept.method)


class Holding(Recorder):
    """A front that keeps one request, before it goes to the service or when
    its answer is there, until it is let go; whoever asked may be gone then,
    and the request with it."""

    def __init__(self, url, operation, when="before", count=1):
        super().__init__(url, self.hold)
        self.operation = operation
        self.when = when
        self.left = count
        self.is_met = threading.Event()
        self.is_free = threading.Event()
        self.passes = False

    def hold(self, kept, when):
        if self.left == 0 or when != self.when or \
                operation_of(kept) != self.operation:
            return True
        self.left -= 1
        self.is_met.set()
        self.is_free.wait(120)
        return self.passes

    def let_go(self, passes=False):
        self.passes = passes
        self.is_free.set()


class Ended:
    def __init__(self, status, stdout, stderr):
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        self.manifest = check_manifest(stdout) if \
            stdout.startswith(b"{") and stdout.count(b"\n") == 1 else None


class Supervised(Case):
    number = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("people", "id\n" + "".join(
            "p%d\n" % i for i in range(20)))

    def setUp(self):
        super().setUp()
        Supervised.number += 1
        self.name = "job-%d" % Supervised.number
        self.state = os.path.join(self.local.dir, "state-%d" %
                                  Supervised.number)
        self.local.admin("faults", method="DELETE")
        self.queries_before = len(self.local.admin("queries"))
        self.imports_before = len(self.local.admin("imports/app1"))

    def job(self, name=None, **sections):
        document = job(SQL, **sections)
        document["run"].setdefault("name", self.name)
        document["run"]["name"] = name or self.name
        path = os.path.join(self.local.dir, "%s.json" %
                            document["run"]["name"])
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document, file)
        return path

    def begin(self, *words, environment=None, **options):
        return subprocess.Popen(
            [program("lakeseg"), "run", *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.local.environment(LAKESEG_STATE=self.state,
                                       **(environment or {})), **options)

    def end(self, process, timeout=120):
        stdout, stderr = process.communicate(timeout=timeout)
        return Ended(process.returncode, stdout, stderr.decode())

    def run_lakeseg(self, *words, environment=None, **options):
        return self.end(self.begin(*words, environment=environment,
                                   **options))

    def goes_well(self, *words, **options):
        ended = self.run_lakeseg("--json", *words, **options)
        self.assertEqual(ended.status, 0, ended.stderr)
        self.assertEqual(ended.manifest["status"], "succeeded")
        return ended.manifest

    def stage_of(self, process, name):
        """The pid of the stage, once it runs."""
        short = name[:15]  # what the kernel keeps
        return wait_for(lambda: [pid for pid, found in children_of(process.pid)
                                 if found == short])[0]

    def held(self, operation, *words, when="before", count=1):
        """A run whose call of the operation hangs; with its front."""
        front = Holding(self.local.url, operation, when, count)
        self.addCleanup(front.stop)
        self.addCleanup(front.let_go)
        process = self.begin(*words,
                             environment={"AWS_ENDPOINT_URL": front.url})
        assert front.is_met.wait(60), self.end(process).stderr
        return process, front

    def runs(self):
        folder = os.path.join(self.state, "runs")
        return sorted(os.listdir(folder)) if os.path.isdir(folder) else []

    def files(self, run_id):
        root = os.path.join(self.state, "runs", run_id)
        return sorted(os.path.relpath(os.path.join(at, name), root)
                      for at, _, names in os.walk(root) for name in names)

    def read(self, run_id, name):
        with open(os.path.join(self.state, "runs", run_id, name), "rb") as f:
            return check_manifest(f.read())

    def check_folder(self, run_id, stages=None):
        """Nothing but what belongs there."""
        self.assertEqual(self.files(run_id), ["job.json"] + [
            "manifests/%02d-%s.json" % (i + 1, stage)
            for i, stage in enumerate(stages or STAGES)] + ["receipt.json"])

    def queries(self):
        return self.local.admin("queries")[self.queries_before:]

    def imports(self):
        return self.local.admin("imports/app1")[self.imports_before:]

    def outcomes(self):
        """(run id, subject) of every message since the test began."""
        return [(m["attributes"]["run_id"]["value"], m["subject"])
                if isinstance(m["attributes"]["run_id"], dict)
                else (m["attributes"]["run_id"], m["subject"])
                for m in self.local.messages()[self.told:]]

    def check_once(self, run_id, repeats=False):
        """One query, one import, one outcome."""
        self.assertEqual(len(self.queries()), 1)
        self.assertEqual(len(self.imports()), 1)
        outcomes = self.outcomes()
        self.assertEqual(set(outcomes), {(run_id, "successful")})
        if not repeats:
            self.assertEqual(len(outcomes), 1)


def kill(process, number=signal.SIGKILL):
    """The supervisor, as a crash would: its stages end with it."""
    stages = children_of(process.pid)
    process.send_signal(number)
    process.communicate(timeout=60)
    wait_for(lambda: not any(is_alive(pid) for pid, _ in stages))
