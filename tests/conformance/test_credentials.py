"""Which source gives the credentials, and which URL a service has: our answer
beside botocore's, for every combination that both support. Loopback only."""

import http.server
import itertools
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import botocore.session
from botocore.config import Config

from harness import program

UNTIL = "2099-01-01T00:00:00Z"
KINDS = {"environment": "env", "assume-role": "assume-role",
         "web-identity": "assume-role-with-web-identity",
         "shared-credentials-file": "shared-credentials-file",
         "config-file": "config-file", "process": "custom-process",
         "container": "container-role", "instance-metadata": "iam-role"}


class Services(http.server.BaseHTTPRequestHandler):
    """The metadata service, the container endpoint and STS."""

    def answer(self, text, status=200):
        body = text if isinstance(text, bytes) else text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def keys(self, name):
        self.answer(json.dumps({
            "Code": "Success", "AccessKeyId": name, "SecretAccessKey": "secret",
            "Token": "token", "Expiration": UNTIL, "Type": "AWS-HMAC",
            "LastUpdated": UNTIL}))

    def do_PUT(self):
        self.answer("imds-token")

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/container":
            if self.headers.get("authorization") != "Bearer container":
                return self.answer("{}", 401)
            return self.keys("CONTAINER_KEY_0001")
        if self.headers.get("x-aws-ec2-metadata-token") != "imds-token":
            return self.answer("", 401)
        if path.endswith("/security-credentials/"):
            return self.answer("a-role")
        if path.endswith("/security-credentials/a-role"):
            return self.keys("INSTANCE_KEY_0002")
        return self.answer("", 404)

    def do_POST(self):
        form = parse_qs(self.rfile.read(
            int(self.headers["content-length"])).decode())
        action = form["Action"][0]
        role = form["RoleArn"][0].rsplit("/", 1)[1]
        signer = self.headers.get("authorization", "none").split(
            "Credential=")[-1].split("/")[0]
        if action == "AssumeRoleWithWebIdentity":
            assert form["WebIdentityToken"] == ["a-web-token"]
            signer = "web"
        if role == "denied":
            return self.answer("<ErrorResponse><Error><Code>AccessDenied"
                               "</Code></Error></ErrorResponse>", 403)
        return self.answer(
            "<{0}Response xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
            "<{0}Result><Credentials><AccessKeyId>ROLE-{1}-by-{2}"
            "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t"
            "</SessionToken><Expiration>{3}</Expiration></Credentials>"
            "<AssumedRoleUser><AssumedRoleId>A:b</AssumedRoleId><Arn>arn:aws:"
            "sts::1:assumed-role/a/b</Arn></AssumedRoleUser></{0}Result>"
            "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
            "</{0}Response>".format(action, role, signer, UNTIL))

    def log_message(self, *_):
        pass


ROLE = "role_arn = arn:aws:iam::123456789012:role/"
PROCESS = ("credential_process = sh -c \"echo '{\\\"Version\\\":1,"
           "\\\"AccessKeyId\\\":\\\"PROCESS_KEY_0003\\\","
           "\\\"SecretAccessKey\\\":\\\"s\\\"}'\"\n")
CONFIG_KEYS = ("aws_access_key_id = CONFIG_KEY_0004\n"
               "aws_secret_access_key = s\n")
PROFILES = {  # name: (of the config file, of the credentials file)
    "default": ("", None),
    "filed": ("", "aws_access_key_id = FILED_KEY_0005\n"
                  "aws_secret_access_key = s\n"),
    "configured": (CONFIG_KEYS, None),
    "merged": ("aws_secret_access_key = s\n",
               "aws_access_key_id = MERGED_KEY_0006\n"),
    "process": (PROCESS, None),
    "process_and_file": (PROCESS, "aws_access_key_id = FILED_KEY_0007\n"
                                  "aws_secret_access_key = s\n"),
    "process_and_config": (PROCESS + CONFIG_KEYS, None),
    "role": (ROLE + "outer\nsource_profile = filed\n", None),
    "chain": (ROLE + "top\nsource_profile = role\n", None),
    "of_process": (ROLE + "outer\nsource_profile = process\n", None),
    "of_config": (ROLE + "outer\nsource_profile = configured\n", None),
    "self": (ROLE + "outer\nsource_profile = self\n" + CONFIG_KEYS, None),
    "by_container": (ROLE + "outer\ncredential_source = EcsContainer\n", None),
    "by_instance": (ROLE + "outer\n"
                    "credential_source = Ec2InstanceMetadata\n", None),
    "by_environment": (ROLE + "outer\ncredential_source = Environment\n",
                       None),
    "web": (ROLE + "web\nweb_identity_token_file = {dir}/token\n", None),
    "of_web": (ROLE + "outer\nsource_profile = web\n", None),
    "circle": (ROLE + "outer\nsource_profile = circle2\n", None),
    "circle2": (ROLE + "outer\nsource_profile = circle\n", None),
    "no_source": (ROLE + "outer\n", None),
    "both_sources": (ROLE + "outer\nsource_profile = filed\n"
                     "credential_source = Environment\n", None),
    "lost_source": (ROLE + "outer\nsource_profile = nowhere\n", None),
    "poor_source": (ROLE + "outer\nsource_profile = default\n", None),
    "odd_source": (ROLE + "outer\ncredential_source = Moon\n", None),
    "denied": (ROLE + "denied\nsource_profile = filed\n", None),
    "half": ("", "aws_access_key_id = HALF_KEY_0008\n"),
}


def mask(key):
    shown = 4 if len(key) >= 12 else 1
    return key[:shown] + "..." + key[-shown:]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                     Services)
        cls.url = "http://127.0.0.1:%d" % cls.server.server_port
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()
        cls.scratch = tempfile.TemporaryDirectory(prefix="lakeseg-test-")
        cls.dir = cls.scratch.name
        config = credentials = ""
        for name, (ours, keys) in PROFILES.items():
            config += "[%s%s]\n%s" % ("" if name == "default" else "profile ",
                                      name, ours.format(dir=cls.dir)
                                      if "{dir}" in ours else ours)
            if keys is not None:
                credentials += "[%s]\n%s" % (name, keys)
        for name, text in (("config", config), ("credentials", credentials),
                           ("token", "a-web-token"), ("none", "")):
            with open(os.path.join(cls.dir, name), "w",
                      encoding="utf-8") as file:
                file.write(text)

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()
        cls.scratch.cleanup()

    def environment(self, **more):
        env = {"PATH": os.environ["PATH"], "HOME": self.dir,
               "AWS_CONFIG_FILE": self.dir + "/config",
               "AWS_SHARED_CREDENTIALS_FILE": self.dir + "/credentials",
               "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
               "AWS_ENDPOINT_URL_STS": self.url, "AWS_MAX_ATTEMPTS": "1",
               "AWS_EC2_METADATA_DISABLED": "true",
               "AWS_METADATA_SERVICE_TIMEOUT": "30", **more}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        return {k: v for k, v in env.items() if v is not None}

    def doctor(self, env):
        done = subprocess.run([program("lakeseg"), "doctor", "--no-calls",
                               "--json"], env=env, capture_output=True,
                              timeout=60, check=False)
        return done.returncode, json.loads(done.stdout)


class Sources(Case):
    def ours(self, env):
        status, report = self.doctor(env)
        found = report["settings"].get("credentials")
        self.assertEqual(status == 0, found is not None, report)
        if found is None:
            return None
        return KINDS[found["value"]], found["access_key"]

    def theirs(self, env):
        with mock.patch.dict(os.environ, env, clear=True):
            try:
                found = botocore.session.Session().get_credentials()
                keys = found and found.get_frozen_credentials()
            except Exception:  # its errors have no common class
                return None
        return keys and (found.method, mask(keys.access_key))

    def test_matrix(self):
        keys = {"AWS_ACCESS_KEY_ID": "ENVIRONMENT_KEY_0009",
                "AWS_SECRET_ACCESS_KEY": "s"}
        choices = [
            [{}, keys, {"AWS_ACCESS_KEY_ID": "ENVIRONMENT_KEY_0009"}],
            [{"AWS_PROFILE": name} for name in
             [None, "missing", *PROFILES]],
            [{}, {"AWS_WEB_IDENTITY_TOKEN_FILE": self.dir + "/token",
                  "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/variable"}],
            [{}, {"AWS_CONTAINER_CREDENTIALS_FULL_URI":
                  self.url + "/container",
                  "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer container"}],
            [{}, {"AWS_EC2_METADATA_DISABLED": "false",
                  "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url + "/"}]]
        count = 0
        for parts in itertools.product(*choices):
            env = {}
            for part in parts:
                env.update(part)
            env = self.environment(**env)
            ours, theirs = self.ours(env), self.theirs(env)
            self.assertEqual(ours, theirs,
                             {k: v for k, v in env.items() if "AWS" in k})
            count += 1
        print("%d combinations" % count, file=sys.stderr)


class Endpoints(Case):
    """The URLs of all services in all partitions, and with every setting."""

    SERVICES = ("athena", "s3", "pinpoint", "sns", "sts")

    def theirs(self, env, service):
        with mock.patch.dict(os.environ, env, clear=True):
            client = botocore.session.Session().create_client(
                service, aws_access_key_id="a", aws_secret_access_key="b",
                config=Config(s3={"us_east_1_regional_endpoint": "regional",
                                  "addressing_style": "path"}))
            seen = []
            client.meta.events.register(
                "before-send." + service,
                lambda request, **_: seen.append(request.url) or
                self.refuse())
            call = {"athena": ("get_work_group", {"WorkGroup": "w"}),
                    "s3": ("list_objects_v2", {"Bucket": "buck"}),
                    "pinpoint": ("get_apps", {}),
                    "sns": ("list_topics", {}),
                    "sts": ("get_caller_identity", {})}[service]
            try:
                getattr(client, call[0])(**call[1])
            except Stop:
                pass
            return seen[0]

    def refuse(self):
        raise Stop()

    def check(self, env):
        env = self.environment(AWS_SHARED_CREDENTIALS_FILE=self.dir + "/none",
                               AWS_ACCESS_KEY_ID="a",
                               AWS_SECRET_ACCESS_KEY="b",
                               AWS_ENDPOINT_URL_STS=None, **env)
        env["AWS_DEFAULT_REGION"] = env["AWS_REGION"]
        status, report = self.doctor(env)
        self.assertEqual(status, 0, report)
        for service in self.SERVICES:
            ours = report["settings"]["endpoints"][service]["value"]
            theirs = self.theirs(env, service)
            self.assertTrue(
                (theirs + "/").startswith(ours + "/"), "%s %s: ours %s, theirs %s" %
                (service, env["AWS_REGION"], ours, theirs))

    def test_partitions(self):
        for region in ("us-east-1", "eu-west-1", "ap-southeast-2",
                       "cn-north-1", "us-gov-west-1", "eusc-de-east-1",
                       "us-iso-east-1", "us-isob-east-1"):
            self.check({"AWS_REGION": region})

    def test_dual_stack(self):
        for region in ("us-east-1", "cn-north-1", "us-gov-west-1"):
            self.check({"AWS_REGION": region,
                        "AWS_USE_DUALSTACK_ENDPOINT": "true"})

    def test_fips(self):
        for region in ("us-east-1", "us-west-2", "us-gov-west-1"):
            self.check({"AWS_REGION": region, "AWS_USE_FIPS_ENDPOINT": "true"})

    def test_fips_and_dual_stack(self):
        self.check({"AWS_REGION": "us-west-2", "AWS_USE_FIPS_ENDPOINT": "true",
                    "AWS_USE_DUALSTACK_ENDPOINT": "true"})

    def test_configured(self):
        path = os.path.join(self.dir, "urls")
        with open(path, "w", encoding="utf-8") as file:
            file.write("[default]\nendpoint_url = http://h:1/default\n"
                       "services = mine\n[services mine]\n"
                       "sns =\n  endpoint_url = http://h:2/sns\n"
                       "s3 = \n  endpoint_url = http://h:3\n"
                       "[profile switched]\nuse_dualstack_endpoint = true\n"
                       "[profile ignoring]\nendpoint_url = http://h:1\n"
                       "ignore_configured_endpoint_urls = true\n")
        for env in ({}, {"AWS_ENDPOINT_URL_S3": "http://h:4"},
                    {"AWS_ENDPOINT_URL": "http://h:5"},
                    {"AWS_ENDPOINT_URL_SNS": "http://h:6/x",
                     "AWS_ENDPOINT_URL": "http://h:5"},
                    {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
                     "AWS_ENDPOINT_URL": "http://h:5"},
                    {"AWS_PROFILE": "switched"}, {"AWS_PROFILE": "ignoring"}):
            self.check({"AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": path,
                        **env})


class Stop(Exception):
    """Raised in the place of sending."""


if __name__ == "__main__":
    unittest.main()
