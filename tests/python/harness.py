"""What the tests of programs share: a lakeseg-local of their own, pipes of real
programs, and every manifest checked against docs/manifest.schema.json.

LAKESEG_BIN names the folder of the programs, LAKESEG_SOURCE the source tree.
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

import jsonschema

SOURCE = os.environ["LAKESEG_SOURCE"]
BIN = os.environ["LAKESEG_BIN"]
KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOPIC = "arn:aws:sns:us-east-1:123456789012:outcome"
ROLE = "arn:aws:iam::123456789012:role/import"

with open(os.path.join(SOURCE, "docs", "manifest.schema.json"),
          encoding="utf-8") as schema_file:
    SCHEMA = jsonschema.Draft202012Validator(json.load(schema_file))


def program(name):
    return os.path.join(BIN, name)


def check_manifest(text):
    """One line, complete, valid by a validator that is not ours."""
    assert text.endswith(b"\n") and text.count(b"\n") == 1, text[:200]
    manifest = json.loads(text)
    SCHEMA.validate(manifest)
    return manifest


class Local:
    """A lakeseg-local with an empty state and a lake of its own."""

    def __init__(self, *options):
        self.dir = tempfile.mkdtemp(prefix="lakeseg-test-")
        self.lake = os.path.join(self.dir, "lake")
        os.mkdir(self.lake)
        ready = os.path.join(self.dir, "ready")
        self.log = open(os.path.join(self.dir, "log"), "wb")
        self.process = subprocess.Popen(
            [program("lakeseg-local"), "--port", "0", "--ready-file", ready,
             "--lake", self.lake, "--state", os.path.join(self.dir, "state"),
             "--bucket", "results,other", "--app", "app1",
             "--topic", "outcome", *options],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("lakeseg-local did not start: " +
                                   self.log_text()[-2000:])
            time.sleep(0.02)
        with open(ready, encoding="utf-8") as file:
            self.url = json.load(file)["url"].rstrip("/")

    def log_text(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=180)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        return status

    def table(self, name, text, file="part.csv"):
        """Puts a table into the lake, as one CSV file."""
        folder = os.path.join(self.lake, name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, file), "w", encoding="utf-8") as out:
            out.write(text)

    def admin(self, path, body=None, method=None):
        request = urllib.request.Request(
            self.url + "/_lakeseg/" + path,
            data=None if body is None else json.dumps(body).encode(),
            method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text.strip() else None

    def fault(self, **rule):
        self.admin("faults", rule)

    def messages(self):
        found = self.admin("messages")
        return found["messages"] if isinstance(found, dict) else found

    def environment(self, **changes):
        env = {"PATH": os.environ["PATH"], "HOME": self.dir,
               "AWS_ENDPOINT_URL": self.url, "AWS_REGION": "us-east-1",
               "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
               "AWS_EC2_METADATA_DISABLED": "true",
               "LAKESEG_WORK": os.path.join(self.dir, "work"),
               "LAKESEG_TOPIC_ARN": TOPIC, "LAKESEG_POLL_INTERVAL_MS": "50",
               "LAKESEG_RETRY_BASE_MS": "10"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update({k: v for k, v in changes.items() if v is not None})
        for name, value in changes.items():
            if value is None:
                env.pop(name, None)
        return env

    def s3(self):
        import boto3  # only the tests that look into S3 need it
        from botocore.config import Config
        return boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1",
            aws_access_key_id=KEY, aws_secret_access_key=SECRET,
            config=Config(s3={"addressing_style": "path"}))

    def objects(self, bucket="results", prefix=""):
        pages = self.s3().get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix)
        return {o["Key"]: o["Size"] for page in pages
                for o in page.get("Contents", [])}


class Result:
    def __init__(self, statuses, stdout, stderr):
        self.statuses = statuses
        self.status = statuses[-1]
        self.stdout = stdout
        self.stderr = stderr
        self.manifest = check_manifest(stdout) if stdout else None


class Pipe:
    """Programs joined by pipes, as a shell joins them."""

    def __init__(self, programs, env, text, own_group=False):
        self.children = []
        self.errors = tempfile.TemporaryFile()
        source = subprocess.PIPE
        for words in programs:
            words = words if isinstance(words, list) else [words]
            child = subprocess.Popen(
                [program(words[0]), *words[1:]], stdin=source,
                stdout=subprocess.PIPE, stderr=self.errors, env=env,
                start_new_session=own_group)
            if self.children:
                self.children[-1].stdout.close()
            self.children.append(child)
            source = child.stdout
        try:
            self.children[0].stdin.write(text)
            self.children[0].stdin.close()
        except BrokenPipeError:
            pass

    def end(self, timeout=120):
        last = self.children[-1]
        stdout = last.stdout.read()
        last.stdout.close()
        statuses = [child.wait(timeout=timeout) for child in self.children]
        self.errors.seek(0)
        errors = self.errors.read().decode(errors="replace")
        self.errors.close()
        return Result(statuses, stdout, errors)


SHORT = ["athena-exec", "csv-validate", "pinpoint-import", "sns-notify"]
LONG = ["athena-exec", "s3-fetch", "csv-validate-normalize", "s3-put",
        "pinpoint-import", "sns-notify"]


def job(sql, **sections):
    """A job over the test's bucket, application and topic."""
    document = {
        "lakeseg": 1,
        "run": {"name": "test"},
        "query": {"sql": sql, "database": "lake",
                  "output_uri": "s3://results/athena/"},
        "import": {"destination": "pinpoint", "application_id": "app1",
                   "role_arn": ROLE},
        "notify": {"topic_arn": TOPIC}}
    for name, fields in sections.items():
        section = {"import_": "import"}.get(name, name)
        document.setdefault(section, {}).update(fields)
    return document


class Case(unittest.TestCase):
    """A test with a lakeseg-local for the whole class."""

    options = ()

    @classmethod
    def setUpClass(cls):
        cls.local = Local(*cls.options)

    @classmethod
    def tearDownClass(cls):
        status = cls.local.stop()
        assert status == 0, "lakeseg-local ended with %d" % status

    def setUp(self):
        self.told = len(self.local.messages())

    def run_pipe(self, programs, document, **environment):
        text = document if isinstance(document, bytes) else \
            json.dumps(document).encode()
        return Pipe(programs, self.local.environment(**environment),
                    text).end()

    def told_once(self, subject, kind):
        """Exactly one message since the test began; returns it."""
        messages = self.local.messages()[self.told:]
        self.assertEqual(len(messages), 1, messages)
        self.assertEqual(messages[0]["subject"], subject)
        attributes = messages[0]["attributes"]
        value = attributes["notification_type"]
        self.assertEqual(value["value"] if isinstance(value, dict) else value,
                         kind)
        return messages[0]
