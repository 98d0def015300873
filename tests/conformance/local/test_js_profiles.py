"""AWS's JavaScript client as a witness of lakeseg-local's Customer Profiles:
every operation that it knows.

Takes the program's path: test_js_profiles.py PATH/lakeseg-local [test ...]
"""

import json
import os
import subprocess
import unittest

from common import Server
from javascript import MODULES, ROOT, missing

WHY_NOT = missing("@aws-sdk/client-customer-profiles")


@unittest.skipIf(WHY_NOT, WHY_NOT)
class JavaScript(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = Server()
        try:
            done = subprocess.run(
                ["node", os.path.join(ROOT, "tests", "js", "profiles.cjs"),
                 server.url], env={**os.environ, "NODE_PATH": MODULES},
                capture_output=True, timeout=120, check=False)
        finally:
            assert server.stop() == 0
        assert done.returncode == 0, done.stderr.decode()
        cls.seen = json.loads(done.stdout)

    def test_nothing_was_refused_but_what_should(self):
        refused = {name: answer for name, answer in self.seen.items()
                   if "error" in answer}
        self.assertEqual(refused, {
            "no domain": {"error": "ResourceNotFoundException", "status": 404},
            "StopUploadJob": {"error": "BadRequestException", "status": 400}})

    def test_domains(self):
        self.assertEqual(self.seen["GetDomain"]["DefaultExpirationDays"], 40)
        self.assertEqual(self.seen["ListDomains"]["Items"][0]["DomainName"],
                         "javascript")

    def test_an_upload(self):
        self.assertEqual(self.seen["put"], {"status": 200, "keyBytes": 32})
        job = self.seen["GetUploadJob"]
        self.assertEqual((job["Status"], job["ResultsSummary"]),
                         ("SUCCEEDED", {"CreatedRecords": 2,
                                        "UpdatedRecords": 0,
                                        "FailedRecords": 0}))
        self.assertEqual(job["Fields"]["Plan"]["Target"],
                         "_profile.Attributes.Plan")
        self.assertRegex(job["CreatedAt"], r"^\d{4}-\d\d-\d\dT")
        self.assertEqual(self.seen["ListUploadJobs"]["Items"][0]["JobId"],
                         job["JobId"])

    def test_profiles(self):
        found = self.seen["SearchProfiles"]["Items"][0]
        self.assertEqual((found["FirstName"], found["LastName"],
                          found["Attributes"]),
                         ("Ada", "Byron", {"Plan": "gold"}))
        self.assertEqual(self.seen["BatchGetProfile"]["Profiles"][0]
                         ["EmailAddress"], "ada@example.com")

    def test_objects(self):
        self.assertEqual(self.seen["PutProfileObject"],
                         {"ProfileObjectUniqueKey": "j3"})
        self.assertEqual(len(self.seen["ListProfileObjects"]["Items"]), 1)
        self.assertEqual(self.seen["GetProfileObjectType"]["Keys"]["_account"]
                         [0]["FieldNames"], ["UserId"])

    def test_segments(self):
        self.assertEqual(self.seen["GetSegmentEstimate"]["Status"],
                         "SUCCEEDED")
        self.assertEqual(self.seen["GetSegmentEstimate"]["Estimate"], "3")
        self.assertEqual(self.seen["GetSegmentMembership"]["Profiles"][0]
                         ["QueryResult"], "PRESENT")
        self.assertEqual(self.seen["GetSegmentSnapshot"]["Status"],
                         "COMPLETED")


if __name__ == "__main__":
    unittest.main()
