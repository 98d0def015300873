"""pinpoint-import under every fault at every call, and killed in each step:
never two imports, never a lost one."""

import signal
import threading
import unittest

from importing import Importing

OPERATIONS = ("s3.ListObjectsV2", "pinpoint.GetSegments",
              "pinpoint.GetImportJobs", "pinpoint.CreateImportJob",
              "pinpoint.GetImportJob", "pinpoint.GetSegment")
CURABLE = ("error:503:ServiceUnavailable",
           "error:500:InternalServerErrorException",
           "error:429:TooManyRequestsException", "delay:30", "lost", "cut:0",
           "cut:20", "truncate:20", "slow:20000")
SPOILT = ("short:20", "short:0", "corrupt:0", "corrupt:30", "error200")
REFUSED = {"error:403:AccessDeniedException": "AccessDenied",
           "error:403:InvalidSignatureException": "SignatureRefused",
           "error:400:BadRequestException": "ServiceRefused"}
SETTINGS = {"define_segment": True, "segment_name": "faults"}


class Faults(Importing):
    def setUp(self):
        super().setUp()
        self.local.admin("faults", method="DELETE")

    def once(self, rule, manifest, **environment):
        self.local.fault(rule=rule)
        result = self.start(manifest, LAKESEG_RETRY_BASE_MS="1",
                            **environment).end()
        self.local.admin("faults", method="DELETE")
        return result

    def ends_well(self, manifest, result):
        """This time or the next; with one import in all."""
        if result.status != 0:
            self.assertEqual(result.manifest["status"], "failed")
            result = self.run_import(manifest)
        job = result.manifest["import"]["result"]["jobs"][0]
        self.assertEqual((job["status"], job["processed"]), ("COMPLETED", 3))
        self.assertEqual([j["Id"] for j in self.imports(manifest)],
                         [job["id"]])

    def test_what_is_cured_by_a_retry(self):
        for operation in OPERATIONS:
            for fault in CURABLE:
                with self.subTest(operation=operation, fault=fault):
                    manifest = self.one(**SETTINGS)
                    result = self.once(operation + "=" + fault, manifest)
                    self.assertEqual(result.status, 0, result.stderr)
                    self.ends_well(manifest, result)

    def test_answers_that_are_spoilt(self):
        for operation in OPERATIONS:
            for fault in SPOILT:
                with self.subTest(operation=operation, fault=fault):
                    manifest = self.one(**SETTINGS)
                    result = self.once(operation + "=" + fault, manifest)
                    self.ends_well(manifest, result)

    def test_what_is_refused(self):
        for operation in OPERATIONS:
            for fault, name in REFUSED.items():
                if operation.startswith("s3."):
                    fault = fault.replace("InvalidSignatureException",
                                          "SignatureDoesNotMatch")
                with self.subTest(operation=operation, fault=fault):
                    manifest = self.one(**SETTINGS)
                    result = self.once(operation + "=" + fault, manifest)
                    self.assertNotEqual(result.status, 0)
                    self.assertEqual(result.manifest["error"]["name"], name)
                    self.assertEqual(len(self.imports(manifest)), int(
                        operation in ("pinpoint.GetImportJob",
                                      "pinpoint.GetSegment")))
                    self.ends_well(manifest, result)

    def test_again_and_again(self):
        """Starts that are done and not answered, or not done, three times."""
        for fault, count in (("lost,count=3", 1), ("cut:0,count=2", 1),
                             ("cut:0,count=99", 0)):
            with self.subTest(fault=fault):
                manifest = self.one(**SETTINGS)
                result = self.once("pinpoint.CreateImportJob=" + fault,
                                   manifest)
                self.assertEqual(result.status, 0 if count else 75,
                                 result.stderr)
                self.assertEqual(len(self.imports(manifest)), count)
                self.ends_well(manifest, result)

    def test_throttled_throughout(self):
        rule = "=error:429:TooManyRequestsException,count=0"
        for operation, name, count in (
                ("*", "Throttled", 0), ("CreateImportJob", "Throttled", 0),
                ("GetSegments", "Throttled", 0),
                ("GetImportJob", "ImportTimedOut", 1)):
            with self.subTest(operation=operation):
                manifest = self.one(timeout_s=1, **SETTINGS)
                result = self.once("pinpoint." + operation + rule, manifest)
                self.assertEqual(result.manifest["error"]["name"], name)
                self.assertEqual(len(self.imports(manifest)), count)
                manifest["import"]["timeout_s"] = 60
                self.ends_well(manifest, result)

    def test_down_while_it_runs(self):
        """A look that goes wrong is no reason to leave a job."""
        manifest = self.one(**SETTINGS)
        result = self.once("pinpoint.GetImportJob=error:500:"
                           "InternalServerErrorException,count=12", manifest)
        self.assertEqual(result.status, 0, result.stderr)
        self.ends_well(manifest, result)


class Deadline(Importing):
    def test_a_job_that_outlasts_it(self):
        self.local.fault(service="pinpoint", operation="ImportJob",
                         outcome="DREAMING", delay_ms=4000)
        manifest = self.one(timeout_s=1)
        result = self.fails(manifest, "ImportTimedOut", "go on at the service")
        job = result.manifest["import"]["result"]["jobs"][0]
        self.assertIn(job["status"], ("DREAMING", "PENDING_JOB"))
        manifest["import"]["timeout_s"] = 60
        again = self.run_import(manifest)
        self.assertEqual(again.manifest["import"]["result"]["jobs"][0]["id"],
                         job["id"])
        self.assertEqual(len(self.imports(manifest)), 1)

    def test_a_job_that_failed_is_not_begun_again(self):
        self.local.fault(rule="pinpoint.ImportJob=outcome:FAILED")
        manifest = self.one()
        self.fails(manifest, "ImportFailed", "failed")
        self.fails(manifest, "ImportFailed", "failed")
        self.assertEqual(len(self.imports(manifest)), 1)


class Killed(Importing):
    """A front sends the signal while a request waits in it, before or after
    the service has had it."""

    CALLS = ("ListObjectsV2", "GetSegments", "GetImportJobs",
             "CreateImportJob", "GetImportJob", "GetSegment")

    def killed_at(self, call, is_before, number, settings):
        started = threading.Event()
        children = []
        left = [1]

        def strike(which):
            if which == call and left:
                left.pop()
                started.wait(60)
                children[0].send_signal(number)
                if number == signal.SIGKILL:
                    children[0].wait(60)

        front = self.changed(
            change=None if is_before else lambda which, _: strike(which),
            before=strike if is_before else None)
        manifest = self.one(**settings)
        pipe = self.start(manifest, AWS_ENDPOINT_URL=front.url)
        children.append(pipe.children[0])
        started.set()
        result = pipe.end()
        self.assertEqual(left, [], "it was never called")
        return manifest, result

    def test_kill_and_restart(self):
        for number in (signal.SIGKILL, signal.SIGTERM):
            for call in self.CALLS:
                for is_before in (True, False):
                    with self.subTest(call=call, before=is_before,
                                      signal=number):
                        self.check(call, is_before, number)

    def check(self, call, is_before, number):
        manifest, result = self.killed_at(call, is_before, number, SETTINGS)
        if number == signal.SIGTERM and result.status != 0:
            self.assertEqual(result.manifest["error"]["name"], "Interrupted")
            # whatever was started is told
            self.assertEqual(
                [j["id"] for j in result.manifest.get("import", {}).get(
                    "result", {}).get("jobs", [])],
                [j["Id"] for j in self.imports(manifest)])
        elif number == signal.SIGKILL:
            self.assertEqual(result.stdout, b"")
        again = self.run_import(manifest).manifest
        job = again["import"]["result"]["jobs"][0]
        self.assertEqual((job["status"], job["processed"],
                          job["segment"]["size"]), ("COMPLETED", 3, 3))
        self.assertEqual([j["Id"] for j in self.imports(manifest)],
                         [job["id"]])


if __name__ == "__main__":
    unittest.main()
