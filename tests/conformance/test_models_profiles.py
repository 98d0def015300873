"""Every request that profiles-import builds, and every answer of lakeseg-local
to it, beside botocore's model: the program works through a front that keeps what
passes. The file itself must go as S3 takes one under SSE-C."""

import base64
import hashlib
import json
import os
import subprocess
import unittest

import models
from harness import Case, Pipe, program
from profiles import DOMAIN, HEADERS, TAG, client, csv, entry, manifest, \
    people, write
from recorder import Recorder

OPERATIONS = """ListUploadJobs CreateUploadJob GetUploadJobPath StartUploadJob
GetUploadJob SearchProfiles GetSegmentDefinition CreateSegmentDefinition
DeleteSegmentDefinition CreateSegmentEstimate GetSegmentEstimate GetDomain
GetProfileObjectType PutProfileObjectType BatchPutProfileObject"""
PREFIX = "x-amz-server-side-encryption-customer-"


class Models(Case):
    options = ("--domain", DOMAIN)
    headers = (*HEADERS, TAG)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recorder = Recorder(cls.local.url)
        cls.kept = cls.recorder.kept
        try:
            cls.work()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.recorder.stop()
        super().tearDownClass()

    @classmethod
    def work(cls):
        api = client(cls.local.url)
        for n in range(120):  # a list of more than one page
            api.create_profile(DomainName=DOMAIN, AccountNumber="u%d" % n)
        for run, method, value in (("a", "upload", "a"), ("b", "upload", "b"),
                                   ("c", "objects", "c")):
            rows = people(40, more=(value,))
            rows[3] = ("caf\u00e9 & \u4e2d", *rows[3][1:])
            data = csv(rows, cls.headers)
            document = manifest(
                [entry(write(cls.local.dir, run, data), data, 40)],
                cls.headers, {
                    "method": method, "max_unknown_keys_percent": 50,
                    "segment": {"name": "gold", "value": value,
                                "previous": "overwrite"}})
            document["run"]["id"] = run
            cls.run_program(document)
        # what is refused
        document["import"]["domain"] = "nothing"
        cls.run_program(document, 69)
        job = write(cls.local.dir, "job", json.dumps({
            "lakeseg": 1, "import": {"destination": "customer-profiles",
                                     "domain": DOMAIN}}).encode())
        done = subprocess.run([program("lakeseg"), "doctor", job],
                              env=cls.environment(), capture_output=True,
                              timeout=60, check=False)
        assert done.returncode == 0, done.stdout

    @classmethod
    def environment(cls):
        return cls.local.environment(AWS_ENDPOINT_URL=cls.recorder.url)

    @classmethod
    def run_program(cls, document, want=0):
        result = Pipe([["profiles-import", "--setup"]], cls.environment(),
                      json.dumps(document).encode()).end()
        assert result.status == want, result.stderr

    def calls(self):
        return [kept for kept in self.kept
                if kept.path.startswith("/domains")]

    def test_requests(self):
        faults = [fault for kept in self.calls()
                  for fault in models.request_faults(kept)]
        self.assertEqual(sorted(set(faults)), [])

    def test_answers(self):
        faults = [fault for kept in self.calls()
                  for fault in models.answer_faults(kept)]
        self.assertEqual(sorted(set(faults)), [])

    def test_all_operations(self):
        self.assertEqual(sorted({models.what(kept).name
                                 for kept in self.calls()}),
                         sorted(OPERATIONS.split()))

    def test_the_files(self):
        puts = [kept for kept in self.kept if kept.path.startswith("/_upload")]
        self.assertEqual(len(puts), 2)
        for kept in puts:
            names = sorted(name.lower() for name, _ in kept.headers)
            self.assertEqual(names, sorted([
                "host", "user-agent", "accept", "content-length",
                PREFIX + "algorithm", PREFIX + "key", PREFIX + "key-md5"]))
            self.assertEqual((kept.method, kept.status), ("PUT", 200))
            self.assertEqual(kept.header(PREFIX + "algorithm"), "AES256")
            raw = base64.b64decode(kept.header(PREFIX + "key"), validate=True)
            self.assertEqual(len(raw), 32)
            self.assertEqual(
                kept.header(PREFIX + "key-md5"),
                base64.b64encode(hashlib.md5(raw).digest()).decode())
            with open(os.path.join(self.local.dir,
                                   "a" if kept is puts[0] else "b"),
                      "rb") as file:
                self.assertEqual(kept.body, file.read())


if __name__ == "__main__":
    unittest.main()
