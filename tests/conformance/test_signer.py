"""Random requests, signed by our client and by botocore's signer, get the same
headers. The seed is printed, and can be given again."""

import base64
import datetime
import json
import random
import subprocess
import sys
import unittest
from unittest import mock
from urllib.parse import quote

from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

COUNT = 2000
SEED = 20261123
SIGN = None  # the program
# ours, and the name that it signs by
SERVICES = {"s3": "s3", "athena": "athena", "pinpoint": "mobiletargeting",
            "sns": "sns", "sts": "sts"}
REGIONS = ["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1",
           "eusc-de-east-1"]
NAMES = ["content-type", "range", "if-match", "if-none-match", "content-md5",
         "cache-control", "x-amz-meta-a", "x-amz-meta-b", "x-amz-meta-a-b",
         "x-amz-server-side-encryption", "x-amz-tagging",
         "x-amz-server-side-encryption-aws-kms-key-id", "x-amz-acl",
         "x-amz-checksum-crc64nvme", "x-amz-target", "accept",
         # never signed
         "user-agent", "expect", "connection", "te", "x-amzn-trace-id"]
ODD = (" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" +
       "aAzZ09" + "\u00e9\u00df\u4e2d\U0001f600")


def words(rng, most, letters=ODD):
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, most)))


def path_of(rng):
    """As it would be sent: encoded once, or not at all where that is legal."""
    parts = []
    for _ in range(rng.randint(0, 5)):
        parts.append(rng.choice([
            lambda: quote(words(rng, 12), safe="-_.~"),
            lambda: words(rng, 8, "aZ09-_.~!$&'()*+,;=:@"),
            lambda: rng.choice(["", ".", "..", "...", "%2F", "%252F", "a"])])())
    return "/" + "/".join(parts)


def query_of(rng):
    pairs = []
    for _ in range(rng.choice([0, 0, 1, 2, 3, 8, 40])):
        name = quote(words(rng, 6) or "n", safe="-_.~")
        pairs.append(rng.choice([name, name + "=",
                                 name + "=" + quote(words(rng, 9),
                                                    safe="-_.~")]))
    if pairs and rng.random() < 0.3:
        pairs.append(pairs[0])  # twice the same
    return "&".join(pairs)


def value_of(rng):
    value = words(rng, 20, ODD + " \t" * 8).replace("\\", "")
    return rng.choice([value, "  " + value + " \t", value.replace(" ", "   ")])


def request_of(rng):
    service = rng.choice(["s3", *SERVICES])
    host = rng.choice(["bucket.s3.example.com", "h", "127.0.0.1:9000",
                       "[::1]:8080", "h:443", "h:80"])
    scheme = rng.choice(["https", "https", "http"])
    body = rng.choice([b"", rng.randbytes(rng.randint(1, 300)), b"{}"])
    unsigned = service == "s3" and scheme == "https" and rng.random() < 0.3
    return {
        "service": service, "region": rng.choice(REGIONS),
        "time": rng.randint(0, 4102444800), "base": scheme + "://" + host,
        "method": rng.choice(["GET", "HEAD", "PUT", "POST", "DELETE"]),
        "path": path_of(rng), "query": query_of(rng),
        "headers": [[name, value_of(rng)] for name in
                    rng.sample(NAMES, rng.randint(0, 10))],
        "body": base64.b64encode(body).decode(),
        "payload_hash": "UNSIGNED-PAYLOAD" if unsigned else None,
        "access_key": "AK" + words(rng, 20, "ABC0123"),
        "secret_key": words(rng, 40, "abcXYZ019+/") or "s",
        "token": rng.choice(["", words(rng, 300, "abcXYZ019+/=") or "t"])}


def botocore_headers(request):
    url = request["base"] + request["path"]
    if request["query"]:
        url += "?" + request["query"]
    theirs = AWSRequest(request["method"], url,
                        data=base64.b64decode(request["body"]))
    for name, value in request["headers"]:
        theirs.headers[name] = value
    if request["payload_hash"]:
        theirs.context["client_config"] = mock.Mock(
            s3={"payload_signing_enabled": False})
    kind = auth.S3SigV4Auth if request["service"] == "s3" else auth.SigV4Auth
    signer = kind(Credentials(request["access_key"], request["secret_key"],
                              request["token"] or None),
                  SERVICES[request["service"]], request["region"])
    now = datetime.datetime.fromtimestamp(request["time"],
                                          datetime.timezone.utc)
    with mock.patch.object(auth, "get_current_datetime", lambda: now):
        signer.add_auth(theirs)
    return {name.lower(): value for name, value in theirs.headers.items()}


class Signer(unittest.TestCase):
    def test_random_requests(self):
        rng = random.Random(SEED)
        requests = [request_of(rng) for _ in range(COUNT)]
        text = "".join(json.dumps(r) + "\n" for r in requests)
        done = subprocess.run([SIGN], input=text.encode(), check=True,
                              stdout=subprocess.PIPE, timeout=120)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), COUNT)
        for request, line in zip(requests, lines):
            ours = json.loads(line)
            ours.pop("host")  # botocore leaves it to the HTTP library
            self.assertEqual(ours, botocore_headers(request),
                             json.dumps(request))


if __name__ == "__main__":
    SIGN = sys.argv.pop(1)
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        SEED = int(sys.argv.pop(1))
    print("seed", SEED, file=sys.stderr)
    unittest.main()
