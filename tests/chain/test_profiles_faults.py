"""Every fault of lakeseg-local at every operation of profiles-import, and a
death of the program in each of its steps: never two imports, never a lost
one."""

import json
import signal
import tempfile
import time
import unittest

from harness import Case, Pipe
from profiles import DOMAIN, HEADERS, TAG, client, csv, entry, manifest, \
    people, put, write

PROGRAM = "profiles-import"
ROWS = 25
KNOWN = (0, 8, 16)  # the rows of a sample of three
UPLOADS = ("profiles.ListUploadJobs", "profiles.SearchProfiles",
           "profiles.CreateUploadJob", "profiles.GetUploadJobPath",
           "upload.PutObject", "profiles.StartUploadJob",
           "profiles.GetUploadJob", "profiles.GetSegmentDefinition",
           "profiles.CreateSegmentDefinition",
           "profiles.CreateSegmentEstimate", "profiles.GetSegmentEstimate")
OBJECTS = ("profiles.GetProfileObjectType", "profiles.PutProfileObjectType",
           "profiles.SearchProfiles", "profiles.BatchPutProfileObject")
CURABLE = ("error:503:SlowDown", "error:500:InternalServerException",
           "error:429:ThrottlingException", "error:400:RequestTimeout",
           "delay:30", "lost", "cut:0", "cut:20", "slow:20000")
SPOILT = ("short:20", "short:0", "corrupt:0", "corrupt:30", "truncate:10")
REFUSED = {"error:403:AccessDeniedException": "AccessDenied",
           "error:403:SignatureDoesNotMatch": "SignatureRefused",
           "error:400:BadRequestException": "ServiceRefused"}
# an estimate that cannot be had is a warning
HARMLESS = ("profiles.CreateSegmentEstimate", "profiles.GetSegmentEstimate")


class FaultsCase(Case):
    options = ("--domain", DOMAIN)
    number = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        FaultsCase.number = 0
        cls.api = client(cls.local.url)

    def setUp(self):
        super().setUp()
        self.local.admin("faults", method="DELETE")

    def make(self, method="upload"):
        """A run of its own, in a domain of its own that knows the people of the
        sample."""
        if FaultsCase.number > 0:  # a service has 100 domains at most
            self.api.delete_domain(DomainName="d%d" % FaultsCase.number)
        FaultsCase.number += 1
        self.domain = "d%d" % FaultsCase.number
        self.api.create_domain(DomainName=self.domain,
                               DefaultExpirationDays=100)
        for n in KNOWN:
            self.api.create_profile(DomainName=self.domain,
                                    AccountNumber="u%d" % n)
        headers = (*HEADERS, TAG)
        data = csv(people(ROWS, more=("1",)), headers)
        path = write(self.local.dir, self.domain + ".csv", data)
        document = manifest([entry(path, data, ROWS)], headers, {
            "domain": self.domain, "method": method, "sample_keys": 3,
            "max_unknown_keys_percent": 0, "segment": {"name": "gold"},
            "objects_per_second": 10000})
        document["run"]["id"] = "run-" + self.domain
        return document

    def run_one(self, document, **environment):
        environment.setdefault("AWS_MAX_ATTEMPTS", "4")
        result = self.run_pipe([[PROGRAM, "--setup"]], document,
                               LAKESEG_RETRY_BASE_MS="1",
                               LAKESEG_POLL_INTERVAL_MS="20", **environment)
        self.assertEqual([rule for rule in self.local.admin("faults")
                          if rule["count"] > 0], [], "was not met")
        return result

    def started(self):
        return [job for job in
                self.local.admin("upload-jobs/" + self.domain)
                if job["Status"] != "CREATED"]

    def check_good(self, result, method="upload"):
        self.assertEqual(result.status, 0, result.stderr)
        job = result.manifest["import"]["result"]["jobs"][0]
        self.assertEqual((job["processed"], job["failed"]), (ROWS, 0))
        if method == "upload":
            self.assertEqual((job["created"], job["updated"]),
                             (ROWS - len(KNOWN), len(KNOWN)))
            self.assertEqual(len(self.started()), 1)
        stored = self.local.admin("profiles/" + self.domain)
        self.assertEqual(len(stored), ROWS)
        self.assertTrue(all(p["Attributes"]["Plan"] == "gold"
                            for p in stored))
        segments = self.api.list_segment_definitions(
            DomainName=self.domain)["Items"]
        self.assertEqual(len(segments), 1)


class Faults(FaultsCase):
    def each(self, faults):
        for method, operations in (("upload", UPLOADS), ("objects", OBJECTS)):
            for operation in operations:
                for fault in faults:
                    with self.subTest(operation=operation, fault=fault):
                        self.local.admin("faults", method="DELETE")
                        document = self.make(method)
                        self.local.fault(rule=operation + "=" + fault)
                        yield method, operation, fault, document

    def test_what_is_cured_by_a_retry(self):
        for method, _, _, document in self.each(CURABLE):
            self.check_good(self.run_one(document), method)

    def test_answers_that_are_spoilt(self):
        for method, operation, _, document in self.each(SPOILT):
            result = self.run_one(document)
            self.assertLessEqual(len(self.started()), 1)
            if result.status != 0:
                self.assertIn(result.manifest["error"]["name"],
                              ("ServiceUnavailable", "DataInvalid",
                               "ServiceRefused", "ConfigInvalid"),
                              result.stderr)
                self.local.admin("faults", method="DELETE")
                if result.manifest["error"]["name"] == "ServiceRefused" and \
                        operation == "profiles.CreateUploadJob":
                    continue
                result = self.run_one(document)
            self.check_good(result, method)

    def test_what_is_refused(self):
        for method, operation, fault, document in self.each(REFUSED):
            result = self.run_one(document)
            if operation in HARMLESS or result.status == 0:
                # a URL that is refused once is asked for again
                self.assertIn(operation, (*HARMLESS, "upload.PutObject",
                                          "profiles.StartUploadJob",
                                          "profiles.CreateSegmentDefinition"))
                self.assertEqual(result.status, 0, result.stderr)
                continue
            self.assertEqual(result.manifest["error"]["name"], REFUSED[fault],
                             result.stderr)
            self.local.admin("faults", method="DELETE")
            self.check_good(self.run_one(document), method)

    def test_throttled_throughout(self):
        for method in ("upload", "objects"):
            document = self.make(method)
            self.local.fault(rule="profiles.*=error:429:ThrottlingException,"
                                  "probability=0.4")
            for _ in range(40):
                result = self.run_one(document, AWS_MAX_ATTEMPTS="6")
                if result.status == 0:
                    break
                self.assertEqual(result.manifest["error"]["name"],
                                 "Throttled", result.stderr)
            self.local.admin("faults", method="DELETE")
            self.check_good(self.run_one(document), method)
            self.assertLessEqual(len(self.started()), 1)


class Deaths(FaultsCase):
    """The program is stopped while it waits for each of its calls."""

    def die(self, method, operation, how):
        document = self.make(method)
        self.local.fault(rule=operation + "=delay:400")
        with tempfile.TemporaryDirectory() as work:
            env = self.local.environment(
                LAKESEG_WORK=work, LAKESEG_RETRY_BASE_MS="1",
                LAKESEG_POLL_INTERVAL_MS="20")
            pipe = Pipe([[PROGRAM, "--setup"]], env,
                        json.dumps(document).encode())
            deadline = time.monotonic() + 30
            while self.is_waiting():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.01)
            pipe.children[0].send_signal(how)
            result = pipe.end()
            if how == signal.SIGTERM and result.status != 0:
                self.assertEqual(result.manifest["error"]["name"],
                                 "Interrupted", result.stderr)
                self.assertEqual(result.status, 75)
            elif how == signal.SIGKILL:
                self.assertEqual(result.status, -9)
            time.sleep(0.5)  # what it had asked for is done now
            self.local.admin("faults", method="DELETE")
            self.check_good(self.run_one(document, LAKESEG_WORK=work), method)

    def is_waiting(self):
        """Until the call came that takes the fault."""
        return any(rule["count"] > 0 for rule in self.local.admin("faults"))

    def test_in_each_step_of_an_upload(self):
        for how in (signal.SIGKILL, signal.SIGTERM):
            for operation in UPLOADS:
                with self.subTest(operation=operation, how=how):
                    self.die("upload", operation, how)

    def test_in_each_step_of_objects(self):
        for how in (signal.SIGKILL, signal.SIGTERM):
            for operation in OBJECTS:
                with self.subTest(operation=operation, how=how):
                    self.die("objects", operation, how)

    def test_while_the_job_runs(self):
        """SIGTERM leaves the job to the service."""
        document = self.make()
        self.local.fault(rule="profiles.UploadJob=outcome:NEVER")
        env = self.local.environment()
        pipe = Pipe([PROGRAM], env, json.dumps(document).encode())
        deadline = time.monotonic() + 30
        while not self.started():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        time.sleep(0.2)
        pipe.children[0].send_signal(signal.SIGTERM)
        result = pipe.end()
        self.assertEqual(result.manifest["error"]["name"], "Interrupted",
                         result.stderr)
        self.assertIn("goes on at the service",
                      result.manifest["error"]["message"])
        self.assertEqual(len(result.manifest["import"]["result"]["jobs"]), 1)

    def test_another_was_quicker(self):
        """It starts the run's job while we send our file."""
        document = self.make()
        self.local.fault(rule="upload.PutObject=delay:1500")
        pipe = Pipe([PROGRAM], self.local.environment(
            LAKESEG_POLL_INTERVAL_MS="20"), json.dumps(document).encode())
        deadline = time.monotonic() + 30
        while self.is_waiting():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        mine = self.local.admin("upload-jobs/" + self.domain)[0]
        other = self.api.create_upload_job(
            DomainName=self.domain, DisplayName=mine["DisplayName"],
            Fields=mine["Fields"], UniqueKey=mine["UniqueKey"])["JobId"]
        place = self.api.get_upload_job_path(DomainName=self.domain,
                                             JobId=other)
        with open(document["data"][0]["uri"], "rb") as file:
            self.assertEqual(put(place["Url"], place["ClientToken"],
                                 file.read()), 200)
        self.api.start_upload_job(DomainName=self.domain, JobId=other)
        result = pipe.end()
        self.check_good(result)
        self.assertEqual(
            result.manifest["import"]["result"]["jobs"][0]["id"], other)

    def test_two_at_once(self):
        """As when an orchestrator takes a slow one for dead."""
        document = self.make()
        self.local.fault(rule="profiles.CreateUploadJob=delay:200,count=2")
        env = self.local.environment(LAKESEG_POLL_INTERVAL_MS="20")
        pipes = [Pipe([PROGRAM], env, json.dumps(document).encode())
                 for _ in range(2)]
        for pipe in pipes:
            self.check_good(pipe.end())


if __name__ == "__main__":
    unittest.main()
