"""When pinpoint-import says that the service is gone, and when it does not: a
proxy stands in for AWS's own hosts. The machine's date must be after
2026-10-30; before it, unit.stages.pinpoint_import alone looks at the rule."""

import unittest

from importing import Importing
from proxy import Proxy

PINPOINT = "pinpoint.us-east-1.amazonaws.com"
STS = "sts.us-east-1.amazonaws.com"
GONE = (410, {"content-type": "text/html"}, b"<html>gone</html>")
HERE = (302, {"location": "https://aws.amazon.com/iam"}, b"")


def error(status, name, message="no"):
    return (status, {"content-type": "application/json",
                     "x-amzn-errortype": name},
            b'{"Message": "%s"}' % message.encode())


class Retired(Importing):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = Proxy(cls.local.dir, {PINPOINT: GONE, STS: HERE})

    @classmethod
    def tearDownClass(cls):
        cls.proxy.stop()
        super().tearDownClass()

    def asks(self, pinpoint, sts, name, words, *options, **environment):
        self.proxy.answers.update({PINPOINT: pinpoint, STS: sts})
        self.proxy.asked.clear()
        settings = {"AWS_ENDPOINT_URL": None,
                    "AWS_ENDPOINT_URL_S3": self.local.url,
                    "HTTPS_PROXY": self.proxy.url,
                    "AWS_CA_BUNDLE": self.proxy.certificate,
                    "AWS_MAX_ATTEMPTS": "1", **environment}
        result = self.fails(self.one(), name, words, *options, **settings)
        return result.manifest["error"]["message"]

    def test_gone(self):
        for answer in (GONE, (404, {}, b""), (403, {}, b'{"message":"x"}'),
                       (301, {"location": "https://aws.amazon.com/"}, b""),
                       (200, {"content-type": "text/html"}, b"<html>"),
                       error(410, "GoneException"),
                       error(400, "ServiceRetiredException")):
            with self.subTest(answer=answer):
                message = self.asks(answer, HERE, "Retired",
                                    "ended on 2026-10-30")
                self.assertIn("customer-profiles", message)
                self.assertEqual(self.proxy.asked, [PINPOINT, STS])

    def test_errors_of_the_service_stay(self):
        for answer, name, words in (
                (error(404, "NotFoundException"), "ServiceRefused",
                 "is 'app1' an application in region 'us-east-1'"),
                (error(403, "ForbiddenException"), "AccessDenied",
                 "iam:PassRole"),
                (error(403, "AccessDeniedException"), "AccessDenied",
                 "GetImportJobs"),
                (error(400, "BadRequestException"), "ServiceRefused", "400"),
                (error(500, "InternalServerErrorException"),
                 "ServiceUnavailable", "500"),
                ((503, {}, b""), "ServiceUnavailable", "503"),
                (error(403, "InvalidSignatureException"), "SignatureRefused",
                 "403"),
                (error(403, "ExpiredTokenException"), "CredentialsExpired",
                 "403")):
            with self.subTest(answer=answer):
                self.asks(answer, HERE, name, words)
                self.assertEqual(set(self.proxy.asked), {PINPOINT})

    def test_no_other_host_answers(self):
        self.asks(GONE, None, "ServiceRefused", "410")
        self.assertEqual(self.proxy.asked, [PINPOINT, STS])
        self.asks(None, None, "ServiceUnavailable", "502")

    def test_the_rule_is_a_setting(self):
        self.asks(GONE, HERE, "ServiceRefused", "410",
                  "--retired-check=never")
        self.assertEqual(self.proxy.asked, [PINPOINT])
        self.asks(GONE, None, "Retired", "ended", "--retired-check=always")
        self.assertEqual(self.proxy.asked, [PINPOINT])

    def test_another_server_is_not_the_service(self):
        def change(call, kept):
            if call == "GetImportJobs":
                kept.status, kept.answer_body = 410, b"gone"
        front = self.changed(change)
        self.asks(GONE, HERE, "ServiceRefused", "410",
                  AWS_ENDPOINT_URL_PINPOINT=front.url)
        self.assertEqual(self.proxy.asked, [])


if __name__ == "__main__":
    unittest.main()
