"""What S3 says of objects and uploads besides their bytes, seen by boto3.

Takes the program's path: test_s3.py PATH/lakeseg-local [test ...]
"""

import base64
import hashlib
import http.client
import os
import shutil
import tempfile
import threading
import unittest
import zlib

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from common import KEY, SECRET, Case, Server

MIB = 1 << 20
OTHER = "eu-west-1"
BUCKET_OWNER = "123456789012"


def b64(data):
    return base64.b64encode(data).decode()


def crc32(data):
    return b64(zlib.crc32(data).to_bytes(4, "big"))


def sha256(data):
    return b64(hashlib.sha256(data).digest())


class S3Case(Case):
    def create(self, key, **arguments):
        return {"Bucket": "results", "Key": key,
                "UploadId": self.s3.create_multipart_upload(
                    Bucket="results", Key=key, **arguments)["UploadId"]}

    def part(self, upload, number, body, **arguments):
        answer = self.s3.upload_part(PartNumber=number, Body=body, **upload,
                                     **arguments)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def complete(self, upload, parts, **arguments):
        return self.s3.complete_multipart_upload(
            MultipartUpload={"Parts": parts}, **upload, **arguments)

    def upload(self, key, bodies, **arguments):
        call = self.create(key, **arguments)
        return self.complete(call, [self.part(call, i + 1, body) for i, body
                                    in enumerate(bodies)])

    def get(self, key, **arguments):
        return self.s3.get_object(Bucket="results", Key=key, **arguments)

    def head(self, key, **arguments):
        return self.s3.head_object(Bucket="results", Key=key, **arguments)

    def data_files(self):
        return len(os.listdir(os.path.join(self.server.dir, "state", "s3",
                                           "data")))


class Parts(S3Case):
    bodies = (b"a" * (5 * MIB + 1), b"b" * (5 * MIB), b"c")

    def test_get_by_number(self):
        self.upload("parts", self.bodies, ChecksumAlgorithm="SHA256")
        total = sum(map(len, self.bodies))
        at = 0
        for number, body in enumerate(self.bodies, 1):
            for call in (self.get, self.head):
                found = call("parts", PartNumber=number,
                             ChecksumMode="ENABLED")
                self.assertEqual(
                    found["ResponseMetadata"]["HTTPStatusCode"], 206)
                self.assertEqual(found["ContentLength"], len(body))
                self.assertEqual(found["PartsCount"], 3)
                self.assertEqual(found["ChecksumSHA256"], sha256(body))
                self.assertEqual(found["ContentRange"], "bytes %d-%d/%d" % (
                    at, at + len(body) - 1, total))
            self.assertEqual(self.get("parts", PartNumber=number)["Body"]
                             .read(), body)
            at += len(body)
        self.assertNotIn("PartsCount", self.head("parts"))
        self.refused(416, "InvalidPartNumber", self.get, key="parts",
                     PartNumber=4)
        self.refused(400, "InvalidArgument", self.get, key="parts",
                     PartNumber=0)
        self.refused(400, "InvalidRequest", self.get, key="parts",
                     PartNumber=1, Range="bytes=0-1")

    def test_get_by_number_of_one_piece(self):
        self.s3.put_object(Bucket="results", Key="one", Body=b"123")
        found = self.get("one", PartNumber=1, ChecksumMode="ENABLED")
        self.assertEqual((found["ContentRange"], found["ContentLength"]),
                         ("bytes 0-2/3", 3))
        self.assertNotIn("PartsCount", found)
        self.refused(416, "InvalidPartNumber", self.get, key="one",
                     PartNumber=2)
        self.s3.put_object(Bucket="results", Key="one", Body=b"")
        self.assertEqual(self.get("one", PartNumber=1)["Body"].read(), b"")

    def test_composite_checksums(self):
        for algorithm, one, many in (
                ("CRC32", crc32, crc32), ("SHA256", sha256, sha256)):
            with self.subTest(algorithm=algorithm):
                done = self.upload("composite", self.bodies,
                                   ChecksumAlgorithm=algorithm)
                expected = many(b"".join(
                    base64.b64decode(one(b)) for b in self.bodies)) + "-3"
                name = "Checksum" + algorithm
                self.assertEqual(done[name], expected)
                self.assertEqual(done["ChecksumType"], "COMPOSITE")
                found = self.head("composite", ChecksumMode="ENABLED")
                self.assertEqual(found[name], expected)
                self.assertEqual(found["ChecksumType"], "COMPOSITE")

    def test_composite_crc32c(self):
        """The known value of 66,560 times "a"; parts' values by the server,
        as no client of ours has the algorithm."""
        call = self.create("c", ChecksumAlgorithm="CRC32C")
        self.part(call, 1, b"a" * 66560, ChecksumAlgorithm="CRC32",
                  ChecksumCRC32C="sOO8/Q==")
        found = self.s3.list_parts(**call)["Parts"][0]
        self.assertEqual(found["ChecksumCRC32C"], "sOO8/Q==")
        done = self.complete(call, [{"PartNumber": 1,
                                     "ETag": found["ETag"]}])
        self.assertTrue(done["ChecksumCRC32C"].endswith("-1"))

    def test_full_object_of_parts(self):
        whole = b"".join(self.bodies)
        done = self.upload("full", self.bodies, ChecksumAlgorithm="CRC32",
                           ChecksumType="FULL_OBJECT")
        self.assertEqual((done["ChecksumCRC32"], done["ChecksumType"]),
                         (crc32(whole), "FULL_OBJECT"))
        self.assertEqual(self.head("full", ChecksumMode="ENABLED")
                         ["ChecksumCRC32"], crc32(whole))
        self.s3.put_object(Bucket="results", Key="whole", Body=whole,
                           ChecksumAlgorithm="CRC32")
        call = self.create("full", ChecksumAlgorithm="CRC32",
                           ChecksumType="FULL_OBJECT")
        parts = [self.part(call, 1, whole)]
        self.refused(400, "BadDigest", self.complete, upload=call, parts=parts,
                     ChecksumCRC32="AAAAAA==")
        self.refused(400, "InvalidRequest", self.complete, upload=call,
                     parts=parts, MpuObjectSize=7)
        self.complete(call, parts, ChecksumCRC32=crc32(whole),
                      MpuObjectSize=len(whole))

    def test_kinds_that_there_are_not(self):
        for algorithm, kind in (("SHA256", "FULL_OBJECT"),
                                ("CRC64NVME", "COMPOSITE")):
            self.refused(400, "InvalidRequest", self.create, key="k",
                         ChecksumAlgorithm=algorithm, ChecksumType=kind)

    def test_condition(self):
        self.s3.put_object(Bucket="results", Key="there", Body=b"x")
        self.refused(412, "PreconditionFailed", self.s3.put_object,
                     Bucket="results", Key="there", Body=b"y",
                     IfNoneMatch="*")
        call = self.create("there")
        parts = [self.part(call, 1, b"y")]
        self.refused(412, "PreconditionFailed", self.complete, upload=call,
                     parts=parts, IfNoneMatch="*")
        self.assertEqual(self.get("there")["Body"].read(), b"x")
        self.s3.delete_object(Bucket="results", Key="there")
        self.complete(call, parts, IfNoneMatch="*")
        self.assertEqual(self.get("there")["Body"].read(), b"y")


class Joined(S3Case):
    """Parts come in any order, again, and in odd sizes."""

    def check(self, bodies, order):
        """order: (number, body) as they are sent; bodies: what it must be."""
        call = self.create("joined")
        etags = {n: self.part(call, n, body) for n, body in order}
        self.complete(call, [etags[n] for n in sorted(bodies)])
        whole = b"".join(bodies[n] for n in sorted(bodies))
        self.assertEqual(self.get("joined")["Body"].read(), whole)
        self.assertEqual(self.head("joined")["ContentLength"], len(whole))
        edge = len(bodies[min(bodies)])
        self.assertEqual(self.get("joined", Range="bytes=%d-%d" % (
            edge - 10, edge + 9))["Body"].read(), whole[edge - 10:edge + 10])
        self.assertEqual(self.get("joined", PartNumber=2)["Body"].read(),
                         bodies[sorted(bodies)[1]])
        self.s3.delete_object(Bucket="results", Key="joined")

    def test_orders(self):
        before = self.data_files()
        a, b, c = (os.urandom(6 * MIB) for _ in range(3))
        end, long, short = os.urandom(100), os.urandom(7 * MIB), \
            os.urandom(5 * MIB)
        for bodies, order in (
                ({1: a, 2: b, 3: end}, ((1, a), (2, b), (3, end))),
                ({1: a, 2: b, 3: end}, ((3, end), (2, b), (1, a))),
                ({1: a, 2: b, 3: c}, ((2, b), (3, c), (1, a))),
                # sent again: the last one counts
                ({1: a, 2: b, 3: end}, ((1, c), (2, b), (3, end), (1, a))),
                ({1: a, 2: b, 3: end},
                 ((1, a), (2, c), (2, a), (2, b), (3, end))),
                ({1: a, 2: end}, ((1, a), (2, b), (2, end))),
                ({1: a, 2: b}, ((1, a), (2, end), (2, b))),
                # odd sizes
                ({1: a, 2: long, 3: end}, ((1, a), (2, long), (3, end))),
                ({1: a, 2: short, 3: b}, ((1, a), (2, short), (3, b))),
                ({1: long, 2: a}, ((2, a), (1, long))),
                # numbers left out, parts left out
                ({2: a, 5: b, 10000: end}, ((2, a), (10000, end), (5, b))),
                ({1: a, 2: b}, ((1, a), (2, b), (3, c))),
                ({1: a, 3: c}, ((1, a), (2, b), (3, c)))):
            with self.subTest(order=[(n, len(x)) for n, x in order]):
                self.check(bodies, order)
        self.assertEqual(self.data_files(), before)

    def test_refused_completion_changes_nothing(self):
        a, b, end = os.urandom(5 * MIB), os.urandom(5 * MIB), b"end"
        self.s3.put_object(Bucket="results", Key="busy", Body=b"old")
        call = self.create("busy")
        parts = [self.part(call, n, x) for n, x in
                 ((1, b), (2, b), (3, end), (1, a))][1:]
        parts = [parts[2]] + parts[:2]
        for chosen in (parts, parts[:2]):
            self.refused(412, "PreconditionFailed", self.complete, upload=call,
                         parts=chosen, IfNoneMatch="*")
        parts[1] = self.part(call, 2, a)
        self.complete(call, parts)
        self.assertEqual(self.get("busy")["Body"].read(), a + a + end)

    def test_failed_part_keeps_the_one_before(self):
        before = self.data_files()
        a, b = os.urandom(5 * MIB), os.urandom(5 * MIB)
        call = self.create("kept")
        self.refused(400, "BadDigest", self.part, upload=call, number=1, body=b,
                     ChecksumCRC32="AAAAAA==")
        parts = [self.part(call, 1, a)]
        self.refused(400, "BadDigest", self.part, upload=call, number=1, body=b,
                     ChecksumCRC32="AAAAAA==")
        parts.append(self.part(call, 2, b"end"))
        self.complete(call, parts)
        self.assertEqual(self.get("kept")["Body"].read(), a + b"end")
        self.s3.delete_object(Bucket="results", Key="kept")
        self.assertEqual(self.data_files(), before)

    def test_part_that_stalls(self):
        """A part still on its way when the upload is completed with another
        of its number leaves the object alone."""
        a, b = os.urandom(5 * MIB), os.urandom(5 * MIB)
        call = self.create("stalled")
        sent = threading.Event()
        go_on = threading.Event()
        result = []

        def slow():
            def body():
                yield b[:MIB]
                sent.set()
                go_on.wait(20)
                yield b[MIB:]
            # botocore signs; http.client sends the pieces
            target = "%s/results/stalled?partNumber=1&uploadId=%s" % (
                self.server.url.rstrip("/"), call["UploadId"])
            request = AWSRequest("PUT", target, data=b, headers={
                "content-length": str(len(b))})
            S3SigV4Auth(Credentials(KEY, SECRET), "s3",
                        "us-east-1").add_auth(request)
            client = http.client.HTTPConnection(
                self.server.url.split("//")[1].rstrip("/"), timeout=30)
            client.request("PUT", target[target.index("/results"):], body(),
                           dict(request.headers.items()))
            result.append(client.getresponse().status)
            client.close()

        thread = threading.Thread(target=slow)
        thread.start()
        self.assertTrue(sent.wait(20))
        parts = [self.part(call, 1, a), self.part(call, 2, b"end")]
        self.complete(call, parts)
        go_on.set()
        thread.join(30)
        self.assertEqual(result, [404])
        self.assertEqual(self.get("stalled")["Body"].read(), a + b"end")

    def test_abort(self):
        before = self.data_files()
        call = self.create("aborted")
        self.part(call, 1, bytes(5 * MIB))
        self.part(call, 1, bytes(5 * MIB))
        self.part(call, 2, b"x")
        self.s3.abort_multipart_upload(**call)
        self.assertEqual(self.data_files(), before)

    def test_overwritten_while_read(self):
        self.upload("read", (b"a" * (6 * MIB), b"a"))
        body = self.get("read")["Body"]
        first = body.read(MIB)
        self.upload("read", (b"b" * (6 * MIB), b"b"))
        self.assertEqual(set(first + body.read()), {ord("a")})


class Lists(S3Case):
    def test_parts(self):
        call = self.create("listed", StorageClass="STANDARD_IA",
                           ChecksumAlgorithm="SHA256")
        for n in (1, 3, 7, 10000):
            self.part(call, n, b"%d" % n)
        page = self.s3.list_parts(MaxParts=3, **call)
        self.assertEqual(([p["PartNumber"] for p in page["Parts"]],
                          page["IsTruncated"], page["NextPartNumberMarker"],
                          page["StorageClass"], page["ChecksumAlgorithm"],
                          page["ChecksumType"]),
                         ([1, 3, 7], True, 7, "STANDARD_IA", "SHA256",
                          "COMPOSITE"))
        self.assertEqual(page["Parts"][1]["ChecksumSHA256"], sha256(b"3"))
        found = [p["PartNumber"] for page in self.s3.get_paginator(
            "list_parts").paginate(PaginationConfig={"PageSize": 1}, **call)
            for p in page["Parts"]]
        self.assertEqual(found, [1, 3, 7, 10000])
        self.s3.abort_multipart_upload(**call)
        self.refused(404, "NoSuchUpload", self.s3.list_parts, **call)

    def test_uploads(self):
        calls = [self.create(key) for key in ("u/b", "u/a", "v", "u/b", "t")]
        found = self.s3.list_multipart_uploads(Bucket="results",
                                               Prefix="u/")["Uploads"]
        self.assertEqual([u["Key"] for u in found], ["u/a", "u/b", "u/b"])
        self.assertEqual([u["UploadId"] for u in found],
                         [calls[i]["UploadId"] for i in (1, 0, 3)])
        for size in (1, 2, 3):
            pages = list(self.s3.get_paginator(
                "list_multipart_uploads").paginate(
                    Bucket="results", Prefix="u/",
                    PaginationConfig={"PageSize": size}))
            self.assertEqual([u["UploadId"] for p in pages
                              for u in p["Uploads"]],
                             [u["UploadId"] for u in found])
        self.assertEqual(
            [u["Key"] for u in self.s3.list_multipart_uploads(
                Bucket="results", KeyMarker="u/a")["Uploads"]],
            ["u/b", "u/b", "v"])
        for call in calls:
            self.s3.abort_multipart_upload(**call)

    def test_objects_tell_class_and_checksum(self):
        self.s3.put_object(Bucket="results", Key="cold/a", Body=b"",
                           StorageClass="GLACIER_IR",
                           ChecksumAlgorithm="SHA256")
        found = self.s3.list_objects_v2(Bucket="results",
                                        Prefix="cold/")["Contents"][0]
        self.assertEqual((found["StorageClass"], found["ChecksumAlgorithm"],
                          found["ChecksumType"]),
                         ("GLACIER_IR", ["SHA256"], "FULL_OBJECT"))


class Properties(S3Case):
    def both(self, key, **arguments):
        """The object as PutObject and as a multipart upload make it."""
        put = self.s3.put_object(Bucket="results", Key=key, Body=b"x",
                                 **arguments)
        yield put, self.head(key), self.get(key)
        done = self.upload(key, (b"x",), **arguments)
        yield done, self.head(key), self.get(key)

    def test_storage_class(self):
        for _, *found in self.both("class", StorageClass="STANDARD_IA"):
            for answer in found:
                self.assertEqual(answer["StorageClass"], "STANDARD_IA")
        for _, *found in self.both("class", StorageClass="STANDARD"):
            for answer in found:
                self.assertNotIn("StorageClass", answer)
        self.refused(400, "InvalidStorageClass", self.s3.put_object,
                     Bucket="results", Key="class", StorageClass="COLD")
        self.s3.put_object(Bucket="results", Key="class",
                           StorageClass="DEEP_ARCHIVE")
        self.head("class")
        self.refused(403, "InvalidObjectState", self.get, key="class")

    def test_tags(self):
        for _, *found in self.both("tags", Tagging="team=crm&a+b=%C3%BC&c="):
            for answer in found:
                self.assertEqual(answer["TagCount"], 3)
            self.assertEqual(
                self.s3.get_object_tagging(Bucket="results",
                                           Key="tags")["TagSet"],
                [{"Key": "team", "Value": "crm"}, {"Key": "a b", "Value": "ü"},
                 {"Key": "c", "Value": ""}])
        for tags, code in (("a=1&a=2", "InvalidTag"), ("=1", "InvalidTag"),
                           ("k" * 129 + "=1", "InvalidTag"),
                           ("k=" + "v" * 257, "InvalidTag"),
                           ("&".join("k%d=" % i for i in range(11)),
                            "BadRequest")):
            self.refused(400, code, self.s3.put_object, Bucket="results",
                         Key="tags", Tagging=tags)
        self.s3.put_object(Bucket="results", Key="tags", Body=b"kept")
        self.assertNotIn("TagCount", self.head("tags"))
        self.assertEqual(self.s3.get_object_tagging(
            Bucket="results", Key="tags")["TagSet"], [])
        self.refused(501, "NotImplemented", self.s3.put_object_tagging,
                     Bucket="results", Key="tags", Tagging={"TagSet": []})
        self.assertEqual(self.get("tags")["Body"].read(), b"kept")

    def test_metadata(self):
        kept = {"ContentType": "text/csv", "CacheControl": "no-store",
                "ContentLanguage": "de", "ContentDisposition": "inline",
                "ContentEncoding": "gzip",
                "Metadata": {"lakeseg-run": "01", "b": "c d"}}
        for _, *found in self.both("meta", **kept):
            for answer in found:
                self.assertEqual({k: answer[k] for k in kept}, kept)
        self.refused(400, "MetadataTooLarge", self.s3.put_object,
                     Bucket="results", Key="meta",
                     Metadata={"a": "x" * 2048})

    def test_encryption(self):
        arn = "arn:aws:kms:us-east-1:123456789012:key/k1"
        for arguments, want in (
                ({}, {"ServerSideEncryption": "AES256"}),
                ({"ServerSideEncryption": "AES256"},
                 {"ServerSideEncryption": "AES256"}),
                ({"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k1",
                  "BucketKeyEnabled": True},
                 {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": arn,
                  "BucketKeyEnabled": True}),
                ({"ServerSideEncryption": "aws:kms:dsse",
                  "SSEKMSKeyId": arn},
                 {"ServerSideEncryption": "aws:kms:dsse",
                  "SSEKMSKeyId": arn})):
            with self.subTest(arguments=arguments):
                for answers in self.both("sse", **arguments):
                    for answer in answers:
                        self.assertEqual(
                            {k: answer[k] for k in (
                                "ServerSideEncryption", "SSEKMSKeyId",
                                "BucketKeyEnabled") if k in answer}, want)
        for arguments in ({"ServerSideEncryption": "rot13"},
                          {"SSEKMSKeyId": "k1"},
                          {"ServerSideEncryption": "AES256",
                           "SSEKMSKeyId": "k1"}):
            self.refused(400, "InvalidArgument", self.s3.put_object,
                         Bucket="results", Key="sse", **arguments)

    def test_etag_under_kms_is_no_md5(self):
        md5 = '"%s"' % hashlib.md5(b"x").hexdigest()
        answers = [put["ETag"] for put, *_ in self.both("e")]
        self.assertEqual(answers[0], md5)
        for put, head, _ in self.both("e", ServerSideEncryption="aws:kms"):
            self.assertNotIn(put["ETag"], answers)
            self.assertEqual(put["ETag"], head["ETag"])

    def test_bucket_owner(self):
        owner = {"Bucket": "results", "ExpectedBucketOwner": BUCKET_OWNER}
        wrong = {"Bucket": "results", "ExpectedBucketOwner": "999999999999"}
        self.s3.put_object(Key="mine", Body=b"x", **owner)
        self.s3.head_object(Key="mine", **owner)
        self.s3.list_objects_v2(**owner)
        for name, arguments in (
                ("put_object", {"Key": "mine", "Body": b"y"}),
                ("get_object", {"Key": "mine"}),
                ("create_multipart_upload", {"Key": "mine"}),
                ("list_objects_v2", {}), ("list_multipart_uploads", {}),
                ("delete_object", {"Key": "mine"})):
            self.refused(403, "AccessDenied", getattr(self.s3, name),
                         **arguments, **wrong)
        self.refused(403, "403", self.s3.head_object, Key="mine", **wrong)
        self.assertEqual(self.get("mine")["Body"].read(), b"x")


class Regions(S3Case):
    options = ("--bucket", "far@" + OTHER)

    def test_redirect(self):
        seen = []
        self.s3.meta.events.register(
            "response-received.s3",
            lambda response_dict, **_: seen.append(
                (response_dict["status_code"],
                 response_dict["headers"].get("x-amz-bucket-region"))))
        # botocore goes where it is sent
        self.s3.put_object(Bucket="far", Key="k", Body=b"x")
        self.assertEqual(seen[0], (301, OTHER))
        self.assertEqual(seen[-1][0], 200)
        self.assertEqual(self.s3.get_object(Bucket="far", Key="k")["Body"]
                         .read(), b"x")

    def test_right_region(self):
        near = self.server.client("s3", region=OTHER)
        near.put_object(Bucket="far", Key="near", Body=b"x")
        self.assertEqual(near.head_bucket(Bucket="far")["BucketRegion"],
                         OTHER)
        self.assertEqual(near.get_bucket_location(Bucket="far")
                         ["LocationConstraint"], OTHER)

    def test_unknown_region(self):
        with self.assertRaises(ClientError) as caught:
            self.server.client("s3", region="ap-south-1").list_buckets()
        self.assertEqual(caught.exception.response["Error"]["Code"],
                         "AuthorizationHeaderMalformed")

    def test_region_outlives_the_process(self):
        state = tempfile.mkdtemp(prefix="lakeseg-state-")
        first = Server("--bucket", "far@" + OTHER, state=state)
        self.assertEqual(first.stop(), 0)
        second = Server(state=state)
        self.assertEqual(second.client("s3", region=OTHER).head_bucket(
            Bucket="far")["BucketRegion"], OTHER)
        self.assertEqual(second.stop(), 0)
        shutil.rmtree(state)


class Opaque(S3Case):
    options = ("--etag", "opaque")

    def test_etags(self):
        body = os.urandom(100)
        put = self.s3.put_object(Bucket="results", Key="o", Body=body)
        self.assertRegex(put["ETag"], '^"[0-9a-f]{32}"$')
        self.assertNotEqual(put["ETag"].strip('"'),
                            hashlib.md5(body).hexdigest())
        self.assertEqual(self.get("o", IfMatch=put["ETag"])["Body"].read(),
                         body)
        call = self.create("o")
        parts = [self.part(call, 1, bytes(5 * MIB)), self.part(call, 2, b"e")]
        self.refused(400, "InvalidPart", self.complete, upload=call, parts=[
            {"PartNumber": 1, "ETag": hashlib.md5(bytes(5 * MIB))
             .hexdigest()}])
        self.assertRegex(self.complete(call, parts)["ETag"],
                         '^"[0-9a-f]{32}-2"$')

    def test_md5_is_still_checked(self):
        wrong = b64(hashlib.md5(b"other").digest())
        self.refused(400, "BadDigest", self.s3.put_object, Bucket="results",
                     Key="o", Body=b"x", ContentMD5=wrong)
        self.s3.put_object(Bucket="results", Key="o", Body=b"x",
                           ContentMD5=b64(hashlib.md5(b"x").digest()))


if __name__ == "__main__":
    unittest.main()
