"""Our S3, SNS and STS clients against moto's server, which we did not write."""

import base64
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import boto3

from harness import check_manifest, program

TOPIC = "arn:aws:sns:us-east-1:123456789012:outcome"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Moto(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.TemporaryDirectory()
        for _ in range(3):  # the port may be taken in between
            if cls.start():
                break
        cls.s3 = cls.client("s3")
        cls.s3.create_bucket(Bucket="results")
        cls.client("sns").create_topic(Name="outcome")

    @classmethod
    def start(cls):
        cls.port = free_port()
        cls.url = "http://127.0.0.1:%d" % cls.port
        cls.server = subprocess.Popen(
            [os.path.join(os.path.dirname(sys.executable), "moto_server"),
             "-H", "127.0.0.1", "-p", str(cls.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while cls.server.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", cls.port)).close()
                return cls.server.poll() is None
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        return False

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait(timeout=30)
        cls.dir.cleanup()

    @classmethod
    def client(cls, service):
        return boto3.client(service, endpoint_url=cls.url,
                            region_name="us-east-1",
                            aws_access_key_id="AKIDEXAMPLE",
                            aws_secret_access_key="secret")

    def run_stage(self, words, document, **changes):
        env = {"PATH": os.environ["PATH"], "HOME": self.dir.name,
               "AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1",
               "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
               "AWS_SECRET_ACCESS_KEY": "secret",
               "LAKESEG_WORK": os.path.join(self.dir.name, "work")}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update({k: v for k, v in changes.items() if v is not None})
        for name, value in changes.items():
            if value is None:
                env.pop(name, None)
        done = subprocess.run([program(words[0]), *words[1:]],
                              input=json.dumps(document).encode(), env=env,
                              capture_output=True, timeout=120, check=False)
        return done, check_manifest(done.stdout)

    def there_and_back(self, name, data):
        path = os.path.join(self.dir.name, name)
        with open(path, "wb") as file:
            file.write(data)
        put, manifest = self.run_stage(
            ["s3-put"], {"lakeseg": 1, "run": {"work_uri": "s3://results/w/"},
                         "data": [{"uri": path, "role": "normalized",
                                   "rows": 1}]})
        self.assertEqual(put.returncode, 0, put.stderr)
        entry = manifest["data"][0]
        key = "w/import/p0000/" + name
        self.assertEqual(entry["uri"], "s3://results/" + key)
        stored = self.s3.get_object(Bucket="results", Key=key)
        self.assertEqual(stored["Body"].read(), data)
        self.assertEqual(stored["ETag"], entry["etag"])
        fetch, manifest = self.run_stage(["s3-fetch"], manifest)
        self.assertEqual(fetch.returncode, 0, fetch.stderr)
        with open(manifest["data"][0]["uri"], "rb") as file:
            self.assertEqual(file.read(), data)
        self.assertEqual(manifest["data"][0]["crc64nvme"], entry["crc64nvme"])
        return entry

    def test_small_object(self):
        entry = self.there_and_back("check.csv", b"123456789")
        self.assertEqual(base64.b64decode(entry["crc64nvme"]).hex(),
                         "ae8b14860a799888")

    def test_empty_object(self):
        self.there_and_back("empty.csv", b"")

    def test_awkward_name(self):
        self.there_and_back("a b+c=d%20\u00e9&'.csv", b"x")

    def test_many_parts(self):
        entry = self.there_and_back("big.csv",
                                    os.urandom(1 << 20) * 20 + b"tail")
        self.assertTrue(entry["etag"].endswith('-3"'), entry)

    def test_missing_object(self):
        done, manifest = self.run_stage(
            ["s3-fetch"], {"lakeseg": 1, "data": [
                {"uri": "s3://results/nothing", "role": "query-result"}]})
        self.assertEqual(done.returncode, 69)
        self.assertEqual(manifest["error"]["name"], "ServiceRefused")

    def test_wrong_checksum(self):
        self.s3.put_object(Bucket="results", Key="x", Body=b"abc")
        done, manifest = self.run_stage(
            ["s3-fetch"], {"lakeseg": 1, "data": [
                {"uri": "s3://results/x", "role": "query-result",
                 "crc64nvme": "rosUhgp5mIg="}]})
        self.assertEqual(done.returncode, 65)
        self.assertEqual(manifest["error"]["name"], "DataInvalid")

    def put_with_header(self, kind, value):
        self.s3.put_object(Bucket="results", Key="sums", Body=b"123456789",
                           ChecksumAlgorithm=kind, **{"Checksum" + kind: value})

    def put_with_trailer(self, kind, value):
        name = "x-amz-checksum-" + kind.lower()
        request = urllib.request.Request(
            self.s3.generate_presigned_url(
                "put_object", Params={"Bucket": "results", "Key": "sums"}),
            method="PUT",
            data=b"9\r\n123456789\r\n0\r\n%s:%s\r\n\r\n" % (
                name.encode(), value.encode()),
            headers={"x-amz-content-sha256":
                     "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                     "content-encoding": "aws-chunked",
                     "content-type": "text/csv",
                     "x-amz-decoded-content-length": "9",
                     "x-amz-sdk-checksum-algorithm": kind,
                     "x-amz-trailer": name})
        urllib.request.urlopen(request, timeout=60).close()

    def test_checksums_and_trailers(self):
        """moto keeps what it is told, so that it can be told lies."""
        values = {"CRC32": "y/Q5Jg==", "CRC32C": "4waSgw==",
                  "CRC64NVME": "rosUhgp5mIg=", "SHA256": base64.b64encode(
                      hashlib.sha256(b"123456789").digest()).decode()}
        for kind, value in values.items():
            for put in (self.put_with_header, self.put_with_trailer):
                for stored, status in ((value, 0), ("A" + value[1:], 65)):
                    with self.subTest(kind=kind, put=put.__name__,
                                      status=status):
                        put(kind, stored)
                        done, manifest = self.run_stage(
                            ["s3-fetch"], {"lakeseg": 1, "data": [
                                {"uri": "s3://results/sums",
                                 "role": "query-result"}]})
                        self.assertEqual(done.returncode, status, done.stderr)
                        if status == 0:
                            self.assertEqual(
                                manifest["data"][0]["crc64nvme"],
                                values["CRC64NVME"])
                        else:
                            self.assertIn(b"S3 says", done.stderr)

    def test_publish(self):
        done, manifest = self.run_stage(
            ["sns-notify"], {"lakeseg": 1, "status": "succeeded",
                             "run": {"name": "caf\u00e9 & co"},
                             "notify": {"topic_arn": TOPIC}})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(manifest["notify"]["result"]["message_id"])

    def test_publish_to_no_topic(self):
        done, manifest = self.run_stage(
            ["sns-notify"], {"lakeseg": 1, "status": "succeeded",
                             "notify": {"topic_arn": TOPIC + "x"}})
        self.assertEqual(done.returncode, 69)
        self.assertEqual(manifest["notify"]["error"]["name"],
                         "ServiceRefused")

    def test_web_identity(self):
        token = os.path.join(self.dir.name, "token")
        with open(token, "w", encoding="utf-8") as file:
            file.write("a.jwt.token\n")
        done, manifest = self.run_stage(
            ["sns-notify"], {"lakeseg": 1, "status": "succeeded",
                             "notify": {"topic_arn": TOPIC}},
            AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
            AWS_WEB_IDENTITY_TOKEN_FILE=token,
            AWS_ROLE_ARN="arn:aws:iam::123456789012:role/task")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(manifest["notify"]["result"]["message_id"])


if __name__ == "__main__":
    unittest.main()
