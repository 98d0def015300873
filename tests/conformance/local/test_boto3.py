"""boto3 as a real client of lakeseg-local, for every operation it serves.

Takes the program's path: test_boto3.py PATH/lakeseg-local [test ...]
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import uuid
import zlib
from unittest import mock

import boto3
import botocore.auth
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from common import BINARY, KEY, SECRET, Case, Server

ACCOUNT = "123456789012"
ROLE = "arn:aws:iam::%s:role/import" % ACCOUNT
MIB = 1 << 20


def sign(secret, scope, text):
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Chunked:
    """PutObject with an aws-chunked body, signed by hand (sources 7.4)."""

    def __init__(self, url, body, is_signed):
        self.host = url.split("//")[1]
        self.body = body
        self.is_signed = is_signed

    def seed(self, key, headers):
        names = ";".join(sorted(headers))
        canonical = "\n".join(
            ["PUT", "/results/" + key, ""] +
            ["%s:%s" % (k, headers[k]) for k in sorted(headers)] +
            ["", names, headers["x-amz-content-sha256"]])
        self.time = headers["x-amz-date"]
        self.scope = self.time[:8] + "/us-east-1/s3/aws4_request"
        signature = sign(SECRET, self.scope, "\n".join(
            ["AWS4-HMAC-SHA256", self.time, self.scope,
             sha256(canonical.encode())]))
        headers["authorization"] = (
            "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
            "Signature=%s" % (KEY, self.scope, names, signature))
        return signature

    def next(self, kind, before, *hashes):
        return sign(SECRET, self.scope, "\n".join(
            ["AWS4-HMAC-SHA256-" + kind, self.time, self.scope, before,
             *hashes]))

    def encode(self, before, trailer, spoil):
        out = b""
        for at in range(0, len(self.body) + 16384, 16384):
            piece = self.body[at:at + 16384]
            line = "%x" % (len(piece) + (spoil == "size" and at == 0))
            if self.is_signed:
                before = self.next("PAYLOAD", before, sha256(b""),
                                   sha256(piece))
                line += ";chunk-signature=" + (
                    "0" * 64 if spoil == "chunk" and at > 0 else before)
            out += line.encode() + b"\r\n" + piece
            out += b"\r\n" if piece else b""
        if trailer:
            text = "x-amz-checksum-crc32:" + trailer
            out += text.encode() + b"\r\n"
            if self.is_signed and spoil != "nosign":
                signature = self.next("TRAILER", before,
                                      sha256(text.encode() + b"\n"))
                if spoil == "trailer":
                    signature = signature[::-1]
                out += b"x-amz-trailer-signature:%s\r\n" % \
                    signature.encode()
        return (out + b"\r\n")[:-40 if spoil == "cut" else None]

    def put(self, key, trailer, spoil=None):
        kind = "AWS4-HMAC-SHA256-PAYLOAD" if self.is_signed else \
            "UNSIGNED-PAYLOAD"
        has_trailer = trailer or spoil == "announce" or not self.is_signed
        length = len(self.body) + (spoil == "length")
        headers = {
            "host": self.host, "content-encoding": "aws-chunked",
            "x-amz-content-sha256": "STREAMING-" + kind + (
                "-TRAILER" if has_trailer else ""),
            "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
            "x-amz-decoded-content-length": str(length)}
        if trailer or spoil == "announce":
            headers["x-amz-trailer"] = "x-amz-checksum-crc32"
        body = self.encode(self.seed(key, headers), trailer, spoil)
        headers.pop("host")
        client = http.client.HTTPConnection(self.host, timeout=30)
        client.request("PUT", "/results/" + key, body, headers)
        answer = client.getresponse()
        return answer.status, answer.read()


class Signatures(Case):
    services = (
        ("s3", "list_buckets", {}, 403, "SignatureDoesNotMatch", 403,
         "InvalidAccessKeyId", 400, "InvalidToken", 400, "ExpiredToken"),
        ("athena", "get_work_group", {"WorkGroup": "primary"}, 400,
         "InvalidSignatureException", 400, "UnrecognizedClientException", 400,
         "UnrecognizedClientException", 400, "ExpiredTokenException"),
        ("pinpoint", "get_app", {"ApplicationId": "app1"}, 403,
         "InvalidSignatureException", 403, "UnrecognizedClientException", 403,
         "UnrecognizedClientException", 403, "ExpiredTokenException"),
        ("sns", "list_topics", {}, 403, "SignatureDoesNotMatch", 403,
         "InvalidClientTokenId", 403, "InvalidClientTokenId", 403,
         "ExpiredToken"),
        ("sts", "get_caller_identity", {}, 403, "SignatureDoesNotMatch", 403,
         "InvalidClientTokenId", 403, "InvalidClientTokenId", 403,
         "ExpiredToken"))

    def test_refusals(self):
        for (service, name, arguments, *expected) in self.services:
            keys = ((KEY, "wrong", None), ("AKIDNOBODY", "x", None),
                    ("ASIAGOOD", "temporary", "wrong"),
                    ("ASIAOLD", "temporary", "oldtoken"))
            for i, (key, secret, token) in enumerate(keys):
                with self.subTest(service=service, key=key):
                    client = self.server.client(service, key, secret, token)
                    self.refused(expected[2 * i], expected[2 * i + 1],
                                 getattr(client, name), **arguments)

    def test_token_is_accepted(self):
        for (service, name, arguments, *_) in self.services:
            client = self.server.client(service, "ASIAGOOD", "temporary",
                                        "thetoken")
            getattr(client, name)(**arguments)

    def test_unsigned(self):
        self.refused(403, "AccessDenied", self.server.client(
            "s3", signature_version=UNSIGNED).list_buckets)
        self.refused(403, "MissingAuthenticationToken", self.server.client(
            "sts", signature_version=UNSIGNED).get_caller_identity)

    def test_wrong_region(self):
        self.refused(400, "AuthorizationHeaderMalformed", self.server.client(
            "s3", region="eu-west-1").list_buckets)

    def test_skew(self):
        then = datetime.datetime(2020, 1, 1)
        with mock.patch.object(botocore.auth, "get_current_datetime",
                               lambda *a, **k: then):
            self.refused(403, "RequestTimeTooSkewed", self.s3.list_buckets)
            self.refused(403, "SignatureDoesNotMatch", self.sns.list_topics)
            self.refused(400, "InvalidSignatureException",
                         self.athena.get_work_group, WorkGroup="primary")

    def test_wrong_body(self):
        self.s3.meta.events.register_last("before-send.s3.PutObject",
                                          self.swap)
        try:
            self.refused(400, "XAmzContentSHA256Mismatch", self.server_put)
        finally:
            self.s3.meta.events.unregister("before-send.s3.PutObject",
                                           self.swap)

    @staticmethod
    def swap(request, **_):
        request.body = b"other"

    def server_put(self):
        return self.s3.put_object(Bucket="results", Key="spoiled",
                                  Body=b"right")


class S3(Case):
    def test_buckets(self):
        self.s3.create_bucket(Bucket="second")
        self.s3.head_bucket(Bucket="second")
        names = [b["Name"] for b in self.s3.list_buckets()["Buckets"]]
        self.assertIn("second", names)
        self.assertEqual(names, sorted(names))
        self.refused(404, "404", self.s3.head_bucket, Bucket="missing")
        self.refused(404, "NoSuchBucket", self.s3.list_objects_v2,
                     Bucket="missing")
        self.refused(404, "NoSuchBucket", self.s3.put_object,
                     Bucket="missing", Key="k", Body=b"")

    def test_put_and_get(self):
        body = os.urandom(300000)
        etag = '"%s"' % hashlib.md5(body).hexdigest()
        for arguments in ({}, {"ChecksumAlgorithm": "CRC32"},
                          {"ChecksumAlgorithm": "SHA256"},
                          {"ContentMD5": base64.b64encode(
                              hashlib.md5(body).digest()).decode()}):
            with self.subTest(arguments=arguments):
                put = self.s3.put_object(
                    Bucket="results", Key="object", Body=body,
                    ContentType="text/csv", Metadata={"who": "me"},
                    **arguments)
                self.assertEqual(put["ETag"], etag)
                got = self.s3.get_object(Bucket="results", Key="object",
                                         ChecksumMode="ENABLED")
                self.assertEqual(got["Body"].read(), body)
                self.assertEqual(
                    (got["ETag"], got["ContentType"], got["Metadata"],
                     got["ChecksumType"]),
                    (etag, "text/csv", {"who": "me"}, "FULL_OBJECT"))
        head = self.s3.head_object(Bucket="results", Key="object")
        self.assertEqual(head["ContentLength"], len(body))

    def test_bodies_of_all_sizes(self):
        for size in (0, 1, 65535, 65536, 65537, 5 * MIB + 3):
            body = os.urandom(size)
            with self.subTest(size=size):
                self.s3.put_object(Bucket="results", Key="size", Body=body)
                got = self.s3.get_object(Bucket="results", Key="size")
                self.assertEqual(got["Body"].read(), body)

    def test_chunked(self):
        """aws-chunked in its three forms, made by hand: boto3 sends them
        over TLS only, and never signs chunks."""
        body = os.urandom(70001)
        crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        unsigned = Chunked(self.server.url, body, None)
        signed = Chunked(self.server.url, body, True)
        for chunked, trailer in ((unsigned, crc), (signed, None),
                                 (signed, crc)):
            with self.subTest(signed=chunked.is_signed, trailer=trailer):
                status, text = chunked.put("chunked", trailer)
                self.assertEqual(status, 200, text)
                got = self.s3.get_object(Bucket="results", Key="chunked")
                self.assertEqual(got["Body"].read(), body)
                self.assertNotIn("ContentEncoding", got)
        for chunked, trailer, spoil, want in (
                (unsigned, "AAAAAA==", None, b"BadDigest"),
                (unsigned, None, "announce", b"MalformedTrailerError"),
                (unsigned, crc, "length", b"IncompleteBody"),
                (unsigned, crc, "cut", b"IncompleteBody"),
                (unsigned, crc, "size", b"IncompleteBody"),
                (signed, None, "chunk", b"SignatureDoesNotMatch"),
                (signed, crc, "trailer", b"SignatureDoesNotMatch"),
                (signed, crc, "nosign", b"SignatureDoesNotMatch")):
            with self.subTest(spoil=spoil):
                status, text = chunked.put("spoiled", trailer, spoil)
                self.assertIn(want, text)
                self.assertIn(status, (400, 403))
        self.refused(404, "404", self.s3.head_object, Bucket="results",
                     Key="spoiled")

    def test_wrong_checksums(self):
        self.refused(400, "BadDigest", self.s3.put_object, Bucket="results",
                     Key="bad", Body=b"x", ChecksumCRC32="AAAAAA==")
        self.refused(400, "BadDigest", self.s3.put_object, Bucket="results",
                     Key="bad", Body=b"x", ChecksumCRC64NVME="AAAAAAAAAAA=")
        self.refused(400, "BadDigest", self.s3.put_object, Bucket="results",
                     Key="bad", Body=b"x",
                     ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
        self.refused(404, "NoSuchKey", self.s3.get_object, Bucket="results",
                     Key="bad")

    def test_own_crc64nvme(self):
        client = self.server.client(
            "s3", request_checksum_calculation="when_required")
        client.put_object(Bucket="results", Key="crc", Body=b"123456789")
        head = client.head_object(Bucket="results", Key="crc",
                                  ChecksumMode="ENABLED")
        self.assertEqual(head["ChecksumCRC64NVME"], "rosUhgp5mIg=")

    def test_conditions(self):
        put = self.s3.put_object(Bucket="results", Key="cond", Body=b"one")
        call = {"Bucket": "results", "Key": "cond"}
        self.refused(412, "PreconditionFailed", self.s3.put_object,
                     IfNoneMatch="*", Body=b"two", **call)
        self.refused(412, "PreconditionFailed", self.s3.put_object,
                     IfMatch='"x"', Body=b"two", **call)
        self.refused(412, "PreconditionFailed", self.s3.get_object,
                     IfMatch='"x"', **call)
        self.refused(304, "304", self.s3.get_object, IfNoneMatch=put["ETag"],
                     **call)
        self.s3.get_object(IfMatch=put["ETag"], **call)
        self.s3.put_object(IfMatch=put["ETag"], Body=b"two", **call)
        self.assertEqual(self.s3.get_object(**call)["Body"].read(), b"two")
        self.refused(404, "NoSuchKey", self.s3.put_object, Bucket="results",
                     Key="never", IfMatch='"x"', Body=b"")

    def test_ranges(self):
        body = bytes(range(256)) * 4
        call = {"Bucket": "results", "Key": "range"}
        self.s3.put_object(Body=body, **call)
        for text, want in (("bytes=0-9", body[:10]), ("bytes=1000-",
                           body[1000:]), ("bytes=-24", body[-24:]),
                           ("bytes=5-99999", body[5:]),
                           ("bytes=-99999", body)):
            got = self.s3.get_object(Range=text, **call)
            self.assertEqual(got["Body"].read(), want)
            self.assertEqual(got["ResponseMetadata"]["HTTPStatusCode"], 206)
            self.assertTrue(got["ContentRange"].endswith("/1024"))
        self.refused(416, "InvalidRange", self.s3.get_object,
                     Range="bytes=1024-", **call)
        self.s3.put_object(Bucket="results", Key="none", Body=b"")
        self.refused(416, "InvalidRange", self.s3.get_object,
                     Bucket="results", Key="none", Range="bytes=0-")

    def test_awkward_keys(self):
        keys = ["a b", "a+b", "a=b&c", "100%", "%41", "ü/é", "日本", "a//b",
                "../../etc/passwd", "..", "a/../b", "x?y#z", "'\"<>&", "~.-_",
                "tab\tand\nline", "*", "k" * 1024]
        self.s3.create_bucket(Bucket="awkward")
        for key in keys:
            self.s3.put_object(Bucket="awkward", Key=key, Body=key.encode())
        for key in keys:
            got = self.s3.get_object(Bucket="awkward", Key=key)
            self.assertEqual(got["Body"].read(), key.encode())
        listed = [o["Key"] for o in self.s3.list_objects_v2(
            Bucket="awkward")["Contents"]]
        self.assertEqual(listed, sorted(keys, key=lambda k: k.encode()))
        self.refused(400, "KeyTooLongError", self.s3.put_object,
                     Bucket="awkward", Key="k" * 1025, Body=b"")
        for key in keys:
            self.s3.delete_object(Bucket="awkward", Key=key)
        self.assertEqual(self.s3.list_objects_v2(
            Bucket="awkward")["KeyCount"], 0)

    def test_listing(self):
        self.s3.create_bucket(Bucket="listing")
        keys = ["a/%02d" % i for i in range(12)] + ["b/x/1", "b/x/2", "b/y",
                                                    "c", "d+1"]
        for key in keys:
            self.s3.put_object(Bucket="listing", Key=key, Body=b"1")

        def pages(**arguments):
            found, prefixes, count = [], [], 0
            for page in self.s3.get_paginator("list_objects_v2").paginate(
                    Bucket="listing", **arguments):
                found += [o["Key"] for o in page.get("Contents", [])]
                prefixes += [p["Prefix"] for p in
                             page.get("CommonPrefixes", [])]
                count += 1
            return found, prefixes, count
        for size in range(1, 20):
            arguments = {"PaginationConfig": {"PageSize": size}}
            self.assertEqual(pages(**arguments)[0], keys)
            found, prefixes, _ = pages(Delimiter="/", **arguments)
            self.assertEqual((found, prefixes), (["c", "d+1"], ["a/", "b/"]))
            found, prefixes, _ = pages(Delimiter="/", Prefix="b/",
                                       **arguments)
            self.assertEqual((found, prefixes), (["b/y"], ["b/x/"]))
        self.assertEqual(pages(Prefix="a/1")[0], ["a/10", "a/11"])
        self.assertEqual(pages(StartAfter="b/x/1")[0],
                         ["b/x/2", "b/y", "c", "d+1"])
        self.assertEqual(self.s3.list_objects_v2(
            Bucket="listing", Prefix="zzz")["KeyCount"], 0)

    def test_delete(self):
        for key in ("d1", "d2", "d3"):
            self.s3.put_object(Bucket="results", Key=key, Body=b"")
        self.s3.delete_object(Bucket="results", Key="d1")
        self.s3.delete_object(Bucket="results", Key="d1")
        self.refused(404, "404", self.s3.head_object, Bucket="results",
                     Key="d1")
        gone = self.s3.delete_objects(Bucket="results", Delete={
            "Objects": [{"Key": "d2"}, {"Key": "d3"}]})
        self.assertEqual([d["Key"] for d in gone["Deleted"]], ["d2", "d3"])
        self.refused(404, "NoSuchKey", self.s3.get_object, Bucket="results",
                     Key="d2")

    def upload(self, key, parts, **arguments):
        call = {"Bucket": "results", "Key": key}
        made = self.s3.create_multipart_upload(**call, **arguments)
        call["UploadId"] = made["UploadId"]
        done = []
        for number, body in parts:
            part = self.s3.upload_part(PartNumber=number, Body=body, **call)
            done.append({"PartNumber": number, "ETag": part["ETag"]})
        return call, done

    def test_multipart(self):
        bodies = [os.urandom(5 * MIB), os.urandom(5 * MIB + 7), b"end"]
        call, done = self.upload("multi", enumerate(bodies, 1))
        listed = self.s3.list_parts(**call)
        self.assertEqual([(p["PartNumber"], p["Size"]) for p in
                          listed["Parts"]],
                         [(i, len(b)) for i, b in enumerate(bodies, 1)])
        self.assertIn("multi", [u["Key"] for u in
                                self.s3.list_multipart_uploads(
                                    Bucket="results")["Uploads"]])
        self.assertEqual(self.server.admin("uploads")[0]["key"], "multi")
        end = self.s3.complete_multipart_upload(
            MultipartUpload={"Parts": done}, **call)
        joined = b"".join(hashlib.md5(b).digest() for b in bodies)
        self.assertEqual(end["ETag"], '"%s-3"' % hashlib.md5(
            joined).hexdigest())
        got = self.s3.get_object(Bucket="results", Key="multi",
                                 ChecksumMode="ENABLED")
        self.assertEqual(got["Body"].read(), b"".join(bodies))
        self.assertEqual(self.server.admin("uploads"), [])
        self.refused(404, "NoSuchUpload", self.s3.complete_multipart_upload,
                     MultipartUpload={"Parts": done}, **call)

    def test_multipart_full_object(self):
        """The checksum of the whole, as lakeseg itself asks for it."""
        call, done = self.upload(
            "full", [(1, b"a" * 5 * MIB), (2, b"123")],
            ChecksumAlgorithm="CRC64NVME", ChecksumType="FULL_OBJECT")
        self.refused(400, "BadDigest", self.s3.complete_multipart_upload,
                     MultipartUpload={"Parts": done},
                     ChecksumCRC64NVME="AAAAAAAAAAA=",
                     ChecksumType="FULL_OBJECT", **call)
        self.refused(400, "InvalidRequest", self.s3.complete_multipart_upload,
                     MultipartUpload={"Parts": done}, MpuObjectSize=7, **call)
        end = self.s3.complete_multipart_upload(
            MultipartUpload={"Parts": done}, **call)
        self.assertEqual(end["ChecksumType"], "FULL_OBJECT")
        single = self.s3.put_object(
            Bucket="results", Key="single", Body=b"a" * 5 * MIB + b"123",
            ChecksumAlgorithm="CRC32")
        self.assertNotEqual(single["ETag"], end["ETag"])
        self.s3.put_object(Bucket="results", Key="single",
                           Body=b"a" * 5 * MIB + b"123",
                           ChecksumCRC64NVME=end["ChecksumCRC64NVME"])

    def test_multipart_refusals(self):
        call, done = self.upload("small", [(1, b"x"), (2, b"y")])
        self.refused(400, "EntityTooSmall", self.s3.complete_multipart_upload,
                     MultipartUpload={"Parts": done}, **call)
        self.refused(400, "InvalidPartOrder",
                     self.s3.complete_multipart_upload,
                     MultipartUpload={"Parts": done[::-1]}, **call)
        self.refused(400, "InvalidPart", self.s3.complete_multipart_upload,
                     MultipartUpload={"Parts": [
                         {"PartNumber": 1, "ETag": '"0"'}]}, **call)
        self.refused(400, "InvalidPart", self.s3.complete_multipart_upload,
                     MultipartUpload={"Parts": done + [
                         {"PartNumber": 3, "ETag": '"0"'}]}, **call)
        self.refused(400, "MalformedXML", self.s3.complete_multipart_upload,
                     MultipartUpload={"Parts": []}, **call)
        self.refused(400, "InvalidArgument", self.s3.upload_part,
                     PartNumber=10001, Body=b"", **call)
        self.s3.abort_multipart_upload(**call)
        self.refused(404, "NoSuchUpload", self.s3.list_parts, **call)
        self.refused(404, "NoSuchUpload", self.s3.upload_part, PartNumber=1,
                     Body=b"", **call)
        self.refused(404, "NoSuchUpload", self.s3.abort_multipart_upload,
                     **call)

    def test_multipart_condition_and_replaced_part(self):
        call, done = self.upload("again", [(1, b"one"), (1, b"two")])
        end = self.s3.complete_multipart_upload(
            MultipartUpload={"Parts": done[1:]}, IfNoneMatch="*", **call)
        self.assertTrue(end["ETag"].endswith('-1"'))
        self.assertEqual(self.s3.get_object(
            Bucket="results", Key="again")["Body"].read(), b"two")
        call, done = self.upload("again", [(1, b"three")])
        self.refused(412, "PreconditionFailed",
                     self.s3.complete_multipart_upload, IfNoneMatch="*",
                     MultipartUpload={"Parts": done}, **call)
        self.s3.abort_multipart_upload(**call)

    def test_transfer_manager(self):
        path = os.path.join(self.server.dir, "big")
        with open(path, "wb") as file:
            file.write(os.urandom(20 * MIB))
        self.s3.upload_file(path, "results", "big")
        self.s3.download_file("results", "big", path + ".back")
        with open(path, "rb") as a, open(path + ".back", "rb") as b:
            self.assertEqual(a.read(), b.read())


class State(unittest.TestCase):
    def test_outlives_the_process(self):
        state = tempfile.mkdtemp(prefix="lakeseg-state-")
        first = Server(state=state)
        first.client("s3").put_object(Bucket="results", Key="kept ü",
                                      Body=b"kept", Metadata={"a": "b"})
        first.client("s3").create_multipart_upload(Bucket="results", Key="u")
        first.client("pinpoint").update_endpoints_batch(
            ApplicationId="app1", EndpointBatchRequest={"Item": [
                {"Id": "e1", "ChannelType": "EMAIL", "Address": "a@b",
                 "Metrics": {"m": 2.5}, "Location": {"Latitude": 1.5},
                 "User": {"UserId": "u", "UserAttributes": {"x": ["y"]}}}]})
        before = first.client("pinpoint").get_endpoint(
            ApplicationId="app1", EndpointId="e1")["EndpointResponse"]
        self.assertEqual(first.stop(), 0)
        second = Server(state=state)
        got = second.client("s3").get_object(Bucket="results", Key="kept ü")
        self.assertEqual((got["Body"].read(), got["Metadata"]),
                         (b"kept", {"a": "b"}))
        self.assertEqual(second.client("pinpoint").get_endpoint(
            ApplicationId="app1", EndpointId="e1")["EndpointResponse"],
            before)
        self.assertEqual(second.admin("uploads"), [])
        self.assertEqual(second.stop(), 0)
        shutil.rmtree(state)


class Athena(Case):
    def start(self, sql, **arguments):
        arguments.setdefault("ResultConfiguration",
                             {"OutputLocation": "s3://results/athena/"})
        arguments.setdefault("QueryExecutionContext", {"Database": "due"})
        return self.athena.start_query_execution(
            QueryString=sql, **arguments)["QueryExecutionId"]

    def wait(self, query):
        deadline = time.monotonic() + 30
        while True:
            found = self.athena.get_query_execution(
                QueryExecutionId=query)["QueryExecution"]
            if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return found
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def result(self, sql, **arguments):
        found = self.wait(self.start(sql, **arguments))
        self.assertEqual(found["Status"]["State"], "SUCCEEDED", found)
        uri = found["ResultConfiguration"]["OutputLocation"]
        self.assertEqual(uri, "s3://results/athena/%s.csv" %
                         found["QueryExecutionId"])
        body = self.s3.get_object(Bucket="results", Key=uri[13:])["Body"]
        self.s3.head_object(Bucket="results", Key=uri[13:] + ".metadata")
        return body.read().decode()

    def test_result_bytes(self):
        self.assertEqual(
            self.result("SELECT id AS Id, n AS \"Attributes.N\", note "
                        "FROM people ORDER BY id"),
            '"Id","Attributes.N","note"\n"p1","1","a ""q"", b"\n'
            '"p2",,""\n"p3","3",\n')
        self.assertEqual(self.result("SELECT NULL AS x"), '"x"\n\n')
        self.assertEqual(self.result("SELECT 1 AS x WHERE false"), '"x"\n')
        self.assertEqual(
            self.result("SELECT 'a\r\nb' AS x, '\U0001f600' AS y"),
            '"x","y"\n"a\r\nb","\U0001f600"\n')

    def test_values(self):
        for sql, want in (
                ("true", "true"), ("DATE '2026-11-23'", "2026-11-23"),
                ("TIMESTAMP '2026-11-23 01:02:03'",
                 "2026-11-23 01:02:03.000"),
                ("TIMESTAMP '2026-11-23 01:02:03.456789'",
                 "2026-11-23 01:02:03.456"),
                ("CAST(1.5 AS DOUBLE)", "1.5"), ("1e10", "1.0E10"),
                ("1e-5", "1.0E-5"), ("CAST(100 AS DOUBLE)", "100.0"),
                ("CAST(1234567 AS DOUBLE)", "1234567.0"),
                ("CAST(12345678 AS DOUBLE)", "1.2345678E7"),
                ("CAST('NaN' AS DOUBLE)", "NaN"),
                ("CAST(-0.05 AS DECIMAL(10,2))", "-0.05"),
                ("CAST(12 AS DECIMAL(10,2))", "12.00"),
                ("9223372036854775807", "9223372036854775807"),
                ("ARRAY[1, NULL, 3]", "[1, null, 3]"),
                ("MAP(ARRAY['k'], ARRAY['v'])", "{k=v}"),
                ("7 / 2", "3"), ("TIME '01:02:03'", "01:02:03.000"),
                ("date_add('day', 1, DATE '2026-01-31')", "2026-02-01"),
                ("date_diff('day', DATE '2026-01-01', DATE '2026-03-01')",
                 "59"),
                ("date_parse('2026-01-02 03:04', '%Y-%m-%d %H:%i')",
                 "2026-01-02 03:04:00.000"),
                ("date_format(TIMESTAMP '2026-01-02 03:04:00', '%Y/%m %i')",
                 "2026/01 04"),
                ("json_extract_scalar('{\"a\":\"b\"}', '$.a')", "b"),
                ("element_at(ARRAY['x','y'], 2)", "y"),
                ("regexp_like('abc', 'b')", "true")):
            with self.subTest(sql=sql):
                self.assertEqual(self.result("SELECT %s AS x" % sql),
                                 '"x"\n"%s"\n' % want)

    def test_names(self):
        want = '"_col0"\n"3"\n'
        for table in ("people", "due.people", '"due"."people"',
                      'awsdatacatalog.due.people', 'other.people',
                      '"awsdatacatalog"."other"."people"'):
            self.assertEqual(self.result("SELECT count(*) FROM %s" % table),
                             want)

    def test_parameters(self):
        self.assertEqual(
            self.result("SELECT id, '?' AS q FROM people WHERE id = ? -- ?",
                        ExecutionParameters=["'p1'"]),
            '"id","q"\n"p1","?"\n')

    def test_failures(self):
        for sql, kind in (("SELEC 1", 1006), ("SELECT x FROM people", 1006),
                          ("SELECT 1; SELECT 2", 1006),
                          ("SELECT 1 FROM nowhere", 1110),
                          ("SELECT CAST('x' AS INTEGER)", 1001),
                          ("DROP VIEW people", 1006),
                          ("SELECT * FROM read_csv('/etc/passwd')", 1000),
                          ("SET memory_limit='1TB'", 1006)):
            with self.subTest(sql=sql):
                found = self.wait(self.start(sql))
                status = found["Status"]
                self.assertEqual(status["State"], "FAILED")
                self.assertEqual(
                    (status["AthenaError"]["ErrorCategory"],
                     status["AthenaError"]["ErrorType"]), (2, kind), status)
                self.assertEqual(status["AthenaError"]["ErrorMessage"],
                                 status["StateChangeReason"])
                self.refused(400, "InvalidRequestException",
                             self.athena.get_query_results,
                             QueryExecutionId=found["QueryExecutionId"])

    def test_token(self):
        token = uuid.uuid4().hex
        first = self.start("SELECT 1", ClientRequestToken=token)
        self.assertEqual(self.start("SELECT 1", ClientRequestToken=token),
                         first)
        self.refused(400, "InvalidRequestException",
                     self.athena.start_query_execution, QueryString="SELECT 2",
                     ClientRequestToken=token, ResultConfiguration={
                         "OutputLocation": "s3://results/athena/"})

    def test_start_refusals(self):
        good = {"QueryString": "SELECT 1", "ResultConfiguration": {
            "OutputLocation": "s3://results/"}}
        for change in ({"ResultConfiguration": {}},
                       {"ResultConfiguration": {"OutputLocation": "s3://no"}},
                       {"ResultConfiguration": {"OutputLocation": "file:x"}},
                       {"WorkGroup": "missing"},
                       {"QueryString": "x" * 262145},
                       {"ExecutionParameters": ["1"]}):
            self.refused(400, "InvalidRequestException",
                         self.athena.start_query_execution,
                         **{**good, **change})
        self.refused(400, "InvalidRequestException",
                     self.athena.get_query_execution, QueryExecutionId="x")

    def test_paging(self):
        query = self.start("SELECT i AS id, CASE WHEN i % 2 = 0 THEN NULL "
                           "ELSE '' END AS v FROM range(2500) t(i) "
                           "ORDER BY i")
        self.wait(query)
        pages = list(self.athena.get_paginator("get_query_results").paginate(
            QueryExecutionId=query))
        self.assertEqual([len(p["ResultSet"]["Rows"]) for p in pages],
                         [1000, 1000, 501])
        rows = [r["Data"] for p in pages for r in p["ResultSet"]["Rows"]]
        self.assertEqual([d["VarCharValue"] for d in rows[0]], ["id", "v"])
        self.assertEqual(rows[1], [{"VarCharValue": "0"}, {}])
        self.assertEqual(rows[2],
                         [{"VarCharValue": "1"}, {"VarCharValue": ""}])
        info = pages[0]["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        self.assertEqual([(c["Name"], c["Type"]) for c in info],
                         [("id", "bigint"), ("v", "varchar")])

    def test_work_groups(self):
        group = self.athena.get_work_group(WorkGroup="primary")["WorkGroup"]
        self.assertEqual(group["State"], "ENABLED")
        self.assertFalse(group["Configuration"][
            "ManagedQueryResultsConfiguration"]["Enabled"])
        self.server.admin("workgroups", {"Name": "forced", "Configuration": {
            "EnforceWorkGroupConfiguration": True, "ResultConfiguration": {
                "OutputLocation": "s3://results/forced/"}}})
        found = self.wait(self.start("SELECT 1", WorkGroup="forced"))
        self.assertTrue(found["ResultConfiguration"]["OutputLocation"]
                        .startswith("s3://results/forced/"))
        self.server.admin("workgroups", {"Name": "off", "State": "DISABLED"})
        self.refused(400, "InvalidRequestException",
                     self.athena.start_query_execution, QueryString="SELECT 1",
                     WorkGroup="off", ResultConfiguration={
                         "OutputLocation": "s3://results/"})

    def test_stop(self):
        query = self.start("SELECT count(*) AS x FROM range(1000000) a, "
                           "range(1000000) b WHERE a.range + b.range = 7")
        while self.athena.get_query_execution(QueryExecutionId=query)[
                "QueryExecution"]["Status"]["State"] == "QUEUED":
            time.sleep(0.01)
        self.athena.stop_query_execution(QueryExecutionId=query)
        self.assertEqual(self.wait(query)["Status"]["State"], "CANCELLED")
        self.assertIn("CANCELLED", [q["state"] for q in
                                    self.server.admin("queries")])


class Pinpoint(Case):
    def import_file(self, body, app="app1", name=None, **arguments):
        prefix = "import/%s/" % (name or uuid.uuid4().hex)
        bodies = body if isinstance(body, list) else [body]
        for number, one in enumerate(bodies):
            self.s3.put_object(Bucket="results", Body=one,
                               Key="%spart-%d" % (prefix, number))
        request = {"Format": "CSV", "RoleArn": ROLE,
                   "S3Url": "s3://results/" + prefix,
                   "RegisterEndpoints": True, **arguments}
        job = self.pinpoint.create_import_job(
            ApplicationId=app, ImportJobRequest=request)["ImportJobResponse"]
        self.assertEqual((job["JobStatus"], job["Type"]),
                         ("CREATED", "IMPORT"))
        return self.wait(job["Id"], app)

    def wait(self, job, app="app1"):
        deadline = time.monotonic() + 30
        while True:
            found = self.pinpoint.get_import_job(
                ApplicationId=app, JobId=job)["ImportJobResponse"]
            if found["JobStatus"] in ("COMPLETED", "FAILED"):
                return found
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def completed(self, body, processed, failed=0, **arguments):
        job = self.import_file(body, **arguments)
        self.assertEqual(
            (job["JobStatus"], job["TotalProcessed"], job["TotalFailures"]),
            ("COMPLETED", processed, failed), job)
        return job

    def endpoint(self, name, app="app1"):
        return self.pinpoint.get_endpoint(
            ApplicationId=app, EndpointId=name)["EndpointResponse"]

    def new_app(self):
        return self.pinpoint.create_app(CreateApplicationRequest={
            "Name": "x"})["ApplicationResponse"]["Id"]

    def test_apps(self):
        app = self.new_app()
        self.assertEqual(self.pinpoint.get_app(ApplicationId=app)[
            "ApplicationResponse"]["Name"], "x")
        self.assertIn(app, [a["Id"] for a in self.pinpoint.get_apps()[
            "ApplicationsResponse"]["Item"]])
        self.refused(404, "NotFoundException", self.pinpoint.get_app,
                     ApplicationId="missing")

    def test_import_all_columns(self):
        self.completed(
            "ChannelType,Address,Id,Attributes.I,Attributes.I,Metrics.M,"
            "User.UserId,User.UserAttributes.T,Location.City,"
            "Location.Latitude,Demographic.Locale,OptOut,EffectiveDate\r\n"
            "EMAIL,a@example.com,AbC,\"x, \"\"y\"\"\",z,1.5,u1,High,Köln,50.9,"
            "de_DE,ALL,2026-01-02T03:04:05.000Z\r\n", 1)
        found = self.endpoint("aBc")
        for field in ("ApplicationId", "EndpointStatus"):
            found.pop(field)
        self.assertEqual(found, {
            "Address": "a@example.com", "ChannelType": "EMAIL", "Id": "AbC",
            "Attributes": {"I": ["x, \"y\"", "z"]}, "Metrics": {"M": 1.5},
            "User": {"UserId": "u1", "UserAttributes": {"T": ["High"]}},
            "Location": {"City": "Köln", "Latitude": 50.9},
            "Demographic": {"Locale": "de_DE"}, "OptOut": "ALL",
            "EffectiveDate": "2026-01-02T03:04:05.000Z"})

    def test_update_keeps_other_attributes(self):
        self.completed("Id,ChannelType,Address,Attributes.A,Attributes.B\n"
                       "up,EMAIL,up@x.y,1,2\n", 1)
        self.completed("Id,Attributes.A\nUP,3\n", 1)
        self.assertEqual(self.endpoint("up")["Attributes"],
                         {"A": ["3"], "B": ["2"]})
        job = self.completed("Id,Attributes.A\nnobody,3\nup,\n", 2, 1)
        self.assertIn("ChannelType", job["Failures"][0])
        self.assertEqual(self.endpoint("up")["Attributes"]["A"], ["3"])

    def test_json_lines(self):
        self.completed('{"Id":"j1","ChannelType":"SMS","Address":"+1555",'
                       '"Attributes":{"a":["1","2"]},"Metrics":{"m":3},'
                       '"User":{"UserId":"ju","UserAttributes":{"k":["v"]}}}'
                       '\n{"Id":"j2"}\nnot json\n', 3, 2, Format="JSON")
        found = self.endpoint("j1")
        self.assertEqual(found["Attributes"], {"a": ["1", "2"]})
        self.assertEqual(found["Metrics"], {"m": 3.0})

    def test_files_that_fail(self):
        for body in ("id,ChannelType\n1,EMAIL\n", "\ufeffId\nx\n", "",
                     "Id,Nonsense\n1,2\n", "Attributes.X\n1\n",
                     "Id,ChannelType,ChannelType\n", "Id,EndpointStatus\n",
                     'Id,Attributes.X\nx,a"b\n', 'Id,Attributes.X\nx,"a"b\n',
                     'Id,Attributes.X\nx,"open\n', "Id\rx\r",
                     "Attributes.%s,Id\n" % ("n" * 51)):
            with self.subTest(body=body):
                job = self.import_file(body.encode())
                self.assertEqual((job["JobStatus"], job["FailedPieces"]),
                                 ("FAILED", 1), job)
                self.assertEqual(len(job["Failures"]), 1)

    def test_records_that_fail(self):
        rows = ["r1,EMAIL,r@x.y,%s,1" % ("v" * 101), "r2,EMAIL,r@x.y,a,one",
                "r3,FAX,r@x.y,a,1", "r4,EMAIL,r@x.y", "r5,EMAIL,,a,1",
                'r6,EMAIL,r@x.y,"a\tb",1', 'r7,EMAIL,r@x.y,"a\nb",1',
                "r$,EMAIL,r@x.y,a,1", "good,EMAIL,good@x.y,%s,1" % (
                    "ü" * 100)]
        body = ("Id,ChannelType,Address,Attributes.A,Metrics.M\n" +
                "\n".join(rows)).encode()
        job = self.completed(body + b"\nr9,EMAIL,r@x.y,\xff,1\n", 10, 9)
        self.assertEqual(len(job["Failures"]), 9)
        self.endpoint("good")

    def test_failures_are_at_most_a_hundred(self):
        job = self.completed("Id\n" + "".join("no%d\n" % i
                                              for i in range(150)), 150, 150)
        self.assertEqual(len(job["Failures"]), 100)

    def test_fifteen_endpoints_a_user(self):
        app = self.new_app()
        job = self.completed(
            "Id,ChannelType,Address,User.UserId\n" + "".join(
                "f%d,EMAIL,f%d@x.y,one\n" % (i, i) for i in range(17)),
            17, 2, app=app)
        self.assertIn("15", job["Failures"][0])
        items = self.pinpoint.get_user_endpoints(
            ApplicationId=app, UserId="one")["EndpointsResponse"]["Item"]
        self.assertEqual(len(items), 15)
        self.completed(
            "Id,ChannelType,Address,User.UserId\n" + "".join(
                "t%d,GCM,token%d,two\n" % (i, i) for i in range(16)), 16,
            app=app)
        oldest = self.endpoint("t0", app)
        self.assertEqual(oldest["EndpointStatus"], "INACTIVE")
        self.assertNotIn("User", oldest)

    def test_same_address(self):
        self.completed("Id,ChannelType,Address\ns1,EMAIL,same@x.y\n"
                       "s2,EMAIL,same@x.y\n", 2)
        self.assertEqual(self.endpoint("s1")["EndpointStatus"], "INACTIVE")
        self.assertEqual(self.endpoint("s2")["EndpointStatus"], "ACTIVE")

    def test_prefix(self):
        job = self.completed(["Id,ChannelType,Address\nx%d,EMAIL,x%d@x.y\n" %
                              (i, i) for i in range(3)], 3)
        self.assertEqual((job["TotalPieces"], job["CompletedPieces"]), (3, 3))
        job = self.pinpoint.create_import_job(
            ApplicationId="app1", ImportJobRequest={
                "Format": "CSV", "RoleArn": ROLE, "RegisterEndpoints": True,
                "S3Url": "s3://results/nothing/"})["ImportJobResponse"]
        self.assertEqual(self.wait(job["Id"])["JobStatus"], "FAILED")

    def test_refused_jobs(self):
        good = {"Format": "CSV", "RoleArn": ROLE, "S3Url": "s3://b/k",
                "RegisterEndpoints": True}
        for change in ({"Format": "XML"}, {"RoleArn": "me"},
                       {"S3Url": "http://x"}, {"RegisterEndpoints": False},
                       {"RegisterEndpoints": False, "DefineSegment": False}):
            self.refused(400, "BadRequestException",
                         self.pinpoint.create_import_job,
                         ApplicationId="app1",
                         ImportJobRequest={**good, **change})
        self.refused(404, "NotFoundException",
                     self.pinpoint.create_import_job,
                     ApplicationId="missing", ImportJobRequest=good)
        self.refused(404, "NotFoundException", self.pinpoint.get_import_job,
                     ApplicationId="app1", JobId="missing")

    def test_job_pages(self):
        app = self.new_app()
        made = [self.completed("Id,ChannelType,Address\np,EMAIL,p@x.y\n", 1,
                               app=app)["Id"] for _ in range(5)]
        found, token = [], {}
        while True:
            page = self.pinpoint.get_import_jobs(
                ApplicationId=app, PageSize="2", **token)[
                    "ImportJobsResponse"]
            found += [j["Id"] for j in page["Item"]]
            if not page.get("NextToken"):
                break
            token = {"Token": page["NextToken"]}
        self.assertEqual(found, made[::-1])
        self.assertEqual(len(self.server.admin("imports/" + app)), 5)

    def members(self, segment, app):
        return sorted(self.server.admin(
            "segments/%s/%s/members" % (app, segment)))

    def test_imported_segments(self):
        app = self.new_app()
        body = "Id,ChannelType,Address\na,EMAIL,a@x.y\nb,SMS,+15\n"
        job = self.completed(body, 2, app=app, DefineSegment=True,
                             SegmentName="mine")
        segment = self.pinpoint.get_segment(
            ApplicationId=app, SegmentId=job["Definition"]["SegmentId"])[
                "SegmentResponse"]
        self.assertEqual((segment["SegmentType"], segment["Name"],
                          segment["ImportDefinition"]["Size"]),
                         ("IMPORT", "mine", 2))
        self.assertEqual(self.members(segment["Id"], app), ["a", "b"])
        # endpoints that are not stored can still be a segment
        job = self.completed("Id,ChannelType,Address\nc,EMAIL,c@x.y\n", 1,
                             app=app, DefineSegment=True,
                             RegisterEndpoints=False)
        self.assertEqual(self.members(job["Definition"]["SegmentId"], app),
                         ["c"])
        self.refused(404, "NotFoundException", self.pinpoint.get_endpoint,
                     ApplicationId=app, EndpointId="c")
        # a list of users picks their endpoints
        self.completed("Id,User.UserId\na,ua\nb,ua\n", 2, app=app)
        job = self.completed("User.UserId\nua\nnobody\n", 2, 1, app=app,
                             DefineSegment=True)
        self.assertEqual(self.members(job["Definition"]["SegmentId"], app),
                         ["a", "b"])
        self.assertEqual(len(self.pinpoint.get_segments(ApplicationId=app)[
            "SegmentsResponse"]["Item"]), 3)

    def test_dimensional_segments(self):
        app = self.new_app()
        self.completed(
            "Id,ChannelType,Address,User.UserId,Attributes.Usage,"
            "User.UserAttributes.Value,User.UserAttributes.Stage\n"
            "a,EMAIL,a@x.y,ua,Med,High,Renewal\n"
            "b,EMAIL,b@x.y,ub,Low,High,Renewal\n"
            "c,EMAIL,c@x.y,uc,Med,Low,New\n"
            "d,EMAIL,d@x.y,,Med,,\n", 4, app=app)

        def dim(user=None, **attributes):
            def one(v):
                kind, values = ("EXCLUSIVE", v[1:]) if v[0] == "!" else \
                    ("INCLUSIVE", v)
                return {"AttributeType": kind, "Values": list(values)}
            out = {"Attributes": {k: one(v) for k, v in attributes.items()}}
            if user:
                out["UserAttributes"] = {k: one(v) for k, v in user.items()}
            return out

        def group(*dimensions, kind="ALL"):
            return {"Dimensions": list(dimensions), "Type": kind}

        def made(**request):
            return self.pinpoint.create_segment(
                ApplicationId=app, WriteSegmentRequest=request)[
                    "SegmentResponse"]["Id"]
        high = dim({"Value": ["High"]})
        med = dim(Usage=["Med"])
        for request, want in (
                ({"Dimensions": dim({"Value": ["High"],
                                     "Stage": ["Renewal"]}, Usage=["Med"])},
                 ["a"]),
                ({"Dimensions": med}, ["a", "c", "d"]),
                ({"Dimensions": dim(Usage=["Med", "Low"])},
                 ["a", "b", "c", "d"]),
                ({"Dimensions": dim(Usage=["!", "Med"])}, ["b"]),
                ({"Dimensions": dim({"Value": ["!", "High"]})}, ["c", "d"]),
                ({"Dimensions": dim(Usage=["Never"])}, []),
                ({"SegmentGroups": {"Include": "ALL", "Groups": [
                    group(high), group(med)]}}, ["a"]),
                ({"SegmentGroups": {"Include": "ANY", "Groups": [
                    group(high), group(med)]}}, ["a", "b", "c", "d"]),
                ({"SegmentGroups": {"Include": "ALL", "Groups": [
                    group(high, med, kind="ANY")]}}, ["a", "b", "c", "d"]),
                ({"SegmentGroups": {"Include": "ALL", "Groups": [
                    group(high, med)]}}, ["a"]),
                ({"SegmentGroups": {"Include": "ALL", "Groups": [
                    group(high, kind="NONE")]}}, ["c", "d"])):
            with self.subTest(request=request):
                self.assertEqual(self.members(made(**request), app), want)
        segment = made(Dimensions=high)
        self.completed("Id,User.UserAttributes.Value\nc,High\n", 1, app=app)
        self.assertEqual(self.members(segment, app), ["a", "b", "c"])
        self.pinpoint.update_segment(
            ApplicationId=app, SegmentId=segment,
            WriteSegmentRequest={"Dimensions": med})
        self.assertEqual(self.members(segment, app), ["a", "c", "d"])
        within = made(SegmentGroups={"Include": "ALL", "Groups": [
            {"SourceSegments": [{"Id": segment}], "SourceType": "ANY",
             "Dimensions": [high], "Type": "ALL"}]})
        self.assertEqual(self.members(within, app), ["a", "c"])
        self.pinpoint.delete_segment(ApplicationId=app, SegmentId=segment)
        self.refused(404, "NotFoundException", self.pinpoint.get_segment,
                     ApplicationId=app, SegmentId=segment)
        self.refused(400, "BadRequestException", self.pinpoint.create_segment,
                     ApplicationId=app, WriteSegmentRequest={
                         "Dimensions": {"Attributes": {"a": {
                             "AttributeType": "ON", "Values": ["x"]}}}})

    def test_batch(self):
        self.pinpoint.update_endpoints_batch(
            ApplicationId="app1", EndpointBatchRequest={"Item": [
                {"Id": "b/1", "ChannelType": "EMAIL", "Address": "b1@x.y"}]})
        self.assertEqual(self.endpoint("b/1")["Address"], "b1@x.y")
        self.assertIn("b/1", [e["Id"] for e in self.server.admin(
            "endpoints/app1?limit=100000")])

    def test_injected_failure(self):
        self.server.admin("faults", {"service": "pinpoint", "count": 1,
                                     "operation": "ImportJob",
                                     "outcome": "FAILED"})
        body = "Id,ChannelType,Address\nq,EMAIL,q@x.y\n"
        self.assertEqual(self.import_file(body)["JobStatus"], "FAILED")
        self.completed(body, 1)


class JobStates(Case):
    options = ("--job-delay-ms", "900")

    def test_states_in_order(self):
        self.s3.put_object(Bucket="results", Key="i/1",
                           Body=b"Id,ChannelType,Address\nq,EMAIL,q@x.y\n")
        job = self.pinpoint.create_import_job(
            ApplicationId="app1", ImportJobRequest={
                "Format": "CSV", "RoleArn": ROLE, "RegisterEndpoints": True,
                "S3Url": "s3://results/i/"})["ImportJobResponse"]
        seen = [job["JobStatus"]]
        while seen[-1] != "COMPLETED":
            now = self.pinpoint.get_import_job(
                ApplicationId="app1", JobId=job["Id"])["ImportJobResponse"]
            if now["JobStatus"] != seen[-1]:
                seen.append(now["JobStatus"])
            time.sleep(0.01)
        states = ["CREATED", "PREPARING_FOR_INITIALIZATION", "INITIALIZING",
                  "PENDING_JOB", "PROCESSING", "COMPLETING", "COMPLETED"]
        # a busy machine looks too seldom to see all of them
        self.assertEqual(seen, [s for s in states if s in seen])
        self.assertGreater(len(seen), 2)


class Sns(Case):
    arn = "arn:aws:sns:us-east-1:%s:outcome" % ACCOUNT

    def test_publish(self):
        before = len(self.server.admin("messages"))
        sent = self.sns.publish(
            TopicArn=self.arn, Message="a=b&c d\n{\"é\":\"~*()'!\"}",
            Subject="import failed", MessageAttributes={
                "kind": {"DataType": "String", "StringValue": "success"}})
        found = self.server.admin("messages")[before:]
        self.assertEqual(len(found), 1)
        found[0].pop("published_at")
        self.assertEqual(found[0], {
            "topic": self.arn, "subject": "import failed",
            "message": "a=b&c d\n{\"é\":\"~*()'!\"}",
            "message_id": sent["MessageId"],
            "attributes": {"kind": {"type": "String", "value": "success"}}})

    def test_topics(self):
        made = self.sns.create_topic(Name="second")["TopicArn"]
        self.assertIn(made, [t["TopicArn"] for t in
                             self.sns.list_topics()["Topics"]])
        self.sns.publish(TopicArn=made, Message="x")

    def test_refusals(self):
        good = {"TopicArn": self.arn, "Message": "x"}
        attribute = {"DataType": "String", "StringValue": "v"}
        for change in ({"Subject": "é"}, {"Subject": "x" * 100},
                       {"Subject": " x"}, {"Subject": "a\nb"},
                       {"Message": "x" * 262145}, {"Message": "a\x01"},
                       {"Message": ""}):
            with self.subTest(change=change):
                self.refused(400, "InvalidParameter", self.sns.publish,
                             **{**good, **change})
        for name in ("a b", "AWS.x", ".x", "x..y"):
            self.refused(400, "ParameterValueInvalid", self.sns.publish,
                         MessageAttributes={name: attribute}, **good)
        self.refused(404, "NotFound", self.sns.publish, Message="x",
                     TopicArn=self.arn + "x")

    def test_fifo(self):
        topic = self.sns.create_topic(
            Name="f.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
        call = {"TopicArn": topic, "Message": "x",
                "MessageDeduplicationId": "d"}
        self.refused(400, "InvalidParameter", self.sns.publish, **call)
        first = self.sns.publish(MessageGroupId="g", **call)
        again = self.sns.publish(MessageGroupId="g", **call)
        self.assertEqual(first["MessageId"], again["MessageId"])


class Sts(Case):
    def test_identity(self):
        found = self.sts.get_caller_identity()
        self.assertEqual(found["Account"], ACCOUNT)

    def test_web_identity(self):
        client = self.server.client("sts", signature_version=UNSIGNED)
        call = {"RoleArn": ROLE, "RoleSessionName": "test"}
        keys = client.assume_role_with_web_identity(
            WebIdentityToken="header.body.sign", **call)["Credentials"]
        self.assertGreater(keys["Expiration"],
                           datetime.datetime.now(datetime.timezone.utc))
        self.server.client("s3", keys["AccessKeyId"], keys["SecretAccessKey"],
                           keys["SessionToken"]).list_buckets()
        self.refused(403, "InvalidAccessKeyId", self.server.client(
            "s3", keys["AccessKeyId"] + "x", "x").list_buckets)
        self.refused(400, "ExpiredTokenException",
                     client.assume_role_with_web_identity,
                     WebIdentityToken="expired", **call)
        self.refused(400, "InvalidIdentityToken",
                     client.assume_role_with_web_identity,
                     WebIdentityToken="invalid", **call)
        self.refused(400, "ValidationError",
                     client.assume_role_with_web_identity,
                     WebIdentityToken="good", RoleArn="arn:aws:iam::1:user/x",
                     RoleSessionName="test")

    def test_assume_role(self):
        keys = self.sts.assume_role(RoleArn=ROLE, RoleSessionName="test")[
            "Credentials"]
        self.server.client("sns", keys["AccessKeyId"],
                           keys["SecretAccessKey"],
                           keys["SessionToken"]).list_topics()


class Faults(Case):
    def test_in_each_wire_format(self):
        for service, operation, call, status, code in (
                ("s3", "GetObject", lambda: self.s3.get_object(
                    Bucket="results", Key="k"), 503, "SlowDown"),
                ("athena", "*", lambda: self.athena.get_work_group(
                    WorkGroup="primary"), 400, "ThrottlingException"),
                ("pinpoint", "GetApp", lambda: self.pinpoint.get_app(
                    ApplicationId="app1"), 429, "TooManyRequestsException"),
                ("sns", "Publish", lambda: self.sns.publish(
                    TopicArn=Sns.arn, Message="x"), 500, "InternalError"),
                ("sts", "GetCallerIdentity", self.sts.get_caller_identity,
                 400, "Throttling")):
            with self.subTest(service=service):
                self.server.admin("faults", {
                    "service": service, "operation": operation,
                    "status": status, "code": code, "count": 2})
                self.refused(status, code, call)
                self.refused(status, code, call)
                if service != "s3":
                    call()
        self.server.admin("faults", {"service": "s3", "operation": "*",
                                     "status": 503, "code": "SlowDown",
                                     "count": 100})
        self.server.admin("faults", method="DELETE")
        self.s3.list_buckets()

    def test_client_retries(self):
        self.server.admin("faults", {"service": "s3", "operation": "*",
                                     "status": 503, "code": "SlowDown",
                                     "count": 2})
        self.server.client("s3", retries={"max_attempts": 4,
                                          "mode": "standard"}).list_buckets()

    def test_bad_rules(self):
        for rule in ({}, {"service": "s3", "status": 7}, [],
                     {"service": "s3", "count": "x"}):
            with self.assertRaises(urllib.error.HTTPError) as caught:
                self.server.admin("faults", rule)
            self.assertEqual(caught.exception.code, 400)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.server.admin("nothing")
        self.assertEqual(caught.exception.code, 404)


class Program(unittest.TestCase):
    def run_program(self, *words):
        return subprocess.run([BINARY, *words], capture_output=True,
                              timeout=60, check=False)

    def test_refuses_other_addresses(self):
        done = self.run_program("--host", "0.0.0.0")
        self.assertEqual(done.returncode, 64)

    def test_port_in_use(self):
        server = Server()
        done = self.run_program("--port", server.url.rsplit(":", 1)[1])
        self.assertEqual(done.returncode, 71, done.stderr)
        self.assertIn(b"cannot listen on 127.0.0.1:", done.stderr)
        self.assertEqual(server.stop(), 0)

    def test_temporary_state_goes(self):
        place = tempfile.mkdtemp()
        ready = os.path.join(place, "ready")
        env = dict(os.environ, TMPDIR=place)
        child = subprocess.Popen([BINARY, "--ready-file", ready], env=env,
                                 stderr=subprocess.DEVNULL)
        while not os.path.exists(ready):
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=20), 0)
        self.assertEqual(os.listdir(place), ["ready"])
        shutil.rmtree(place)

    def test_sql_script(self):
        place = tempfile.mkdtemp()
        script = os.path.join(place, "s.sql")
        with open(script, "w", encoding="utf-8") as file:
            file.write("CREATE TABLE t AS SELECT getvariable('n')::INT AS n;"
                       "COPY t TO '%s/t.csv' (HEADER);" % place)
        done = self.run_program("--sql", script, "--set", "n=7,m=x")
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(os.path.join(place, "t.csv"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "n\n7\n")
        with open(script, "w", encoding="utf-8") as file:
            file.write("SELECT 1; SELEC 2;")
        done = self.run_program("--sql", script)
        self.assertEqual(done.returncode, 65)
        self.assertIn(b"SELEC", done.stderr)
        shutil.rmtree(place)


if __name__ == "__main__":
    unittest.main()
