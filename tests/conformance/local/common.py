"""What the tests of lakeseg-local share: a server with a lake of three rows, and
boto3 clients of it that do not retry.

The first argument of such a test is the program's path.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BINARY = os.path.abspath(sys.argv.pop(1))
KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Server:
    def __init__(self, *options, state=None):
        self.dir = tempfile.mkdtemp(prefix="lakeseg-conformance-")
        self.lake = os.path.join(self.dir, "lake")
        os.makedirs(os.path.join(self.lake, "people"))
        with open(os.path.join(self.lake, "people", "a.csv"), "w",
                  encoding="utf-8") as file:
            file.write("id,n,note\np1,1,\"a \"\"q\"\", b\"\np2,,\"\"\np3,3,\n")
        ready = os.path.join(self.dir, "ready")
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.process = subprocess.Popen(
            [BINARY, "--ready-file", ready, "--lake", self.lake, "--state",
             state or os.path.join(self.dir, "state"), "--bucket", "results",
             "--app", "app1", "--topic", "outcome", *options],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("lakeseg-local did not start")
            time.sleep(0.02)
        with open(ready, encoding="utf-8") as file:
            self.url = json.load(file)["url"]

    def client(self, service, key=KEY, secret=SECRET, token=None,
               region="us-east-1", **config):
        config.setdefault("retries", {"max_attempts": 0})
        config.setdefault("s3", {"addressing_style": "path"})
        return boto3.client(
            service, endpoint_url=self.url, region_name=region,
            aws_access_key_id=key, aws_secret_access_key=secret,
            aws_session_token=token, config=Config(**config))

    def admin(self, path, body=None, method=None):
        request = urllib.request.Request(
            self.url + "/_lakeseg/" + path, method=method,
            data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=180)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        return status


class Case(unittest.TestCase):
    options = ("--key", "%s:%s,ASIAGOOD:temporary:thetoken:4102444800,"
               "ASIAOLD:temporary:oldtoken:1700000000" % (KEY, SECRET))

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.options)
        for name in ("s3", "athena", "pinpoint", "sns", "sts"):
            setattr(cls, name, cls.server.client(name))

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def refused(self, status, code, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        answer = caught.exception.response
        self.assertEqual(
            (answer["ResponseMetadata"]["HTTPStatusCode"],
             answer["Error"]["Code"]), (status, code), answer)
        return answer
