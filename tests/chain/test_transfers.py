"""s3-fetch and s3-put: right bytes under every interruption, nothing left
behind, and what they do with S3's own settings. KILLS is how often each is
killed: 100, or 25 where the programs are slow with sanitizers. The first
argument may be a class."""

import base64
import hashlib
import json
import os
import random
import signal
import subprocess
import tempfile
import time
import unittest
import zlib

from botocore.exceptions import ClientError

from harness import BIN, Case, program

MIB = 1 << 20
IS_SLOW = not {"asan", "tsan"}.isdisjoint(BIN.split("/"))
KILLS = int(os.environ.get("KILLS", "25" if IS_SLOW else "100"))
HANGS = "=delay:120000,count=0"  # longer than anything here waits


def noise(size, seed):
    return random.Random(seed).randbytes(size)


CRC32C_TABLE = []
for octet in range(256):
    for _ in range(8):
        octet = octet >> 1 ^ (0x82F63B78 if octet & 1 else 0)
    CRC32C_TABLE.append(octet)


def checksum(kind, data):
    """As S3's headers have it; computed without anything of ours."""
    if kind == "SHA256":
        raw = hashlib.sha256(data).digest()
    elif kind == "CRC32":
        raw = zlib.crc32(data).to_bytes(4, "big")
    else:
        crc = 0xFFFFFFFF
        for byte in data:
            crc = crc >> 8 ^ CRC32C_TABLE[(crc ^ byte) & 0xFF]
        raw = (crc ^ 0xFFFFFFFF).to_bytes(4, "big")
    return base64.b64encode(raw).decode()


class Moves(Case):
    def setUp(self):
        super().setUp()
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.s3 = self.local.s3()
        self.local.admin("faults", method="DELETE")
        for upload in self.uploads():  # of a test that failed
            self.s3.abort_multipart_upload(Bucket="results", Key=upload["Key"],
                                           UploadId=upload["UploadId"])

    def path(self, name):
        return os.path.join(self.dir.name, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def stored(self, key):
        return self.s3.get_object(Bucket="results", Key=key)["Body"].read()

    def start(self, *words, **environment):
        return subprocess.Popen(
            [program(words[0]), *words[1:]], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=self.local.environment(**environment))

    def run_one(self, *words, text=None, status=0, **environment):
        """The manifest or the bytes, and what was said."""
        done = subprocess.run(
            [program(words[0]), *words[1:]], input=text or b"",
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
            env=self.local.environment(**environment))
        said = done.stderr.decode()
        self.assertEqual(done.returncode, status, said)
        return done.stdout, said

    def uploads(self):
        return self.s3.list_multipart_uploads(Bucket="results") \
            .get("Uploads", [])

    def nothing_left(self, *names):
        self.assertEqual(sorted(os.listdir(self.dir.name)), sorted(names))
        self.assertEqual(self.uploads(), [])


class Kills(Moves):
    """Killed, and run again."""

    def kill_and_repeat(self, words, check):
        begun = time.monotonic()
        self.run_one(*words)
        whole = time.monotonic() - begun
        chance = random.Random(7)
        for _ in range(KILLS):
            check(False)
            child = self.start(*words)
            time.sleep(chance.uniform(0, whole * 1.2))
            child.kill()
            child.communicate()
            self.run_one(*words)
            check(True)

    def test_fetch_killed(self):
        data = noise(40 * MIB, 2)
        self.s3.put_object(Bucket="results", Key="killed", Body=data)
        out = self.path("out")

        def check(is_done):
            if is_done:
                self.assertEqual(self.read("out"), data)
                self.nothing_left("out")
            elif os.path.exists(out):
                os.unlink(out)
        self.kill_and_repeat(["s3-fetch", "s3://results/killed", "--output",
                              out], check)

    def test_put_killed(self):
        data = noise(40 * MIB, 3)
        digest = hashlib.sha256(data).digest()
        source = self.write("in", data)

        def check(is_done):
            if is_done:
                self.assertEqual(
                    hashlib.sha256(self.stored("put")).digest(), digest)
                self.nothing_left("in")
            else:
                self.s3.delete_object(Bucket="results", Key="put")
        self.kill_and_repeat(["s3-put", source, "--to", "s3://results/put"],
                             check)


class Transfers(Moves):
    # both ways, all sizes

    def test_sizes(self):
        for size in (0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 24 * MIB,
                     24 * MIB + 5):
            with self.subTest(size=size):
                data = noise(size, size)
                source = self.write("in", data)
                self.run_one("s3-put", source, "--to", "s3://results/sizes/in")
                self.assertEqual(self.stored("sizes/in"), data)
                self.run_one("s3-fetch", "s3://results/sizes/in", "--output",
                             self.path("out"))
                self.assertEqual(self.read("out"), data)
                out, _ = self.run_one("s3-fetch", "s3://results/sizes/in")
                self.assertEqual(out, data)
                self.run_one("s3-put", "-", "--to", "s3://results/sizes/pipe",
                             text=data)
                self.assertEqual(self.stored("sizes/pipe"), data)
                self.nothing_left("in", "out")

    def test_a_pipe_of_more_parts_than_slots(self):
        data = noise(70 * MIB, 1)
        self.run_one("s3-put", "-", "--to", "s3://results/pipe", "--memory",
                     "32M", text=data)  # one part of 8 MiB at a time
        self.assertEqual(self.stored("pipe"), data)
        out, _ = self.run_one("s3-fetch", "s3://results/pipe", "--memory",
                              "32M")
        self.assertEqual(out, data)

    # Stopped in the middle, at a place that does not depend on how quick
    # anything is: from there on the server hangs.

    def stop_a_fetch(self, key, ranges, sig, *words):
        """When so many ranges of 8 MiB are there, and no more come."""
        self.local.fault(rule="s3.GetObject%s,skip=%d" % (HANGS, ranges))
        child = self.start("s3-fetch", "s3://results/" + key, "--output",
                           self.path("out"), "--concurrency", "1", *words)
        self.wait_until(child, lambda: os.path.exists(
            self.path("out.part.journal")) and self.read(
                "out.part.journal").count(b"\n") > ranges)
        return self.end(child, sig)

    def stop_a_put(self, words, sig):
        """When S3 has two parts, and takes no more."""
        self.local.fault(rule="s3.UploadPart%s,skip=2" % HANGS)
        child = self.start(*words)
        self.wait_until(child, lambda: [
            upload["parts"] for upload in self.local.admin("uploads")] == [2])
        return self.end(child, sig)

    def check_had(self, said):
        """Two parts, or three: one that was on its way when its sender died
        may still have come."""
        self.assertRegex(said, "(%d|%d) were there already" %
                         (16 * MIB, 24 * MIB))

    def wait_until(self, child, is_there):
        deadline = time.monotonic() + 120
        while not is_there():
            if child.poll() is not None or time.monotonic() > deadline:
                child.kill()
                self.fail(child.communicate()[1].decode())
            time.sleep(0.01)

    def end(self, child, sig):
        begun = time.monotonic()
        child.send_signal(sig)
        _, said = child.communicate(timeout=60)
        self.took = time.monotonic() - begun
        self.local.admin("faults", method="DELETE")
        return child.returncode, said.decode()

    def test_a_fetch_goes_on_where_it_was(self):
        data = noise(64 * MIB, 4)
        self.s3.put_object(Bucket="results", Key="on", Body=data)
        self.stop_a_fetch("on", 4, signal.SIGKILL)
        with open(self.path("out.part"), "r+b") as part:
            part.seek(8 * MIB + 5)  # what a lost page would be
            byte = part.read(1)
            part.seek(8 * MIB + 5)
            part.write(bytes([byte[0] ^ 1]))
        words = ["s3-fetch", "s3://results/on", "--output", self.path("out")]
        _, said = self.run_one(*words)
        self.assertIn("%d were there already" % (24 * MIB), said)
        self.assertEqual(self.read("out"), data)
        self.nothing_left("out")
        _, said = self.run_one(*words)  # and it is not fetched once more
        self.assertIn("%d were there already" % len(data), said)

    def test_a_fetch_of_a_new_version_begins_anew(self):
        self.s3.put_object(Bucket="results", Key="new", Body=noise(64 * MIB, 5))
        self.stop_a_fetch("new", 3, signal.SIGKILL)
        data = noise(64 * MIB, 6)
        self.s3.put_object(Bucket="results", Key="new", Body=data)
        _, said = self.run_one("s3-fetch", "s3://results/new", "--output",
                               self.path("out"))
        self.assertNotIn("were there already", said)
        self.assertEqual(self.read("out"), data)
        self.nothing_left("out")

    def test_a_put_goes_on_where_it_was(self):
        data = noise(64 * MIB, 8)
        source = self.write("in", data)
        words = ["s3-put", source, "--to", "s3://results/on", "--concurrency",
                 "1"]
        self.stop_a_put(words, signal.SIGKILL)
        self.assertEqual(len(self.uploads()), 1)
        _, said = self.run_one(*words)
        self.check_had(said)
        self.assertEqual(self.stored("on"), data)
        self.nothing_left("in")
        # a file that has changed is another upload, and the old one is ended
        self.stop_a_put(words, signal.SIGKILL)
        self.write("in", data[:-1])
        _, said = self.run_one(*words)
        self.assertNotIn("were there already", said)
        self.assertEqual(self.stored("on"), data[:-1])
        self.nothing_left("in")

    # asked to stop

    def test_a_signal_leaves_nothing(self):
        data = noise(64 * MIB, 9)
        source = self.write("in", data)
        words = ["s3-put", source, "--to", "s3://results/stopped",
                 "--concurrency", "1"]
        status, said = self.stop_a_put(words, signal.SIGTERM)
        self.assertEqual(status, 75, said)
        self.assertIn("aborted the upload", said)
        self.nothing_left("in")
        self.s3.put_object(Bucket="results", Key="stopped", Body=data)
        status, said = self.stop_a_fetch("stopped", 3, signal.SIGTERM)
        self.assertEqual(status, 75, said)
        self.nothing_left("in")

    def test_a_signal_while_the_server_hangs(self):
        """Within the 30 s that a container gets, whatever S3 does."""
        source = self.write("in", noise(40 * MIB, 12))
        for operation in ("ListParts", "AbortMultipartUpload"):
            with self.subTest(operation):
                self.local.fault(rule="s3." + operation + HANGS)
                status, said = self.stop_a_put(
                    ["s3-put", source, "--to", "s3://results/hangs",
                     "--concurrency", "1"], signal.SIGTERM)
                self.assertLess(self.took, 30, said)
                self.assertEqual(status, 75, said)
        # what could not be ended is known to the next try
        self.run_one("s3-put", source, "--to", "s3://results/hangs")
        self.nothing_left("in")

    def test_what_is_kept_when_asked(self):
        data = noise(64 * MIB, 10)
        source = self.write("in", data)
        words = ["s3-put", source, "--to", "s3://results/kept",
                 "--concurrency", "1", "--keep-partial"]
        _, said = self.stop_a_put(words, signal.SIGTERM)
        self.assertIn("kept upload " + self.uploads()[0]["UploadId"], said)
        _, said = self.run_one(*words)
        self.check_had(said)
        self.nothing_left("in")
        self.stop_a_fetch("kept", 3, signal.SIGTERM, "--keep-partial")
        self.assertTrue(os.path.exists(self.path("out.part")))
        _, said = self.run_one("s3-fetch", "s3://results/kept", "--output",
                               self.path("out"))
        self.assertIn("%d were there already" % (24 * MIB), said)
        self.assertEqual(self.read("out"), data)
        self.nothing_left("in", "out")

    def test_two_at_once(self):
        self.s3.put_object(Bucket="results", Key="two", Body=noise(1000, 1))
        with open(self.path("out.part.journal"), "wb") as journal:
            import fcntl
            fcntl.lockf(journal, fcntl.LOCK_EX)
            _, said = self.run_one("s3-fetch", "s3://results/two", "--output",
                                   self.path("out"), status=74)
        self.assertIn("another process is at work", said)

    # wrong bytes

    def rot(self, key, at):
        """Changes a byte where the server keeps the object."""
        size = self.s3.head_object(Bucket="results",
                                   Key=key)["ContentLength"]
        changed = 0
        for folder, _, names in os.walk(os.path.join(self.local.dir, "state",
                                                     "s3")):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.getsize(path) == size:
                    with open(path, "r+b") as file:
                        file.seek(at)
                        byte = file.read(1)
                        file.seek(at)
                        file.write(bytes([byte[0] ^ 4]))
                    changed += 1
        self.assertEqual(changed, 1)

    def test_bytes_that_are_not_those_sent(self):
        data = noise(20 * MIB, 11)
        self.s3.put_object(Bucket="results", Key="rotten", Body=data)
        self.rot("rotten", 10 * MIB)
        for words in (["--output", self.path("out")], []):
            _, said = self.run_one("s3-fetch", "s3://results/rotten", *words,
                                   status=65)
            self.assertIn("DataInvalid", said)
            self.assertIn("S3 says", said)
        self.nothing_left()

    def put_by_manifest(self, source, crc64nvme, status=0):
        manifest = {"lakeseg": 1, "run": {"id": "r", "work_uri":
                                          "s3://results/work/"},
                    "data": [{"uri": source, "role": "normalized",
                              "format": "csv", "compression": "none",
                              "bytes": None, "rows": None,
                              "crc64nvme": crc64nvme}]}
        return self.run_one("s3-put", text=json.dumps(manifest).encode(),
                            status=status)

    def test_an_object_that_is_there_already(self):
        """What an earlier try left is cleared away all the same."""
        source = self.write("in", noise(40 * MIB, 17))
        out, _ = self.put_by_manifest(source, None)
        entry = json.loads(out)["data"][0]
        words = ["s3-put", source, "--to", entry["uri"], "--concurrency", "1"]
        self.s3.delete_object(Bucket="results",
                              Key=entry["uri"].removeprefix("s3://results/"))
        self.stop_a_put(words, signal.SIGKILL)
        self.run_one("s3-put", self.write("copy", noise(40 * MIB, 17)),
                     "--to", entry["uri"])
        _, said = self.put_by_manifest(source, entry["crc64nvme"])
        self.assertIn("%d were there already" % (40 * MIB), said)
        self.nothing_left("copy", "in")

    def test_a_manifest_with_another_checksum(self):
        source = self.write("in", noise(20 * MIB, 12))
        _, said = self.put_by_manifest(source, "rosUhgp5mIg=", status=65)
        self.assertIn("the manifest says rosUhgp5mIg=", said)
        self.nothing_left("in")
        self.assertEqual(self.local.objects(prefix="work/"), {})

    def test_checksums_of_every_kind(self):
        data = noise(11 * MIB, 13)
        for kind in ("CRC32", "CRC32C", "SHA256"):
            for pieces in ([data], [data[:5 * MIB], data[5 * MIB:10 * MIB],
                                    data[10 * MIB:]],
                           [data[:5 * MIB], data[5 * MIB:10 * MIB]]):
                with self.subTest(kind=kind, parts=len(pieces)):
                    self.upload(kind, pieces)
                    _, said = self.run_one(
                        "s3-fetch", "s3://results/sums", "--output",
                        self.path("out"))
                    self.assertEqual(self.read("out"), b"".join(pieces))
                    self.assertNotIn("not compared", said)
                    out, said = self.run_one("s3-fetch", "s3://results/sums")
                    self.assertEqual(out, b"".join(pieces))
                    self.assertNotIn("not compared", said)
                    self.rot("sums", 11 * MIB - 1 if len(pieces) != 2
                             else 10 * MIB - 1)
                    os.unlink(self.path("out"))
                    for words in (["--output", self.path("out")], []):
                        _, said = self.run_one("s3-fetch", "s3://results/sums",
                                               *words, status=65)
                        self.assertIn("DataInvalid", said)
                    self.nothing_left()

    def upload(self, kind, pieces):
        sums = [{"Checksum" + kind: checksum(kind, piece)} for piece in pieces]
        if len(pieces) == 1:
            self.s3.put_object(Bucket="results", Key="sums", Body=pieces[0],
                               **sums[0])
            return
        upload = self.s3.create_multipart_upload(
            Bucket="results", Key="sums", ChecksumAlgorithm=kind)["UploadId"]
        done = []
        for i, piece in enumerate(pieces):
            answer = self.s3.upload_part(
                Bucket="results", Key="sums", UploadId=upload,
                PartNumber=i + 1, Body=piece, **sums[i])
            done.append({"PartNumber": i + 1, "ETag": answer["ETag"],
                         **sums[i]})
        self.s3.complete_multipart_upload(
            Bucket="results", Key="sums", UploadId=upload,
            MultipartUpload={"Parts": done})

    # what S3 is told

    def test_only_if_absent(self):
        for size in (1000, 20 * MIB):
            with self.subTest(size=size):
                source = self.write("in", noise(size, 14))
                words = ["s3-put", source, "--to", "s3://results/absent%d"
                         % size, "--only-if-absent"]
                self.run_one(*words)
                self.run_one(*words)  # the same bytes: nothing to complain of
                self.write("in", noise(size, 15))
                _, said = self.run_one(*words, status=69)
                self.assertIn("PreconditionFailed", said)
                self.nothing_left("in")
                self.assertEqual(self.stored("absent%d" % size),
                                 noise(size, 14))

    def test_how_it_is_kept(self):
        for size in (1000, 20 * MIB):
            with self.subTest(size=size):
                source = self.write("in.csv", noise(size, 16))
                self.run_one(
                    "s3-put", source, "--to", "s3://results/kept/",
                    "--encryption", "aws:kms", "--kms-key", "key-1",
                    "--kms-context", '{"team":"crm"}', "--bucket-key",
                    "--storage-class", "STANDARD_IA", "--tags", "a=1&b=%20",
                    "--metadata", "origin=lake,run=7")
                head = self.s3.head_object(Bucket="results", Key="kept/in.csv")
                self.assertEqual(head["ContentType"],
                                 "text/csv; charset=utf-8")
                self.assertEqual(head["ServerSideEncryption"], "aws:kms")
                self.assertTrue(head["SSEKMSKeyId"].endswith("key-1"))
                self.assertEqual(head["BucketKeyEnabled"], True)
                self.assertEqual(head["StorageClass"], "STANDARD_IA")
                self.assertEqual(head["Metadata"],
                                 {"origin": "lake", "run": "7"})

    def test_wrong_settings(self):
        source = self.write("in", b"x")
        for words, status, text in (
                (["--encryption", "rot13"], 78, "none of AES256"),
                (["--encryption", "AES256", "--kms-key", "k"], 78, "KMS key"),
                (["--metadata", "novalue"], 78, "NAME=VALUE"),
                (["--bucket-owner", "1234"], 78, "12 digits"),
                (["--concurrency", "0"], 78, "1 to 64"),
                (["--memory", "1M"], 78, "32M")):
            with self.subTest(words=words):
                _, said = self.run_one("s3-put", source, "--to",
                                       "s3://results/x", *words, status=status)
                self.assertIn(text, said)
        for words in (["s3-put", source], ["s3-put", "-", "--to",
                                           "s3://results/folder/"],
                      ["s3-fetch", source]):
            self.run_one(*words, status=64)
        with self.assertRaises(ClientError):
            self.s3.head_object(Bucket="results", Key="x")

    def test_zstd_spool(self):
        text = b"Id,ChannelType,Address\n" + b"".join(
            b"e%d,EMAIL,e%d@example.com\n" % (i, i) for i in range(50000))
        self.s3.put_object(Bucket="results", Key="spool.csv", Body=text)
        manifest = {"lakeseg": 1, "run": {"id": "spool"},
                    "data": [{"uri": "s3://results/spool.csv",
                              "role": "query-result", "format": "csv",
                              "compression": "none", "bytes": len(text),
                              "rows": None}]}
        out, _ = self.run_one("s3-fetch", "--compress", "zstd", "--dir",
                              self.dir.name,
                              text=json.dumps(manifest).encode())
        entry = json.loads(out)["data"][0]
        self.assertEqual(entry["compression"], "zstd")
        self.assertLess(entry["bytes"], len(text) / 3)
        out, _ = self.run_one("csv-validate-normalize", text=out)
        rows = [entry["rows"] for entry in json.loads(out)["data"]
                if entry["role"] == "normalized"]
        self.assertEqual(rows, [50000])


if __name__ == "__main__":
    unittest.main()
