"""Every kind of fault, as a client on the other side of the socket sees it.

Takes the program's path: test_faults.py PATH/lakeseg-local [test ...]
"""

import subprocess
import time
import unittest
import urllib.error

from botocore.exceptions import (ClientError, ConnectionClosedError,
                                 EndpointConnectionError,
                                 IncompleteReadError, ResponseStreamingError)
from common import BINARY, Case, Server

BODY = bytes(range(256)) * 400
NO_ANSWER = (ConnectionClosedError, EndpointConnectionError)
NO_BODY = (IncompleteReadError, ResponseStreamingError)


class Kinds(Case):
    def setUp(self):
        self.server.admin("faults", method="DELETE")
        self.s3.put_object(Bucket="results", Key="k", Body=BODY)

    def rule(self, text):
        self.server.admin("faults", {"rule": text})

    def get(self, **arguments):
        return self.s3.get_object(Bucket="results", Key="k",
                                  ChecksumMode="ENABLED",
                                  **arguments)["Body"].read()

    def test_error(self):
        self.rule("s3.GetObject=error:503:SlowDown;s3.HeadObject=error:500")
        self.refused(503, "SlowDown", self.get)
        self.assertEqual(self.get(), BODY)
        self.refused(500, "500", self.s3.head_object, Bucket="results",
                     Key="k")

    def test_error_inside_200(self):
        self.rule("s3.CompleteMultipartUpload=error200:InternalError")
        upload = self.s3.create_multipart_upload(
            Bucket="results", Key="m")["UploadId"]
        etag = self.s3.upload_part(
            Bucket="results", Key="m", UploadId=upload, PartNumber=1,
            Body=b"x")["ETag"]
        parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
        seen = []
        self.s3.meta.events.register(
            "before-parse.s3.CompleteMultipartUpload",
            lambda response_dict, **_: seen.append(
                (response_dict["status_code"], response_dict["body"])))
        # botocore makes a 500 of it before it is parsed
        self.refused(500, "InternalError", self.s3.complete_multipart_upload,
                     Bucket="results", Key="m", UploadId=upload,
                     MultipartUpload=parts)
        self.assertIn(b"<Error><Code>InternalError</Code>", seen[0][1])
        self.s3.complete_multipart_upload(
            Bucket="results", Key="m", UploadId=upload, MultipartUpload=parts)

    def test_delay(self):
        self.rule("s3.GetObject=delay:300")
        began = time.monotonic()
        self.assertEqual(self.get(), BODY)
        self.assertGreaterEqual(time.monotonic() - began, 0.3)

    def test_cut(self):
        for at in (1, 1000, len(BODY) - 1):
            self.rule("s3.GetObject=cut:%d" % at)
            answer = self.s3.get_object(Bucket="results", Key="k")
            self.assertEqual(answer["ContentLength"], len(BODY))
            with self.assertRaises(NO_BODY):
                answer["Body"].read()
        self.assertEqual(self.get(), BODY)

    def test_cut_before_anything(self):
        self.rule("s3.PutObject=cut:0")
        with self.assertRaises(NO_ANSWER):
            self.s3.put_object(Bucket="results", Key="cut", Body=b"x")
        self.refused(404, "404", self.s3.head_object, Bucket="results",
                     Key="cut")

    def test_lost(self):
        self.rule("s3.PutObject=lost;athena.StartQueryExecution=lost;"
                  "sns.Publish=lost")
        with self.assertRaises(NO_ANSWER):
            self.s3.put_object(Bucket="results", Key="lost", Body=b"xyz")
        self.assertEqual(self.s3.head_object(
            Bucket="results", Key="lost")["ContentLength"], 3)
        before = len(self.server.admin("queries"))
        with self.assertRaises(NO_ANSWER):
            self.athena.start_query_execution(
                QueryString="SELECT 1", ClientRequestToken="t" * 32,
                ResultConfiguration={"OutputLocation": "s3://results/"})
        self.assertEqual(len(self.server.admin("queries")), before + 1)
        before = len(self.server.admin("messages"))
        with self.assertRaises(NO_ANSWER):
            self.sns.publish(Message="x", TopicArn="arn:aws:sns:us-east-1:"
                             "123456789012:outcome")
        self.assertEqual(len(self.server.admin("messages")), before + 1)

    def test_truncate(self):
        for at in (0, 1000, len(BODY) - 1):
            self.rule("s3.GetObject=truncate:%d" % at)
            answer = self.s3.get_object(Bucket="results", Key="k")
            self.assertEqual(answer["ContentLength"], len(BODY))
            with self.assertRaises(NO_BODY):
                answer["Body"].read()

    def test_short(self):
        self.rule("s3.GetObject=short:1000;s3.GetObject=short")
        answer = self.s3.get_object(Bucket="results", Key="k",
                                    Range="bytes=0-")
        self.assertEqual(answer["ContentLength"], 1000)
        self.assertEqual(answer["Body"].read(), BODY[:1000])
        answer = self.s3.get_object(Bucket="results", Key="k",
                                    Range="bytes=100-299")
        self.assertEqual(answer["ContentRange"],
                         "bytes 100-299/%d" % len(BODY))
        self.assertEqual(answer["Body"].read(), BODY[100:200])

    def test_corrupt(self):
        for at in (0, 70000, len(BODY) - 1):
            self.rule("s3.GetObject=corrupt:%d" % at)
            got = self.s3.get_object(Bucket="results", Key="k",
                                     Range="bytes=0-")["Body"].read()
            self.assertEqual(len(got), len(BODY))
            self.assertEqual([i for i in range(len(BODY))
                              if got[i] != BODY[i]], [at])
            self.assertEqual(bin(got[at] ^ BODY[at]).count("1"), 1)

    def test_slow(self):
        self.rule("s3.GetObject=slow:%d" % (2 * len(BODY)))
        began = time.monotonic()
        self.assertEqual(self.get(), BODY)
        self.assertGreaterEqual(time.monotonic() - began, 0.45)

    def test_broken_documents(self):
        """Bodies that are no files break as well."""
        seen = []
        self.pinpoint.meta.events.register(
            "before-parse.pinpoint.GetApp",
            lambda response_dict, **_: seen.append(response_dict["body"]))
        self.pinpoint.get_app(ApplicationId="app1")
        self.rule("s3.ListObjectsV2=truncate;pinpoint.GetApp=corrupt:2;"
                  "pinpoint.GetApp=short:10")
        with self.assertRaises((*NO_BODY, *NO_ANSWER, ClientError)):
            self.s3.list_objects_v2(Bucket="results")
        for _ in range(2):
            try:
                self.pinpoint.get_app(ApplicationId="app1")
            except ValueError:
                pass  # botocore may find no JSON in it
        good, corrupt, short = seen
        self.assertEqual([(a, b) for a, b in zip(good, corrupt) if a != b],
                         [(good[2], good[2] ^ 1)])
        self.assertEqual(short, good[:10])
        self.s3.list_objects_v2(Bucket="results")

    def test_answers_without_a_body(self):
        self.rule("s3.HeadObject=cut:5;s3.PutObject=truncate")
        self.s3.head_object(Bucket="results", Key="k")
        self.s3.put_object(Bucket="results", Key="k", Body=BODY)


class Bounds(Case):
    def setUp(self):
        self.server.admin("faults", method="DELETE")

    def outcomes(self, count):
        found = ""
        for _ in range(count):
            try:
                self.s3.list_buckets()
                found += "."
            except ClientError:
                found += "x"
        return found

    def test_count_and_skip(self):
        for bounds, expected in (("", "x....."), (",count=2", "xx...."),
                                 (",skip=2", "..x..."),
                                 (",count=2,skip=1", ".xx..."),
                                 (",count=0", "xxxxxx"),
                                 (",skip=4,count=0", "....xx")):
            with self.subTest(bounds=bounds):
                self.server.admin("faults", method="DELETE")
                self.server.admin("faults", {
                    "rule": "s3.*=error:503:SlowDown" + bounds})
                self.assertEqual(self.outcomes(6), expected)

    def test_probability(self):
        self.server.admin("faults", {
            "service": "s3", "status": 503, "probability": 0.3})
        found = self.outcomes(100).count("x")
        self.assertTrue(15 <= found <= 45, found)
        self.server.admin("faults", method="DELETE")
        self.server.admin("faults", {
            "rule": "s3.*=error:503,probability=0.5,count=3"})
        self.assertEqual(self.outcomes(100).count("x"), 3)

    def test_fields(self):
        self.server.admin("faults", {
            "service": "s3", "operation": "ListBuckets", "kind": "delay",
            "delay_ms": 200, "skip": 1})
        began = time.monotonic()
        self.assertEqual(self.outcomes(1), ".")
        self.assertLess(time.monotonic() - began, 0.2)
        self.assertEqual(self.outcomes(1), ".")
        self.assertGreaterEqual(time.monotonic() - began, 0.2)

    def test_bad_rules(self):
        for rule in ({"rule": "s3"}, {"rule": "s3.*=nothing"},
                     {"service": "s3", "kind": "nothing"},
                     {"service": "s3", "probability": 2},
                     {"service": "s3", "bytes": -1}):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                self.server.admin("faults", rule)
            self.assertEqual(caught.exception.code, 400, rule)


class Option(unittest.TestCase):
    def test_at_start(self):
        server = Server("--fault", "s3.*=error:503:SlowDown,count=2;"
                        "sns.ListTopics=error:500")
        s3 = server.client("s3")
        for _ in range(2):
            with self.assertRaises(ClientError):
                s3.list_buckets()
        s3.list_buckets()
        with self.assertRaises(ClientError):
            server.client("sns").list_topics()
        self.assertEqual(server.stop(), 0)

    def test_refused(self):
        done = subprocess.run([BINARY, "--fault", "s3.GetObject=cut:x"],
                              capture_output=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"'cut' must be a number", done.stderr)

    def test_manual(self):
        done = subprocess.run([BINARY, "--help=man"], capture_output=True,
                              timeout=30, check=True)
        for kind in (b"error200", b"truncate", b"corrupt", b"outcome"):
            self.assertIn(kind, done.stdout)


if __name__ == "__main__":
    unittest.main()
