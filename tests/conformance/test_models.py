"""Every request that our clients build, and every answer of lakeseg-local, beside
botocore's service models: the programs do their work through a front that keeps
what passes."""

import copy
import json
import os
import subprocess
import sys
import unittest

import models
from harness import KEY, LONG, ROLE, SECRET, SHORT, Case, Local, Pipe, job, \
    program
from recorder import Exchange, Recorder

DRIVER = None  # the program
SQL = ('SELECT id AS Id, \'EMAIL\' AS "ChannelType", address AS "Address" '
       "FROM contacts")
OPERATIONS = {
    "athena": "StartQueryExecution GetQueryExecution StopQueryExecution "
              "GetQueryResults GetWorkGroup",
    "s3": "GetObject HeadObject PutObject CreateMultipartUpload UploadPart "
          "CompleteMultipartUpload AbortMultipartUpload ListParts "
          "ListObjectsV2",
    "pinpoint": "CreateImportJob GetImportJob GetImportJobs GetApp "
                "GetSegment GetSegments",
    "sns": "Publish GetTopicAttributes",
    "sts": "GetCallerIdentity AssumeRole AssumeRoleWithWebIdentity"}


class Models(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.local.table("contacts", "id,address\n" + "".join(
            "e%d,a%d@example.com\n" % (n, n) for n in range(200)))
        cls.recorder = Recorder(cls.local.url)
        cls.kept = cls.recorder.kept
        try:
            cls.main_job()
            cls.files()
            cls.roles()
            cls.refusals()
            cls.stopped_query()
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.recorder.stop()
        super().tearDownClass()

    @classmethod
    def environment(cls, **changes):
        return cls.local.environment(AWS_ENDPOINT_URL=cls.recorder.url,
                                     **changes)

    @classmethod
    def run_program(cls, words, want=0, **changes):
        done = subprocess.run(words, env=cls.environment(**changes),
                              stdin=subprocess.DEVNULL, timeout=120,
                              capture_output=True, check=False)
        assert done.returncode == want, (words, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout[:1] == b"{" else None

    @classmethod
    def file(cls, name, data):
        path = os.path.join(cls.local.dir, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    @classmethod
    def pipe(cls, programs, document, want=0, **changes):
        result = Pipe(programs, cls.environment(**changes),
                      json.dumps(document).encode()).end()
        assert result.status == want, result.stderr

    @classmethod
    def main_job(cls):
        cls.pipe(LONG, job(SQL, import_={
            "define_segment": True, "segment_name": "caf\u00e9 & co"}))
        cls.local.admin("workgroups", {"Name": "guarded", "Configuration": {
            "BytesScannedCutoffPerQuery": 1 << 40}})
        cls.pipe(SHORT, job(SQL, query={
            "workgroup": "guarded", "catalog": "AwsDataCatalog",
            "max_scanned_bytes": 1 << 40}))
        cls.pipe(["athena-exec"], job(
            SQL + " WHERE id <> ? AND 1 > ?", query={
                "parameters": ["it's", -1], "encryption": "SSE_KMS",
                "kms_key": "alias/k", "bucket_owner": "123456789012",
                "reuse_minutes": 60, "explain": True}))
        cls.pipe(["athena-exec"], job("SELECT * FROM contacts"))
        cls.run_program([program("lakeseg"), "doctor",
                         cls.file("job.json", json.dumps(job(SQL)).encode())])

    @classmethod
    def files(cls):
        big = cls.file("big", os.urandom(1 << 20) * 20)
        cls.run_program([
            program("s3-put"), "--to", "s3://results/a b+\u00e9/big",
            "--encryption", "AES256", "--storage-class", "STANDARD_IA",
            "--tags", "a=b&c=d%20e", "--metadata", "mine=1,other=x y", big])
        cls.run_program([program("s3-fetch"), "--output", big + "2",
                         "s3://results/a b+\u00e9/big"])
        driver = [DRIVER]
        small = cls.file("small", b"bytes")
        cls.run_program(driver + ["put", "results", "small", small,
                                  "--if-none-match"])
        cls.run_program(driver + ["get", "results", "small", big + "2",
                                  "--range", "1-3"])
        cls.run_program(driver + ["list", "results", "a b"])
        upload = cls.run_program(driver + ["create", "results", "k"])
        rest = ["results", "k", upload["upload_id"]]
        cls.run_program(driver + ["part", *rest, "1", small])
        cls.run_program(driver + ["list-parts", *rest])
        cls.run_program(driver + ["abort", *rest])

    @classmethod
    def roles(cls):
        config = cls.file("config", (
            "[profile p]\nrole_arn = %s\nsource_profile = base\n"
            "external_id = an id\nduration_seconds = 900\n"
            "[profile base]\naws_access_key_id = %s\n"
            "aws_secret_access_key = %s\n" % (ROLE, KEY, SECRET)).encode())
        none = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
        cls.run_program([DRIVER, "list", "results", ""],
                        AWS_CONFIG_FILE=config, AWS_PROFILE="p", **none)
        token = cls.file("token", b"a.web+token/=\n")
        cls.run_program([DRIVER, "list", "results", ""], AWS_ROLE_ARN=ROLE,
                        AWS_WEB_IDENTITY_TOKEN_FILE=token, **none)

    @classmethod
    def refusals(cls):
        cls.run_program([DRIVER, "head", "results", "nothing"], 69)
        cls.run_program([DRIVER, "list", "nothing", ""], 69)
        cls.run_program([DRIVER, "put", "results", "small",
                         cls.file("other", b"other"), "--if-none-match"], 69)
        cls.pipe(["athena-exec"], job("SELECT nothing FROM contacts"), 65)
        wrong = {"AWS_SECRET_ACCESS_KEY": SECRET[:-1]}
        nothing = job(SQL, import_={"application_id": "nothing"},
                      notify={"topic_arn": "arn:aws:sns:us-east-1:"
                                           "123456789012:nothing"})
        path = cls.file("job.json", json.dumps(nothing).encode())
        for changes, want in (({}, 69), (wrong, 77)):
            cls.run_program([program("lakeseg"), "doctor", path], want,
                            **changes)

    @classmethod
    def stopped_query(cls):
        slow = Local("--query-delay-ms", "3000")
        recorder = Recorder(slow.url)
        try:
            slow.table("contacts", "id,address\n1,a@example.com\n")
            result = Pipe(["athena-exec"], slow.environment(
                AWS_ENDPOINT_URL=recorder.url), json.dumps(job(
                    SQL, query={"timeout_s": 1})).encode()).end()
            assert result.status == 69, result.stderr
        finally:
            recorder.stop()
            slow.stop()
        cls.kept.extend(recorder.kept)

    def test_requests(self):
        faults = [fault for kept in self.kept
                  for fault in models.request_faults(kept)]
        self.assertEqual(sorted(set(faults)), [])

    def test_answers(self):
        faults = [fault for kept in self.kept
                  for fault in models.answer_faults(kept)]
        self.assertEqual(sorted(set(faults)), [])

    def test_all_operations(self):
        seen = {}
        for kept in self.kept:
            operation = models.what(kept)
            seen.setdefault(operation.service_model.service_name,
                            set()).add(operation.name)
        self.assertEqual({name: sorted(found) for name, found in seen.items()},
                         {name: sorted(known.split())
                          for name, known in OPERATIONS.items()})


def signed(service):
    return [("authorization", "AWS4-HMAC-SHA256 Credential=AK/20261124/us-east"
             "-1/%s/aws4_request, SignedHeaders=host, Signature=0" % service)]


def athena(body, **headers):
    return Exchange("POST", "/", signed("athena") + [
        ("x-amz-target", "AmazonAthena." + headers.get("name",
                                                       "StopQueryExecution")),
        ("content-type", headers.get("type", "application/x-amz-json-1.1"))],
        body)


def publish(body):
    return Exchange("POST", "/", signed("sns") + [
        ("content-type", "application/x-www-form-urlencoded")],
        b"Action=Publish&Version=2010-03-31&" + body)


def s3(method, target, body=b"", **headers):
    return Exchange(method, target, signed("s3") +
                    [(n.replace("_", "-"), v) for n, v in headers.items()],
                    body)


def pinpoint(body):
    return Exchange("POST", "/v1/apps/a/jobs/import",
                    signed("mobiletargeting") +
                    [("content-type", "application/json")], body)


COMPLETE = (b'<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/'
            b'2006-03-01/">%s</CompleteMultipartUpload>')
GOOD = [
    athena(b'{"QueryExecutionId":"abc"}'),
    publish(b"Message=m&TopicArn=t&MessageAttributes.entry.1.Name=n&Message"
            b"Attributes.entry.1.Value.DataType=String&MessageAttributes."
            b"entry.1.Value.StringValue=v"),
    s3("GET", "/b/k%20k", range="bytes=0-1", x_amz_checksum_mode="ENABLED"),
    s3("PUT", "/b/k?partNumber=1&uploadId=u", b"x"),
    s3("POST", "/b/k?uploadId=u", COMPLETE %
       b"<Part><PartNumber>1</PartNumber><ETag>e</ETag></Part>"
       b"<Part><PartNumber>2</PartNumber><ETag>e</ETag></Part>"),
    pinpoint(b'{"Format":"CSV","RoleArn":"r","S3Url":"s"}'),
]
WRONG = [  # a request, and a part of the fault
    (athena(b'{"QueryExecutionID":"abc"}'), "no member 'QueryExecutionID'"),
    (athena(b'{}', name="GetQueryExecution"), "'QueryExecutionId' is missing"),
    (athena(b'{"QueryExecutionId":7}'), "7 is no string"),
    (athena(b'{"QueryExecutionId":"a","QueryExecutionId":"b"}'), "twice"),
    (athena(b'{"QueryExecutionId":"a"}', type="application/json"),
     "content-type"),
    (athena(b'{"QueryExecutionId":"a"}', name="StopQuery"), "of no operation"),
    (athena(b'{"QueryString":"","ClientRequestToken":"short"}',
            name="StartQueryExecution"), "out of bounds"),
    (athena(b'not JSON'), "cannot be read"),
    (publish(b"TopicArn=t"), "'Message' is missing"),
    (publish(b"Message=m&Topic=t"), "no parameter 'Topic'"),
    (publish(b"Message=m&MessageAttributes.entry.1.Name=n&MessageAttributes."
             b"entry.1.Value.StringValue=v"), "'DataType' is missing"),
    (publish(b"Message=m&MessageAttributes.member.1.Name=n"), "no parameter"),
    (Exchange("POST", "/", signed("sns") + [
        ("content-type", "application/x-www-form-urlencoded")],
        b"Action=Publish&Version=2010-03-30&Message=m"), "Version is wrong"),
    (s3("GET", "/b/k?part=1"), "no parameter 'part'"),
    (s3("GET", "/b/k", x_amz_checksum="ENABLED"), "no header"),
    (s3("GET", "/b/k", x_amz_checksum_mode="YES"), "is none of"),
    (s3("GET", "/b/k k"), "is not encoded"),
    (s3("PUT", "/b/k?partNumber=one&uploadId=u", b"x"), "is no number"),
    (s3("GET", "/b/k", b"body"), "there must be none"),
    (s3("POST", "/b/k?uploadId=u", COMPLETE %
        b"<Part><Number>1</Number></Part>"), "no element 'Number'"),
    (s3("POST", "/b/k?uploadId=u", b"<CompleteMultipartUpload/>"),
     "the root is"),
    (s3("POST", "/b/k?uploadId=u", b"<Complete"), "cannot be read"),
    (s3("PATCH", "/b/k"), "of no operation"),
    (pinpoint(b'{"RoleArn":"r","S3Url":"s"}'), "'Format' is missing"),
    (pinpoint(b'{"Format":"XML","RoleArn":"r","S3Url":"s"}'), "is none of"),
]


class Checker(unittest.TestCase):
    def test_good_requests(self):
        for request in GOOD:
            self.assertEqual(models.request_faults(request), [], str(request))

    def test_wrong_requests(self):
        for request, part in WRONG:
            faults = models.request_faults(request)
            self.assertTrue(any(part in fault for fault in faults),
                            (str(request), request.body, part, faults))

    def answer(self, request, body, status=200, headers=()):
        request = copy.copy(request)
        request.status, request.answer_body = status, body
        request.answer_headers = list(headers)
        return models.answer_faults(request)

    def test_answers(self):
        app = Exchange("GET", "/v1/apps/a", signed("mobiletargeting"), b"")
        good = b'{"Arn":"a","Id":"i","Name":"n"}'
        self.assertEqual(self.answer(app, good), [])
        for body, part in ((b'{"Arn":"a","Id":"i"}', "'Name' is missing"),
                           (good[:-1] + b',"X":1}', "no member 'X'"),
                           (good[:-1], "cannot be read")):
            self.assertTrue(any(part in f for f in self.answer(app, body)),
                            part)
        part = s3("GET", "/b?list-type=2")
        self.assertEqual(self.answer(
            part, b"<ListBucketResult><Name>b</Name></ListBucketResult>"), [])
        self.assertTrue(self.answer(
            part, b"<ListBucketResult><Nam>b</Nam></ListBucketResult>"))
        self.assertTrue(self.answer(part, b"<ListBucketResult>"))
        self.assertTrue(self.answer(part, b"<Error/>", 403))


if __name__ == "__main__":
    DRIVER = sys.argv.pop(1)
    unittest.main()
