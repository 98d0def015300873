"""lakeseg doctor, and what the programs make of the machine's AWS settings:
temporary keys with signatures that are checked, proxies, certificates, faults.
Loopback only."""

import http.server
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

from harness import BIN, KEY, SECRET, TOPIC, Case, job, program

ROLE = "arn:aws:iam::123456789012:role/"
IDENTITY = (b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:"
            b"iam::1:user/u</Arn><UserId>u</UserId><Account>1</Account>"
            b"</GetCallerIdentityResult></GetCallerIdentityResponse>")


class Identity(http.server.BaseHTTPRequestHandler):
    """Says who is asking, whoever it is; notes what was asked for."""

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked.append((self.path, self.headers["host"]))
        self.send_response(200)
        self.send_header("content-length", str(len(IDENTITY)))
        self.end_headers()
        self.wfile.write(IDENTITY)

    def log_message(self, *_):
        pass


def drip(listener, byte):
    """Answers every connection for ever."""
    held = []
    while True:
        try:
            held.append(listener.accept()[0])
        except OSError:
            break
        threading.Thread(target=drip_to, args=(held[-1], byte),
                         daemon=True).start()


def drip_to(connection, byte):
    try:
        if byte:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(byte)
            time.sleep(0.2)
    except OSError:
        pass


class Doctor(Case):
    def setUp(self):
        super().setUp()
        self.scratch = tempfile.TemporaryDirectory(prefix="lakeseg-test-")
        self.dir = self.scratch.name
        self.addCleanup(self.scratch.cleanup)
        self.local.admin("faults", method="DELETE")

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def serve(self, context=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Identity)
        server.asked = []
        if context is not None:
            server.socket = context.wrap_socket(server.socket,
                                                server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server

    def environment(self, **changes):
        return self.local.environment(**{
            "LAKESEG_TOPIC_ARN": None, "AWS_EC2_METADATA_DISABLED": "true",
            **changes})

    def run_doctor(self, *words, **changes):
        done = subprocess.run([program("lakeseg"), "doctor", *words],
                              env=self.environment(**changes),
                              stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=60, check=False)
        out, errors = done.stdout.decode(), done.stderr.decode()
        for text in (out, errors):
            self.assertNotIn(SECRET, text)
            self.assertNotIn("Authorization", text)
        return done.returncode, out, errors

    def run_json(self, *words, **changes):
        status, out, errors = self.run_doctor("--format", "json", *words,
                                              **changes)
        report = json.loads(out)
        self.assertEqual(status == 0, report["status"] == "ok", errors)
        return status, report, errors

    def profile(self, text, credentials="", name="p"):
        """Keys by a profile of its own, none by variables."""
        return {"AWS_CONFIG_FILE": self.write("config", text),
                "AWS_SHARED_CREDENTIALS_FILE":
                self.write("credentials", credentials), "AWS_PROFILE": name,
                "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}

    def role(self, more=""):
        return self.profile(
            "[profile p]\nrole_arn = " + ROLE + "reader\n"
            "source_profile = base\n" + more,
            "[base]\naws_access_key_id = %s\naws_secret_access_key = %s\n" %
            (KEY, SECRET))

    def job_file(self, **sections):
        return self.write("job.json", json.dumps(job("SELECT 1", **sections)))

    # the report

    def test_a_job_that_can_run(self):
        status, out, errors = self.run_doctor(self.job_file())
        self.assertEqual((status, errors), (0, ""))
        for part in ("region       us-east-1 (AWS_REGION)",
                     "environment (AWS_ACCESS_KEY_ID), key A...E\n",
                     "s3           %s (AWS_ENDPOINT_URL)" % self.local.url,
                     "ok     sts GetCallerIdentity: arn:aws:iam::",
                     "ok     athena GetWorkGroup primary\n",
                     "ok     s3 ListObjectsV2 s3://results/athena/\n",
                     "ok     pinpoint GetApp app1\n",
                     "ok     sns GetTopicAttributes " + TOPIC):
            self.assertIn(part, out)

    def test_the_same_as_json(self):
        status, report, _ = self.run_json(self.job_file(
            run={"work_uri": "s3://other/work/"}))
        self.assertEqual(status, 0)
        self.assertEqual(report["settings"]["credentials"]["value"],
                         "environment")
        self.assertEqual([c["target"] for c in report["checks"]],
                         ["", "primary", "s3://results/athena/",
                          "s3://other/work/", "app1", TOPIC])

    def test_without_a_job(self):
        status, report, _ = self.run_json()
        self.assertEqual(status, 0)
        self.assertEqual([c["check"] for c in report["checks"]],
                         ["sts GetCallerIdentity"])
        status, report, _ = self.run_json("--no-calls",
                                          LAKESEG_TOPIC_ARN=TOPIC)
        self.assertEqual((status, report["checks"]), (0, []))
        status, report, _ = self.run_json(LAKESEG_TOPIC_ARN=TOPIC)
        self.assertEqual(report["checks"][1]["target"], TOPIC)

    def test_what_is_missing_is_named(self):
        job_file = self.job_file(
            query={"output_uri": "s3://nowhere/x/"},
            import_={"application_id": "gone"},
            notify={"topic_arn": TOPIC + "2"})
        status, report, errors = self.run_json(job_file)
        failed = {c["check"]: c for c in report["checks"]
                  if c["status"] == "failed"}
        self.assertIn("NoSuchBucket", failed["s3 ListObjectsV2"]["message"])
        self.assertIn("404", failed["pinpoint GetApp"]["message"])
        self.assertIn("NotFound", failed["sns GetTopicAttributes"]["message"])
        self.assertEqual(status, 69)  # of the first
        self.assertIn("NoSuchBucket", errors)

    def test_a_missing_permission_is_named(self):
        for service, operation, permission in (
                ("s3", "ListObjectsV2", "s3:ListBucket on arn:aws:s3:::results"),
                ("athena", "GetWorkGroup", "athena:GetWorkGroup"),
                ("pinpoint", "GetApp", "mobiletargeting:GetApp"),
                ("sns", "GetTopicAttributes",
                 "sns:GetTopicAttributes on " + TOPIC)):
            self.local.fault(service=service, operation=operation, status=403,
                             code="AccessDenied", count=1)
            status, out, errors = self.run_doctor(self.job_file())
            self.assertEqual(status, 77, out)
            self.assertIn("missing permission: " + permission, out)
            self.assertEqual(out.count("failed "), 1, out)
            self.assertIn("AccessDenied", errors)

    def test_mistakes_in_the_settings(self):
        for changes, part in (
                ({"AWS_REGION": None}, "no region"),
                ({"AWS_REGION": "us east 1"}, "no name of a region"),
                ({"AWS_RETRY_MODE": "often"}, "AWS_RETRY_MODE"),
                ({"AWS_MAX_ATTEMPTS": "0"}, "AWS_MAX_ATTEMPTS"),
                ({"AWS_ENDPOINT_URL_SNS": "localhost"}, "AWS_ENDPOINT_URL_SNS"),
                ({"AWS_PROFILE": "gone"}, "AWS_PROFILE names profile 'gone'"),
                ({"AWS_CA_BUNDLE": "/nonexistent"}, "(AWS_CA_BUNDLE)")):
            status, report, _ = self.run_json(**changes)
            self.assertEqual(status, 78, report)
            self.assertIn(part, json.dumps(report["checks"]))

    def test_usage(self):
        for words in (["a", "b"], ["--format", "xml"], ["--lake", "x"],
                      ["--local"]):
            self.assertEqual(self.run_doctor(*words)[0], 64)
        self.assertEqual(self.run_doctor("/nonexistent")[0], 74)

    # temporary keys; lakeseg-local checks every signature

    def test_assumed_role(self):
        status, report, _ = self.run_json(self.job_file(), **self.role(
            "external_id = x y+/=\nrole_session_name = me@work\n"))
        found = report["settings"]["credentials"]
        self.assertEqual(status, 0, report)
        self.assertEqual(found["value"], "assume-role")
        self.assertIn(ROLE + "reader, by profile 'base'", found["from"])
        self.assertTrue(found["access_key"].startswith("ASIA..."))
        self.assertTrue(found["is_temporary"])

    def test_chain_of_roles(self):
        changes = self.role()
        self.write("config", "[profile p]\nrole_arn = " + ROLE + "outer\n"
                   "source_profile = middle\n[profile middle]\nrole_arn = " +
                   ROLE + "inner\nsource_profile = base\n")
        status, report, _ = self.run_json(self.job_file(), **changes)
        self.assertEqual(status, 0, report)

    def test_web_identity(self):
        for token, status, name in (("a.jwt.token", 0, None),
                                    ("expired", 77, "CredentialsExpired"),
                                    ("invalid", 69, "ServiceRefused")):
            changes = self.profile("", name=None)
            changes["AWS_WEB_IDENTITY_TOKEN_FILE"] = self.write("t", token)
            changes["AWS_ROLE_ARN"] = ROLE + "pod"
            # a later source would do, and is not asked
            changes["AWS_SHARED_CREDENTIALS_FILE"] = self.write(
                "credentials", "[default]\naws_access_key_id = %s\n"
                "aws_secret_access_key = %s\n" % (KEY, SECRET))
            found, report, _ = self.run_json(self.job_file(), **changes)
            self.assertEqual(found, status, report)
            if name is not None:
                self.assertEqual(report["checks"][0]["error"], name)
                self.assertIn("web identity", report["checks"][0]["message"])

    def test_process_and_its_complaints(self):
        changes = self.profile(
            "[profile p]\ncredential_process = sh \"%s\"\n" % self.write(
                "script", "read line && echo 'it read a manifest' >&2\n"
                "echo 'using key %s' >&2\n"
                "echo '{\"Version\":1,\"AccessKeyId\":\"%s\","
                "\"SecretAccessKey\":\"%s\"}'\n" % (SECRET, KEY, SECRET)))
        status, report, errors = self.run_json(self.job_file(), **changes)
        self.assertEqual(status, 0, report)
        self.assertEqual(report["settings"]["credentials"]["value"], "process")
        self.assertIn("credential_process: using key ...", errors)
        self.assertNotIn("manifest", errors)

    def test_expired_keys_are_renewed_once(self):
        for count, status in ((1, 0), (2, 77)):
            self.local.fault(service="sns", operation="GetTopicAttributes",
                             status=403, code="ExpiredToken", count=count)
            found, report, _ = self.run_json(self.job_file(), **self.role())
            self.assertEqual(found, status, report)

    def test_sign_in_profiles_get_the_line_to_add(self):
        changes = self.profile("[profile p]\nsso_session = s\n"
                               "[sso-session s]\nsso_region = us-east-1\n")
        status, report, _ = self.run_json(**changes)
        self.assertEqual(status, 78)
        self.assertIn("credential_process = aws configure export-credentials "
                      "--profile p --format process",
                      report["checks"][0]["message"])

    # retries

    def test_attempts_and_their_log(self):
        for attempts, status in (("3", 0), ("1", 75)):
            self.local.admin("faults", method="DELETE")
            self.local.fault(service="sns", operation="GetTopicAttributes",
                             status=400, code="Throttling", count=2)
            found, out, errors = self.run_doctor(
                self.job_file(), AWS_MAX_ATTEMPTS=attempts,
                LAKESEG_LOG="debug")
            self.assertEqual(found, status, out)
            for n in range(1, int(attempts) + 1):
                self.assertRegex(errors, "GetTopicAttributes attempt %d: HTTP "
                                 "[0-9]+ \\(request [0-9a-f-]{36}" % n)
            self.assertEqual(errors.count("GetTopicAttributes: again in"),
                             int(attempts) - 1)

    def test_no_secret_in_the_debug_log(self):
        status, _, errors = self.run_doctor(
            self.job_file(), LAKESEG_LOG="debug", **self.role())
        self.assertEqual(status, 0)
        self.assertIn("AssumeRole attempt 1: HTTP 200", errors)
        self.assertNotRegex(errors, "ASIA[0-9A-Z]{12}")
        self.assertNotIn("Signature", errors)

    @unittest.skipUnless(shutil.which("faketime") and "asan" not in BIN,
                         "no faketime here")
    def test_a_wrong_clock_is_corrected_once(self):
        for offset in ("+20m", "-20m"):
            done = subprocess.run(
                ["faketime", "-f", offset, program("lakeseg"), "doctor",
                 self.job_file()], env=self.environment(), timeout=60,
                capture_output=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertEqual(done.stderr.count(b"clock is off"), 1)

    # the way to the services

    def test_proxy(self):
        proxy = self.serve()
        url = "http://127.0.0.1:%d" % proxy.server_port
        away = {"AWS_ENDPOINT_URL": "http://sts.example.test"}
        for changes in ({"HTTP_PROXY": url}, {"http_proxy": url}):
            status, report, _ = self.run_json(**away, **changes)
            self.assertEqual(status, 0, report)
            self.assertEqual(proxy.asked.pop(),
                             ("http://sts.example.test/", "sts.example.test"))
        # a CGI program must not believe it, and NO_PROXY is heard
        for changes in ({"REQUEST_METHOD": "GET"},
                        {"NO_PROXY": "example.test"}):
            status, report, _ = self.run_json(
                HTTP_PROXY=url, AWS_MAX_ATTEMPTS="1",
                AWS_ENDPOINT_URL="http://nowhere.example.test", **changes)
            self.assertEqual(status, 75, report)
        self.assertEqual(proxy.asked, [])
        # what is near is never asked through it
        status, report, _ = self.run_json(HTTP_PROXY="http://127.0.0.1:1")
        self.assertEqual(status, 0, report)

    def test_endpoints_that_never_end(self):
        """One accepts and is silent, one sends a byte now and then: each call
        has an end, before run_doctor() loses its patience."""
        for dribble in (b"", b"x"):
            listener = socket.create_server(("127.0.0.1", 0))
            self.addCleanup(listener.close)
            threading.Thread(target=drip, args=(listener, dribble),
                             daemon=True).start()
            url = "http://127.0.0.1:%d" % listener.getsockname()[1]
            status, report, _ = self.run_json(
                AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
                AWS_EC2_METADATA_DISABLED="false",
                AWS_EC2_METADATA_SERVICE_ENDPOINT=url)
            self.assertEqual(status, 77, report)
            status, report, _ = self.run_json(
                AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None,
                AWS_CONTAINER_CREDENTIALS_FULL_URI=url + "/keys")
            self.assertEqual(status, 75, report)
            self.assertIn("container endpoint",
                          report["checks"][0]["message"])

    @unittest.skipUnless(shutil.which("openssl"), "no openssl program")
    def test_certificates(self):
        cert, key = self.dir + "/cert.pem", self.dir + "/key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out",
             cert, "-days", "2", "-subj", "/CN=test", "-addext",
             "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server = self.serve(context)
        url = {"AWS_ENDPOINT_URL": "https://127.0.0.1:%d" % server.server_port,
               "AWS_MAX_ATTEMPTS": "1"}
        status, report, _ = self.run_json(**url)
        self.assertEqual(status, 75, report)
        self.assertIn("certificate", report["checks"][0]["message"])
        status, report, _ = self.run_json(AWS_CA_BUNDLE=cert, **url)
        self.assertEqual(status, 0, report)
        config = self.write("config", "[default]\nca_bundle = %s\n" % cert)
        status, report, _ = self.run_json(AWS_CONFIG_FILE=config, **url)
        self.assertEqual(status, 0, report)
        self.assertEqual(report["settings"]["ca_bundle"]["value"], cert)


if __name__ == "__main__":
    unittest.main()
