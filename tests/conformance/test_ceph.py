"""Our S3 and STS clients against a real Ceph gateway, which checks signatures,
policies and parts as strictly as S3 does. `scripts/test --tier ceph` runs it;
the first argument is the driver (tests/conformance/s3.c)."""

import concurrent.futures
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import botocore.exceptions

from ceph import Ceph
from harness import check_manifest, program

KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
DRIVER = None  # the program
NODE = None  # the Ceph
PART = 5 << 20
SEED = 20261124
COUNT = 2500


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s3 = NODE.s3(KEY, SECRET)
        try:
            cls.s3.create_bucket(Bucket="results")
        except botocore.exceptions.ClientError:
            pass  # it is ours already

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lakeseg-test-")
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name, data=None):
        path = os.path.join(self.dir, name)
        if data is not None:
            with open(path, "wb") as file:
                file.write(data)
        return path

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def environment(self, **changes):
        env = {"PATH": os.environ["PATH"], "HOME": self.dir,
               "AWS_ENDPOINT_URL": NODE.url, "AWS_REGION": "us-east-1",
               "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
               "AWS_EC2_METADATA_DISABLED": "true",
               "LAKESEG_RETRY_BASE_MS": "1",
               "LAKESEG_WORK": self.path("work")}
        env.update({k: v for k, v in changes.items() if v is not None})
        for name in [k for k, v in changes.items() if v is None]:
            env.pop(name, None)
        return env

    def start(self, words, text=b"", **changes):
        return subprocess.run(words, input=text, timeout=120,
                              env=self.environment(**changes),
                              capture_output=True, check=False)

    def call(self, *words, want=None, **changes):
        """The driver's answer; want: the exit status and name of an error."""
        done = self.start([DRIVER, *words], **changes)
        answer = json.loads(done.stdout)
        if want is None:
            self.assertEqual(done.returncode, 0, (words, answer))
        else:
            self.assertEqual((done.returncode, answer["error"]["name"]), want,
                             (words, answer))
        return answer

    def program(self, *words, document=None, **changes):
        """One of our programs: its status, manifest and messages."""
        text = b"" if document is None else json.dumps(document).encode()
        done = self.start([program(words[0]), *words[1:]], text, **changes)
        manifest = check_manifest(done.stdout) if done.stdout else None
        return done.returncode, manifest, done.stderr.decode()


class Signatures(Case):
    def refused(self, name, want, service, **changes):
        self.path("x", b"some bytes")
        words = ["--tamper", name] if name else []
        answer = self.call("put", "results", "refused", self.path("x"),
                           *words, want=want, **changes)
        self.assertEqual(answer["error"]["service"], service)
        self.call("head", "results", "refused", want=(69, "ServiceRefused"))

    def test_good(self):
        put = self.call("put", "results", "good", self.path("x", b"bytes"))
        head = self.call("head", "results", "good")
        self.assertEqual(head["etag"],
                         '"%s"' % hashlib.md5(b"bytes").hexdigest())
        self.assertEqual((put["etag"], 5), (head["etag"], head["bytes"]))

    def test_flipped(self):
        self.refused("signature", (77, "SignatureRefused"),
                     "SignatureDoesNotMatch")

    def test_hash_changed_on_the_way(self):
        self.refused("hash", (77, "SignatureRefused"),
                     "SignatureDoesNotMatch")

    def test_body_changed_on_the_way(self):
        self.refused("body", (69, "ServiceRefused"),
                     "XAmzContentSHA256Mismatch")

    def test_unknown_key(self):
        self.refused(None, (77, "SignatureRefused"), "InvalidAccessKeyId",
                     AWS_ACCESS_KEY_ID="AKIDNOBODY")

    def refused_secret(self, name, *words, document=None):
        status, manifest, _ = self.program(
            *words, document=document, AWS_SECRET_ACCESS_KEY=SECRET[:-1])
        self.assertEqual(status, 77)
        self.assertEqual(manifest["error"]["name"], name)

    def test_wrong_secret(self):
        # the answer to a HEAD has no room for a reason
        self.refused_secret("AccessDenied", "s3-fetch", document={
            "lakeseg": 1, "data": [{"uri": "s3://results/good",
                                    "role": "query-result"}]})
        self.refused_secret("SignatureRefused", "s3-put", "--to",
                            "s3://results/refused", self.path("x", b"bytes"))

    def test_somebody_elses_bucket(self):
        NODE.user("other", "AKIDOTHER", "othersecret")
        answer = self.call("list", "results", "", want=(77, "AccessDenied"),
                           AWS_ACCESS_KEY_ID="AKIDOTHER",
                           AWS_SECRET_ACCESS_KEY="othersecret")
        self.assertEqual(answer["error"]["service"], "AccessDenied")

    def test_region(self):
        """One zone answers for every region; the scope must still agree."""
        for region in ("eu-central-1", "cn-north-1"):
            self.call("put", "results", "region", self.path("x", b"bytes"),
                      AWS_REGION=region)
            self.call("list", "results", "region", AWS_REGION=region)

    def test_missing(self):
        for words in (["get", "results", "nothing", self.path("o")],
                      ["get", "no-such-bucket", "x", self.path("o")],
                      ["head", "results", "nothing"]):
            answer = self.call(*words, want=(69, "ServiceRefused"))
            self.assertEqual(answer["error"]["http_status"], 404)


class Clock(Case):
    def test_twenty_minutes_off(self):
        data = os.urandom(100000)
        self.s3.put_object(Bucket="results", Key="clock", Body=data)
        for offset in ("-20m", "+20m"):
            for words in (["get", "results", "clock", self.path("o")],
                          ["head", "results", "clock"],
                          ["put", "results", "clock", self.path("x", data)]):
                done = self.start(["faketime", "-f", offset, DRIVER, *words])
                self.assertEqual(done.returncode, 0, done.stdout)
                self.assertEqual(done.stderr.count(b"clock is off"), 1,
                                 done.stderr)
            self.assertEqual(self.read("o"), data)

    def test_many_calls_one_correction(self):
        data = os.urandom(2 * PART + 5)
        done = self.start(["faketime", "-f", "-20m", program("s3-put"),
                           "--concurrency", "1", "--to", "s3://results/late",
                           self.path("x", data)])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count(b"clock is off"), 1, done.stderr)
        stored = self.s3.get_object(Bucket="results", Key="late")
        self.assertEqual(stored["Body"].read(), data)


class TemporaryKeys(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.role = NODE.role(
            "reader", "main", ["s3:GetObject", "s3:ListBucket"],
            ["arn:aws:s3:::results", "arn:aws:s3:::results/*"])
        cls.s3.put_object(Bucket="results", Key="for-roles", Body=b"bytes")

    def setUp(self):
        super().setUp()
        self.path("config", (
            "[profile source]\naws_access_key_id = %s\n"
            "aws_secret_access_key = %s\n"
            "[profile reader]\nrole_arn = %s\nsource_profile = source\n"
            "[profile nobody]\nrole_arn = %sx\nsource_profile = source\n"
            % (KEY, SECRET, self.role, self.role)).encode())
        self.env = {"AWS_ENDPOINT_URL": NODE.sts_url, "AWS_PROFILE": "reader",
                    "AWS_CONFIG_FILE": self.path("config"),
                    "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}

    def test_allowed(self):
        self.call("get", "results", "for-roles", self.path("o"), **self.env)
        self.assertEqual(self.read("o"), b"bytes")
        keys = self.call("list", "results", "for-", **self.env)["keys"]
        self.assertEqual([k["key"] for k in keys], ["for-roles"])

    def test_not_allowed(self):
        for words in (["put", "results", "for-roles", self.path("x", b"y")],
                      ["create", "results", "for-roles"]):
            answer = self.call(*words, want=(77, "AccessDenied"), **self.env)
            self.assertEqual(answer["error"]["service"], "AccessDenied")
        stored = self.s3.get_object(Bucket="results", Key="for-roles")
        self.assertEqual(stored["Body"].read(), b"bytes")

    def test_programs(self):
        status, manifest, errors = self.program(
            "s3-fetch", document={"lakeseg": 1, "data": [
                {"uri": "s3://results/for-roles", "role": "query-result"}]},
            **self.env)
        self.assertEqual(status, 0, errors)
        with open(manifest["data"][0]["uri"], "rb") as file:
            self.assertEqual(file.read(), b"bytes")
        status, manifest, _ = self.program(
            "s3-put", "--to", "s3://results/for-roles",
            self.path("x", b"y"), **self.env)
        self.assertEqual(status, 77)
        self.assertEqual(manifest["error"]["name"], "AccessDenied")

    def test_no_such_role(self):
        self.env["AWS_PROFILE"] = "nobody"
        answer = self.call("list", "results", "", want=(69, "ServiceRefused"),
                           **self.env)
        self.assertIn("AssumeRole", answer["error"]["message"])

    def test_source_without_rights(self):
        self.env["AWS_PROFILE"] = "reader"
        text = self.read("config").replace(SECRET.encode(), b"wrong")
        self.path("config", text)
        answer = self.call("list", "results", "", want=(77, "AccessDenied"),
                           **self.env)
        self.assertIn("AssumeRole", answer["error"]["message"])

    def keys_of_role(self):
        import boto3
        sts = boto3.client("sts", endpoint_url=NODE.sts_url,
                           region_name="us-east-1", aws_access_key_id=KEY,
                           aws_secret_access_key=SECRET)
        keys = sts.assume_role(RoleArn=self.role,
                               RoleSessionName="test")["Credentials"]
        return {"AWS_ENDPOINT_URL": NODE.sts_url,
                "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
                "AWS_SESSION_TOKEN": keys["SessionToken"]}

    def test_token(self):
        env = self.keys_of_role()
        self.call("list", "results", "for-", **env)
        for change, name in (
                ({"AWS_SESSION_TOKEN": None}, "AccessDenied"),
                ({"AWS_SESSION_TOKEN": env["AWS_SESSION_TOKEN"][:-9]},
                 "AccessDenied"),
                ({"AWS_SECRET_ACCESS_KEY": SECRET}, "SignatureRefused")):
            self.call("list", "results", "for-", want=(77, name),
                      **{**env, **change})


class Certificates(Case):
    def test_our_ca(self):
        env = {"AWS_ENDPOINT_URL": NODE.tls_url, "AWS_CA_BUNDLE": NODE.ca}
        data = os.urandom(2 * PART + 1)
        self.call("put", "results", "tls", self.path("x", b"bytes"), **env)
        self.call("get", "results", "tls", self.path("o"), **env)
        self.assertEqual(self.read("o"), b"bytes")
        status, _, errors = self.program(
            "s3-put", "--to", "s3://results/tls-parts", self.path("x", data),
            **env)
        self.assertEqual(status, 0, errors)
        status, _, errors = self.program(
            "s3-fetch", "--output", self.path("o"), "s3://results/tls-parts",
            **env)
        self.assertEqual(status, 0, errors)
        self.assertEqual(self.read("o"), data)

    def test_of_the_profile(self):
        self.path("config", ("[default]\nca_bundle = %s\n" %
                             NODE.ca).encode())
        self.call("list", "results", "tls", AWS_ENDPOINT_URL=NODE.tls_url,
                  AWS_CONFIG_FILE=self.path("config"))

    def test_unknown_ca(self):
        for bundle in (None, NODE.other_ca):
            answer = self.call("list", "results", "",
                               want=(75, "ServiceUnavailable"),
                               AWS_ENDPOINT_URL=NODE.tls_url,
                               AWS_CA_BUNDLE=bundle)
            self.assertIn("certificate", answer["error"]["message"])

    def test_wrong_name(self):
        answer = self.call(
            "list", "results", "", want=(75, "ServiceUnavailable"),
            AWS_ENDPOINT_URL=NODE.tls_url.replace("127.0.0.1", "127.0.0.2"),
            AWS_CA_BUNDLE=NODE.ca)
        self.assertTrue(answer["error"]["message"])

    def test_no_bundle(self):
        answer = self.call("list", "results", "", want=(78, "ConfigInvalid"),
                           AWS_ENDPOINT_URL=NODE.tls_url,
                           AWS_CA_BUNDLE=self.path("nothing"))
        self.assertIn("nothing", answer["error"]["message"])


class Parts(Case):
    def begin(self, key):
        return self.call("create", "results", key)["upload_id"]

    def part(self, key, upload, number, data):
        return self.call("part", "results", key, upload, str(number),
                         self.path("part", data))

    def complete(self, key, upload, parts, *words, **changes):
        self.path("parts", json.dumps(parts).encode())
        return self.call("complete", "results", key, upload,
                         self.path("parts"), *words, **changes)

    def test_complete(self):
        key = "parts/a b+\u00e9"
        upload = self.begin(key)
        blocks = [os.urandom(PART), os.urandom(PART + 7), b"tail"]
        parts = {n: self.part(key, upload, n, blocks[n - 1])
                 for n in (2, 3, 1)}
        again = os.urandom(PART)
        blocks[0], parts[1] = again, self.part(key, upload, 1, again)
        listed = self.call("list-parts", "results", key, upload)["parts"]
        self.assertEqual([(p["number"], p["bytes"], p["etag"])
                          for p in listed],
                         [(n, len(blocks[n - 1]), parts[n]["etag"])
                          for n in (1, 2, 3)])
        done = self.complete(key, upload, [parts[n] for n in (1, 2, 3)])
        self.assertTrue(done["etag"].strip('"').endswith("-3"), done)
        self.call("get", "results", key, self.path("o"))
        self.assertEqual(self.read("o"), b"".join(blocks))
        self.call("get", "results", key, self.path("o"),
                  "--range", "%d-%d" % (PART - 2, PART + 1))
        self.assertEqual(self.read("o"), blocks[0][-2:] + blocks[1][:2])

    def test_abort(self):
        upload = self.begin("aborted")
        part = self.part("aborted", upload, 1, b"bytes")
        self.call("abort", "results", "aborted", upload)
        for words, code in (
                (["list-parts", "results", "aborted", upload], "NoSuchKey"),
                (["part", "results", "aborted", upload, "2",
                  self.path("part")], "NoSuchUpload"),
                (["abort", "results", "aborted", upload], "NoSuchUpload")):
            answer = self.call(*words, want=(69, "ServiceRefused"))
            self.assertEqual(answer["error"]["service"], code)
        # Ceph takes it for one that is being put together
        self.complete("aborted", upload, [part],
                      want=(75, "ServiceUnavailable"))
        self.call("head", "results", "aborted", want=(69, "ServiceRefused"))

    def test_refused_parts(self):
        upload = self.begin("refused-parts")
        parts = [self.part("refused-parts", upload, n, b"small")
                 for n in (1, 2)]
        for changed, code in (
                (parts, "EntityTooSmall"),
                ([{**parts[0], "etag": '"%032d"' % 0}], "InvalidPart"),
                ([{**parts[0], "number": 9}], "InvalidPart")):
            answer = self.complete("refused-parts", upload, changed,
                                   want=(69, "ServiceRefused"))
            self.assertEqual(answer["error"]["service"], code)
        self.call("abort", "results", "refused-parts", upload)

    def test_many(self):
        """More parts than one page of the list has."""
        upload = self.begin("many")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            etags = list(pool.map(lambda n: self.s3.upload_part(
                Bucket="results", Key="many", UploadId=upload, PartNumber=n,
                Body=b"%d" % n)["ETag"], range(1, 1101)))
        listed = self.call("list-parts", "results", "many", upload)["parts"]
        self.assertEqual([p["etag"] for p in listed], etags)
        self.assertEqual([p["number"] for p in listed],
                         list(range(1, 1101)))
        self.call("abort", "results", "many", upload)


class Conditions(Case):
    def test_put_if_absent(self):
        put = ["put", "results", "once", self.path("x", b"first"),
               "--if-none-match"]
        first = self.call(*put)
        self.path("x", b"other")
        answer = self.call(*put, want=(69, "ServiceRefused"))
        self.assertEqual((answer["error"]["service"],
                          answer["error"]["http_status"]),
                         ("PreconditionFailed", 412))
        self.assertEqual(self.call("head", "results", "once")["etag"],
                         first["etag"])
        status, manifest, _ = self.program(
            "s3-put", "--only-if-absent", "--to", "s3://results/once",
            self.path("x"))
        self.assertEqual(status, 69)
        self.assertEqual(manifest["error"]["name"], "ServiceRefused")

    def test_get_if_match(self):
        etag = self.call("put", "results", "match",
                         self.path("x", b"0123456789"))["etag"]
        get = ["get", "results", "match", self.path("o"), "--if-match"]
        self.call(*get, etag, "--range", "2-4")
        self.assertEqual(self.read("o"), b"234")
        self.path("x", b"another")
        self.call("put", "results", "match", self.path("x"))
        answer = self.call(*get, etag, want=(69, "ServiceRefused"))
        self.assertEqual(answer["error"]["service"], "PreconditionFailed")

    def test_range(self):
        self.call("put", "results", "range", self.path("x", b"0123456789"))
        get = ["get", "results", "range", self.path("o"), "--range"]
        for asked, want in (("0-0", b"0"), ("7-", b"789"),
                            ("5-99", b"56789")):
            answer = self.call(*get, asked)
            self.assertEqual((self.read("o"), answer["bytes"]), (want, 10))
        answer = self.call(*get, "10-", want=(69, "ServiceRefused"))
        self.assertEqual(answer["error"]["service"], "InvalidRange")


ODD = (" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r\x01\x7f" +
       "aZ09\u00e9\u00df\u4e2d\ud7ff\ue000\uffff\U0001f600\u0301")
GIVEN = ["a b", "a+b", "a=b", "a%20b", "%41", "%", "%%zz", "a//b", "//", "/lead",
         "trail/", "..", "../a", "a/../b", "a/./b", ".", "a&b", "&amp;", "a?b=c",
         "a#b", "'", '"', "<a>", "]]>", "<![CDATA[", "a\tb", "a\nb", "\x01",
         "\u00e9", "e\u0301", "\U0001f600", "\uffff", "\ue000", "\x7f", "_", "__x",
         "a\\b", "~", "*", "a;b", "a,b", "a:b", "a@b", "a$b", "(a)", "[a]",
         "x" * 1014, "\u4e2d" * 338, "+" * 1014, "&" * 1014, "/" * 1014]


def awkward_keys(rng):
    keys = {"awkward/" + key for key in GIVEN}
    while len(keys) < COUNT:
        keys.add("awkward/" + "".join(rng.choice(ODD) for _ in
                                      range(rng.randint(1, 40))))
    return sorted(keys)


class Keys(Case):
    """Put by boto3 and by us; listed and fetched by us."""

    def put(self, key):
        self.s3.put_object(Bucket="results", Key=key, Body=key.encode())

    def test_awkward_keys(self):
        rng = random.Random(SEED)
        keys = awkward_keys(rng)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(self.put, keys))
        sample = ["awkward/" + key for key in GIVEN] + rng.sample(keys, 150)
        for key in sample[::2]:
            self.call("put", "results", key, self.path("x", key.encode()))
        listed = self.call("list", "results", "awkward/")["keys"]
        self.assertEqual([k["key"] for k in listed],
                         sorted(keys, key=lambda key: key.encode()))
        self.assertEqual({k["key"]: (k["bytes"], k["etag"]) for k in listed},
                         {key: (len(key.encode()), '"%s"' % hashlib.md5(
                             key.encode()).hexdigest()) for key in keys})
        for key in sample:
            self.call("get", "results", key, self.path("o"))
            self.assertEqual(self.read("o"), key.encode(), key)
        for prefix in ("awkward/a", "awkward/&", "awkward/%", "awkward/ ",
                       "awkward/\u00e9", "awkward/+", "awkward//"):
            found = self.call("list", "results", prefix)["keys"]
            self.assertEqual({k["key"] for k in found},
                             {key for key in keys if key.startswith(prefix)})


class Files(Case):
    def test_fifty_megabytes(self):
        data = random.Random(SEED).randbytes(50 << 20)
        status, manifest, errors = self.program(
            "s3-put", document={
                "lakeseg": 1, "run": {"work_uri": "s3://results/w/"},
                "data": [{"uri": self.path("a b+\u00e9.csv", data),
                          "role": "normalized", "rows": 1}]})
        self.assertEqual(status, 0, errors)
        uri = manifest["data"][0]["uri"]
        stored = self.s3.get_object(Bucket="results",
                                    Key=uri.removeprefix("s3://results/"))
        self.assertEqual(stored["ETag"], manifest["data"][0]["etag"])
        self.assertEqual(stored["Body"].read(), data)
        status, manifest, errors = self.program("s3-fetch", document=manifest)
        self.assertEqual(status, 0, errors)
        self.assertNotEqual(manifest["data"][0]["uri"], uri)
        with open(manifest["data"][0]["uri"], "rb") as file:
            self.assertEqual(file.read(), data)

    def uploads(self, key):
        return [u["UploadId"] for u in self.s3.list_multipart_uploads(
            Bucket="results").get("Uploads", []) if u["Key"] == key]

    def kill_upload(self, key, path):
        """Kills s3-put once a part of its file is there; the upload's id. It
        stands still while we look, so that it is not too quick for us."""
        child = subprocess.Popen(
            [program("s3-put"), "--concurrency", "1", "--to",
             "s3://results/" + key, path], env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        try:
            while True:
                time.sleep(0.01)
                child.send_signal(signal.SIGSTOP)
                self.assertIsNone(child.poll(), "it was too quick")
                ids = self.uploads(key)
                if ids and self.s3.list_parts(
                        Bucket="results", Key=key,
                        UploadId=ids[0]).get("Parts"):
                    return ids[0]
                child.send_signal(signal.SIGCONT)
        finally:
            child.kill()
            child.wait()

    def test_after_a_kill(self):
        """The next try goes on; or begins anew when the upload is gone."""
        data = random.Random(SEED).randbytes(120 << 20)
        path = self.path("x", data)
        for is_gone in (False, True):
            key = "killed-%d" % is_gone
            upload = self.kill_upload(key, path)
            if is_gone:
                self.s3.abort_multipart_upload(Bucket="results", Key=key,
                                               UploadId=upload)
            status, _, errors = self.program("s3-put", "--to",
                                             "s3://results/" + key, path)
            self.assertEqual(status, 0, errors)
            self.assertEqual(self.uploads(key), [])
            stored = self.s3.get_object(Bucket="results", Key=key)
            self.assertEqual(stored["Body"].read(), data)

    def test_one_file(self):
        for size in (0, 1, 20 << 20):
            data = os.urandom(size)
            status, _, errors = self.program(
                "s3-put", "--to", "s3://results/one", self.path("x", data))
            self.assertEqual(status, 0, errors)
            status, _, errors = self.program(
                "s3-fetch", "--output", self.path("o"), "s3://results/one")
            self.assertEqual(status, 0, errors)
            self.assertEqual(self.read("o"), data)


if __name__ == "__main__":
    DRIVER = sys.argv.pop(1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Ceph() as NODE:
        NODE.user("main", KEY, SECRET)
        unittest.main(verbosity=2)
