"""Runs of pinpoint-import alone, over files that the test puts into S3, and
fronts before the service that change what passes."""

import itertools
import json
import re
import time

from harness import ROLE, Case, Pipe
from recorder import Front, Recorder

NUMBER = itertools.count()
CALLS = (("ListObjectsV2", "GET", r"/results.*list-type=2"),
         ("CreateImportJob", "POST", r"/v1/apps/[^/]+/jobs/import$"),
         ("GetImportJobs", "GET", r"/v1/apps/[^/]+/jobs/import(\?|$)"),
         ("GetImportJob", "GET", r"/v1/apps/[^/]+/jobs/import/"),
         ("GetSegments", "GET", r"/v1/apps/[^/]+/segments(\?|$)"),
         ("GetSegment", "GET", r"/v1/apps/[^/]+/segments/"))


def call_of(method, target):
    for name, verb, pattern in CALLS:
        if verb == method and re.match(pattern, target):
            return name
    return None


class Changing(Front):
    """A front that asks the server's `change(call, exchange)` before it
    passes an answer on, and `before(call)` before it passes a request."""

    def handle_one(self):
        call = call_of(self.command, self.path)
        if self.server.before is not None:
            self.server.before(call)
        super().handle_one()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

    def relay(self, kept):
        call = call_of(kept.method, self.path)
        if self.server.change is not None:
            self.server.change(call, kept)
        kept.answer_headers = [
            (name, value) for name, value in kept.answer_headers
            if name.lower() != "content-length"]
        try:
            super().relay(kept)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client was killed


class Changer(Recorder):
    def __init__(self, url, change=None, before=None):
        super().__init__(url)
        self.server.RequestHandlerClass = Changing
        self.server.change = change
        self.server.before = before

    def calls(self):
        return [call_of(kept.method, kept.path + (
            "?" + kept.query if kept.query else "")) for kept in self.kept]


def edit(kept, **fields):
    """Sets members of a JSON answer; None takes one away."""
    body = json.loads(kept.answer_body)
    for name, value in fields.items():
        body[name] = value
        if value is None:
            del body[name]
    kept.answer_body = json.dumps(body).encode()


class Importing(Case):
    def prefix(self):
        return "runs/%d-%d/import/" % (time.monotonic_ns(), next(NUMBER))

    def part(self, key, rows=3, body=None):
        """A file with its entry of data[]."""
        name = "x%d" % next(NUMBER)
        if body is None:
            body = "".join("%s-%d,EMAIL,%s-%d@example.com\n" %
                           (name, i, name, i) for i in range(rows))
        data = ("Id,ChannelType,Address\n" + body).encode()
        answer = self.local.s3().put_object(Bucket="results", Key=key,
                                            Body=data)
        return {"uri": "s3://results/" + key, "role": "normalized",
                "format": "csv", "compression": "none", "bytes": len(data),
                "rows": body.count("\n"), "etag": answer["ETag"]}

    def manifest(self, data, **settings):
        return {"lakeseg": 1, "run": {"id": "r%d" % next(NUMBER)},
                "data": data,
                "import": {"destination": "pinpoint",
                           "application_id": "app1", "role_arn": ROLE,
                           **settings}}

    def one(self, rows=3, **settings):
        return self.manifest(
            [self.part(self.prefix() + "p0000/part-0000.csv", rows)],
            **settings)

    def folders(self, count, rows=3):
        prefix = self.prefix()
        return [self.part("%sp%04d/part-0000.csv" % (prefix, i), rows)
                for i in range(count)]

    def start(self, manifest, *options, **environment):
        return Pipe([["pinpoint-import", *options]],
                    self.local.environment(**environment),
                    json.dumps(manifest).encode())

    def run_import(self, manifest, *options, want=0, **environment):
        result = self.start(manifest, *options, **environment).end()
        self.assertEqual(result.status, want, result.stderr)
        return result

    def fails(self, manifest, name, words, *options, **environment):
        status = {"ConfigInvalid": 78, "DataInvalid": 65, "Retired": 78,
                  "ManifestInvalid": 66, "ServiceUnavailable": 75,
                  "Throttled": 75, "Interrupted": 75, "AccessDenied": 77,
                  "SignatureRefused": 77, "CredentialsExpired": 77}
        result = self.run_import(manifest, *options,
                                 want=status.get(name, 69), **environment)
        error = result.manifest["error"]
        self.assertEqual(error["name"], name, error)
        self.assertRegex(error["message"], words)
        return result

    def imports(self, manifest):
        """The service's jobs under the folder of the run's files."""
        root = manifest["data"][0]["uri"].partition("import/")[0]
        return [j for j in self.local.admin("imports/app1")
                if j["Definition"]["S3Url"].startswith(root)]

    def changed(self, change=None, before=None):
        front = Changer(self.local.url, change, before)
        self.addCleanup(front.stop)
        return front
