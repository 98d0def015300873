"""Every fault of lakeseg-local at every operation that a job uses: the result
is right or the error is the right one, nothing is done twice, and nothing is
left behind."""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest

from harness import KEY, LONG, SECRET, Case, Local, job, program

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


class Probes(Case):
    """The calls that only look, and those that get keys, by lakeseg doctor."""

    OPERATIONS = ("sts.AssumeRole", "sts.AssumeRoleWithWebIdentity",
                  "sts.GetCallerIdentity", "athena.GetWorkGroup",
                  "s3.ListObjectsV2", "pinpoint.GetApp",
                  "sns.GetTopicAttributes")

    def setUp(self):
        super().setUp()
        self.local.admin("faults", method="DELETE")
        self.write("job", json.dumps(job("SELECT 1")))
        self.write("token", "a.jwt.token")
        self.write("credentials", "[base]\naws_access_key_id = %s\n"
                   "aws_secret_access_key = %s\n" % (KEY, SECRET))
        role = "role_arn = arn:aws:iam::123456789012:role/reader\n"
        self.write("config", "[profile AssumeRole]\n" + role +
                   "source_profile = base\n[profile WebIdentity]\n" + role +
                   "web_identity_token_file = %s\n" % self.path("token"))

    def path(self, name):
        return os.path.join(self.local.dir, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="ascii") as file:
            file.write(text)

    def doctor(self, operation, fault):
        """The exit status, and the check that failed, if one did."""
        self.local.fault(rule=operation + "=" + fault)
        done = subprocess.run(
            [program("lakeseg"), "doctor", "--format", "json",
             self.path("job")], stdin=subprocess.DEVNULL, capture_output=True,
            timeout=60, check=False, env=self.local.environment(
                AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
                AWS_CONFIG_FILE=self.path("config"),
                AWS_SHARED_CREDENTIALS_FILE=self.path("credentials"),
                AWS_PROFILE="WebIdentity" if "WebIdentity" in operation
                else "AssumeRole", AWS_MAX_ATTEMPTS="4",
                LAKESEG_RETRY_BASE_MS="1"))
        self.local.admin("faults", method="DELETE")
        failed = [check for check in json.loads(done.stdout)["checks"]
                  if check["status"] == "failed"]
        return done.returncode, failed[0] if failed else None

    def test_what_is_cured_by_a_retry(self):
        for operation in self.OPERATIONS:
            for fault in CURABLE:
                if fault.startswith("error200") and operation[:3] != "s3.":
                    continue  # only S3 does that
                with self.subTest(operation=operation, fault=fault):
                    self.assertEqual(self.doctor(operation, fault), (0, None))

    def test_answers_that_are_spoilt(self):
        for operation in self.OPERATIONS:
            for fault in SPOILT:
                with self.subTest(operation=operation, fault=fault):
                    status, failed = self.doctor(operation, fault)
                    self.assertEqual(status == 0, failed is None)
                    self.assertIn(status, (0, 69, 75, 77), failed)

    def test_what_is_refused(self):
        for operation in self.OPERATIONS:
            for fault, name in REFUSED.items():
                with self.subTest(operation=operation, fault=fault):
                    status, failed = self.doctor(operation, fault)
                    self.assertEqual((status, failed["error"]), (77, name))


class Resumed(Case):
    """The operations of an upload that goes on, or is given up."""

    def path(self, name):
        return os.path.join(self.local.dir, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def start(self):
        return subprocess.Popen(
            [program("s3-put"), self.path("in"), "--to", "s3://results/on",
             "--concurrency", "1"], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=self.local.environment(LAKESEG_RETRY_BASE_MS="1",
                                       AWS_MAX_ATTEMPTS="4"))

    def die(self, data):
        """Leaves an upload with one part, and its journal."""
        self.write("in", data)
        self.local.fault(rule="s3.UploadPart=delay:120000,count=0,skip=1")
        child = self.start()
        while [u["parts"] for u in self.local.admin("uploads")] != [1]:
            self.assertIsNone(child.poll())
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        self.local.admin("faults", method="DELETE")

    def test_faults(self):
        data = os.urandom(20 * MIB)
        for operation in ("ListParts", "AbortMultipartUpload",
                          "ListMultipartUploads"):
            for fault in Transfers.FAULTS:
                with self.subTest(operation=operation, fault=fault):
                    self.die(data)
                    want = data
                    if operation == "AbortMultipartUpload":
                        want = data[:-1]  # the old one is of no use
                        self.write("in", want)
                    elif operation == "ListMultipartUploads":
                        with open(self.path("in.upload"), "rb") as file:
                            lines = file.readlines()
                        self.write("in.upload", b"".join(
                            line for line in lines
                            if not line.startswith(b"id ")))
                    self.local.fault(rule="s3.%s=%s" % (operation, fault))
                    child = self.start()
                    said = child.communicate(timeout=60)[1].decode()
                    self.local.admin("faults", method="DELETE")
                    self.assertEqual(child.returncode, 0, said)
                    self.assertEqual(self.local.s3().get_object(
                        Bucket="results", Key="on")["Body"].read(), want)
                    self.assertFalse(os.path.exists(self.path("in.upload")))
                    self.assertEqual(self.local.admin("uploads"), [])


class Transfers(unittest.TestCase):
    """The operations of large files, and faults given on the command line."""

    FAULTS = ("error:503:SlowDown", "error:500:InternalError", "lost",
              "cut:0", "delay:30", "error200:InternalError", "short:0")

    def run_with(self, rule, status=0, attempts="4"):
        local = Local("--fault", rule)
        self.addCleanup(lambda: self.assertEqual(local.stop(), 0))
        data = os.urandom(20 * MIB)
        source = os.path.join(local.dir, "in")
        with open(source, "wb") as file:
            file.write(data)
        env = local.environment(LAKESEG_RETRY_BASE_MS="1",
                                AWS_MAX_ATTEMPTS=attempts)
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
                      "lost,count=2", "cut:3000000,count=4,skip=1"):
            with self.subTest(fault=fault):
                self.run_with("s3.GetObject=" + fault)
        # whom it hits is not ours to say: one of them may be hit often
        self.run_with("s3.GetObject=error:503:SlowDown,probability=0.5",
                      attempts="50")

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
