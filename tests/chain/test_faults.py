"""Every fault of lakeseg-local at every operation that a job uses: the result
is right or the error is the right one, nothing is done twice, and nothing is
left behind."""

import json
import os
import subprocess
import tempfile
import unittest

from harness import LONG, Case, Local, job, program

MIB = 1 << 20
SQL = "SELECT id AS Id, channel AS \"ChannelType\", address AS \"Address\" " \
      "FROM contacts"
OPERATIONS = ("athena.StartQueryExecution", "athena.GetQueryExecution",
              "s3.HeadObject", "s3.GetObject", "s3.PutObject",
              "pinpoint.CreateImportJob", "pinpoint.GetImportJob",
              "sns.Publish")
# all of these end well when they come once
CURABLE = ("error:503:SlowDown", "error:500:InternalError",
           "error:400:RequestTimeout", "error:429:TooManyRequestsException",
           "delay:30", "lost", "cut:0", "cut:20", "slow:20000",
           "error200:SlowDown")
# and these may be told from a right answer, or not
SPOILT = ("short:20", "short:0", "corrupt:0", "corrupt:30")
REFUSED = {"error:403:AccessDenied": "AccessDenied",
           "error:403:SignatureDoesNotMatch": "SignatureRefused"}


class Faults(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("contacts", "id,channel,address\n" + "".join(
            "e%d,EMAIL,e%d@example.com\n" % (i, i) for i in range(100)))

    def setUp(self):
        super().setUp()
        self.local.admin("faults", method="DELETE")
        self.seen = self.counts()

    def counts(self):
        return {"queries": len(self.local.admin("queries")),
                "imports": len(self.local.admin("imports/app1")),
                "messages": len(self.local.messages())}

    def run_job(self, rule):
        """What the run did, and what it left."""
        with tempfile.TemporaryDirectory() as work:
            self.local.fault(rule=rule)
            result = self.run_pipe(
                LONG, job(SQL), LAKESEG_WORK=work, LAKESEG_RETRY_BASE_MS="1",
                AWS_MAX_ATTEMPTS="4")
            self.local.admin("faults", method="DELETE")
            left = [name for _, _, names in os.walk(work) for name in names
                    if name.endswith((".part", ".journal", ".upload"))]
        self.assertEqual(left, [])
        self.assertEqual(self.local.admin("uploads"), [])
        now = self.counts()
        done = {name: now[name] - self.seen[name] for name in now}
        self.seen = now
        return result, done

    def check_good(self, result, done):
        self.assertEqual(result.status, 0, result.stderr)
        self.assertEqual(done["queries"], 1)
        self.assertEqual(done["imports"], 1)
        job_result = result.manifest["import"]["result"]["jobs"][0]
        self.assertEqual((job_result["status"], job_result["processed"]),
                         ("COMPLETED", 100))

    def test_what_is_cured_by_a_retry(self):
        for operation in OPERATIONS:
            for fault in CURABLE:
                if fault.startswith("error200") and not \
                        operation.startswith("s3.PutObject"):
                    continue  # only S3 does that, where it has no other body
                if operation == "s3.HeadObject" and "RequestTimeout" in fault:
                    continue  # it has no body that could say so
                with self.subTest(operation=operation, fault=fault):
                    result, done = self.run_job(operation + "=" + fault)
                    self.check_good(result, done)
                    if operation == "sns.Publish" and fault in (
                            "lost", "cut:0", "cut:20"):
                        # SNS cannot be asked what it has sent
                        self.assertIn(done["messages"], (1, 2))
                    else:
                        self.assertEqual(done["messages"], 1)

    def test_answers_that_are_spoilt(self):
        for operation in OPERATIONS:
            for fault in SPOILT:
                with self.subTest(operation=operation, fault=fault):
                    result, done = self.run_job(operation + "=" + fault)
                    self.assertLessEqual(done["queries"], 1)
                    self.assertLessEqual(done["imports"], 1)
                    if result.status == 0:
                        self.check_good(result, done)
                    else:
                        error = result.manifest.get("error") or \
                            result.manifest["notify"]["error"]
                        self.assertIn(error["name"],
                                      ("ServiceUnavailable", "DataInvalid",
                                       "ServiceRefused", "ImportFailed",
                                       "QueryFailed"), result.stderr)
                    if operation.startswith("s3.GetObject"):
                        self.assertEqual(result.status, 0, result.stderr)

    def test_what_is_refused(self):
        for operation in OPERATIONS[:-1]:
            for fault, name in REFUSED.items():
                with self.subTest(operation=operation, fault=fault):
                    result, done = self.run_job(operation + "=" + fault)
                    if operation == "s3.HeadObject" and result.status == 0:
                        continue  # one of those that only look
                    self.assertNotEqual(result.status, 0)
                    error = result.manifest["error"]["name"]
                    if operation == "s3.HeadObject":
                        name = "AccessDenied"  # it has no body to say more
                    self.assertEqual(error, name, result.stderr)
                    self.assertEqual(done["messages"], 1)


class Transfers(unittest.TestCase):
    """The operations of large files, and faults given on the command line."""

    FAULTS = ("error:503:SlowDown", "error:500:InternalError", "lost",
              "cut:0", "delay:30", "error200:InternalError", "short:0")

    def run_with(self, rule, status=0):
        local = Local("--fault", rule)
        self.addCleanup(lambda: self.assertEqual(local.stop(), 0))
        data = os.urandom(20 * MIB)
        source = os.path.join(local.dir, "in")
        with open(source, "wb") as file:
            file.write(data)
        env = local.environment(LAKESEG_RETRY_BASE_MS="1",
                                AWS_MAX_ATTEMPTS="4")
        for words in (["s3-put", source, "--to", "s3://results/big"],
                      ["s3-fetch", "s3://results/big", "--output",
                       source + ".back"]):
            done = subprocess.run([program(words[0]), *words[1:]], env=env,
                                  stdin=subprocess.DEVNULL,
                                  capture_output=True, check=False)
            if done.returncode != 0:
                break
        self.assertEqual(done.returncode, status, done.stderr.decode())
        if status == 0:
            with open(source + ".back", "rb") as file:
                self.assertEqual(file.read(), data)
        self.assertEqual(
            [name for name in os.listdir(local.dir)
             if name.endswith((".part", ".journal", ".upload"))], [])
        self.assertEqual(local.admin("uploads"), [])
        return json.loads(done.stdout)

    def test_uploads(self):
        for operation in ("CreateMultipartUpload", "UploadPart",
                          "CompleteMultipartUpload"):
            for fault in self.FAULTS:
                if operation == "UploadPart" and \
                        fault.startswith(("error200", "short")):
                    continue  # its answer has no body
                with self.subTest(operation=operation, fault=fault):
                    self.run_with("s3.%s=%s,count=1" % (operation, fault))

    def test_downloads(self):
        for fault in ("cut:100000,count=3", "short:100000,count=3",
                      "corrupt:5000000,count=1", "slow:90000000,count=2",
                      "error:503:SlowDown,probability=0.5", "lost,count=2",
                      "cut:3000000,count=4,skip=1"):
            with self.subTest(fault=fault):
                self.run_with("s3.GetObject=" + fault)

    def test_what_does_not_pass(self):
        for rule, status, name in (
                ("s3.GetObject=corrupt:5000000,count=99", 65, "DataInvalid"),
                ("s3.GetObject=cut:0,count=99", 75, "ServiceUnavailable"),
                ("s3.UploadPart=error:503:SlowDown,count=99", 75,
                 "Throttled"),
                ("s3.UploadPart=error:403:AccessDenied,count=9", 77,
                 "AccessDenied"),
                ("s3.CompleteMultipartUpload=error200:InvalidPart,count=9", 69,
                 "ServiceRefused")):
            with self.subTest(rule=rule):
                manifest = self.run_with(rule, status)
                self.assertEqual(manifest["error"]["name"], name)

    def test_rules_that_make_no_sense(self):
        for rule, word in (("nonsense", "SERVICE.OPERATION"),
                           ("s3.GetObject=explode", "no fault"),
                           ("s3.GetObject=lost:5", "takes no value"),
                           ("s3.GetObject=cut:x", "number"),
                           ("s3.GetObject=cut:1,count", "count=N")):
            with self.subTest(rule=rule):
                done = subprocess.run(
                    [program("lakeseg-local"), "--fault", rule],
                    stdin=subprocess.DEVNULL, capture_output=True, timeout=20,
                    check=False)
                self.assertEqual(done.returncode, 64)
                self.assertIn(word, done.stderr.decode())


if __name__ == "__main__":
    unittest.main()
