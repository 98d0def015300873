"""Servers that answer our S3 client with nonsense: it must end with a clear
error and the right exit status, soon, and within its memory. The first
argument is the driver (s3.c)."""

import itertools
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from harness import BIN, program

DRIVER = None  # the program
IS_ASAN = "asan" in BIN or "tsan" in BIN
MEMORY_KB = 128 << 10
FILE_BYTES = 256 << 20
SECONDS = 50  # less than our client waits for a byte
OK = b"HTTP/1.1 200 OK\r\n"
ROOTS = {"list": "ListBucketResult", "list-parts": "ListPartsResult",
         "create": "InitiateMultipartUploadResult",
         "complete": "CompleteMultipartUploadResult"}


def whole(body, status=b"200 OK", headers=b""):
    body = body if isinstance(body, bytes) else body.encode()
    return b"HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
        status, headers, len(body), body)


class Server:
    """Reads each request and lets a script answer it: bytes, or an iterable
    of bytes that may have no end. The connection is then closed, unless the
    script says hold."""

    def __init__(self, script, hold=False):
        self.script, self.hold = script, hold
        self.requests = 0
        self.held = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.held.append(connection)
            threading.Thread(target=self.answer, args=(connection,),
                             daemon=True).start()

    @staticmethod
    def read(connection):
        """A request line and as much of the rest as its length says."""
        text = b""
        while b"\r\n\r\n" not in text:
            more = connection.recv(65536)
            if not more:
                return None
            text += more
        head, _, body = text.partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", head.lower())
        left = (int(length.group(1)) if length else 0) - len(body)
        while left > 0:
            more = connection.recv(65536)
            if not more:
                return None
            left -= len(more)
        return head

    def answer(self, connection):
        try:
            head = self.read(connection)
            if head is None:
                return
            self.requests += 1
            answer = self.script(head) if callable(self.script) else self.script
            for piece in [answer] if isinstance(answer, bytes) else answer:
                connection.sendall(piece)
            if self.hold:
                connection.shutdown(socket.SHUT_WR)
                time.sleep(SECONDS)
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self):
        self.listener.close()
        for connection in self.held:
            connection.close()


def chunked(pieces, status=b"200 OK"):
    return itertools.chain(
        [b"HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\n\r\n" % status], pieces)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def forever(piece):
    return itertools.repeat(piece)


# What no client can make sense of, whatever it asked for. Some of it is not
# HTTP: then the endpoint is taken for misconfigured.
NO_HTTP = ("another protocol", "bytes", "HTTP/0.9", "HTTP/9",
           "a status of letters")
NONSENSE = {
    "nothing": b"",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "bytes": bytes(range(256)) * 10,
    "HTTP/0.9": b"<ListBucketResult></ListBucketResult>",
    "HTTP/9": b"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a status of letters": b"HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
    "half a status line": b"HTTP/1.1 2",
    "half a header": OK + b"Content-Le",
    "headers only": OK + b"Content-Length: 10\r\n\r\n",
    "half a body": OK + b"Content-Length: 10\r\n\r\nabc",
    "endless headers": lambda _: itertools.chain([OK], forever(
        b"x-a: b\r\n" * 1000)),
    "an endless header": lambda _: itertools.chain([OK, b"x-a: "],
                                                   forever(b"a" * 65536)),
    "a header without a colon": OK + b"nothing\r\nContent-Length: 0\r\n\r\n",
    "a header of 1 MB": OK + b"x-a: " + b"a" * (1 << 20) + b"\r\n\r\n",
    "a flood of 100": lambda _: forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 99),
    "a flood of 103": lambda _: forever(
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" * 99),
    "a negative length": OK + b"Content-Length: -5\r\n\r\n",
    "a length of letters": OK + b"Content-Length: ten\r\n\r\n0123456789",
    "another length": OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a huge length": OK + b"Content-Length: 9223372036854775807\r\n\r\n<a",
    "too huge a length": OK + b"Content-Length: 99999999999999999999999\r\n"
                              b"\r\n<a",
    "no chunk size": lambda _: chunked([b"zz\r\nabc\r\n0\r\n\r\n"]),
    "a negative chunk": lambda _: chunked([b"-5\r\nabcde\r\n0\r\n\r\n"]),
    "a huge chunk": lambda _: chunked([b"fffffffffffffffff\r\nabc\r\n"]),
    "half a chunk": lambda _: chunked([b"10\r\nabc"]),
    "no last chunk": lambda _: chunked([chunk(b"<a/>")]),
    "a chunk too long": lambda _: chunked([b"3\r\nabcdef\r\n0\r\n\r\n"]),
    "an endless chunk size": lambda _: chunked(forever(b"0" * 1000)),
    "an endless trailer": lambda _: chunked(itertools.chain(
        [chunk(b"<a/>"), b"0\r\n"], forever(b"x-a: b\r\n" * 1000))),
    "an unknown coding": OK + b"Transfer-Encoding: chunked, mine\r\n\r\n",
}
BOMB = ('<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "' + "lol" * 100 +
        '">' + "".join('<!ENTITY %s "%s">' % (b, ("&%s;" % a) * 100)
                       for a, b in zip("abcdefg", "bcdefgh")) + "]>")
EVIL = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


# What stands in an XML answer; %s is its root.
DOCUMENTS = {
    "a bomb": BOMB + "<%s><Name>&h;</Name></%s>",
    "a file": EVIL + "<%s><Name>&x;</Name></%s>",
    "an unknown entity": "<%s><Name>&lol;</Name></%s>x",
    "depth": "<%s>" + "<a>" * 100000,
    "depth that ends": "<%s>" + "<a>" * 100000 + "</a>" * 100000 + "</%s>",
    "half": "<%s><Contents><Key>a</Key>",
    "crossed": "<%s><a><b></a></b></%s>",
    "another root": "<a%s></a%s>",
    "two roots": "<%s></%s><b>",
    "a tag without end": "<%s><" + "a" * 1000000,
    "a quote without end": '<%s><a b="' + "c" * 1000000,
    "a comment without end": "<%s><!--" + "-" * 1000000,
    "JSON": '{"%s":1, "x": "%s"}',
    "NUL": "\0<%s></%s>\0<",
}


class Client(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="lakeseg-test-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.file = os.path.join(self.dir, "x")
        with open(self.file, "wb") as file:
            file.write(b"0123456789" * 10)
        with open(self.path("parts"), "w", encoding="ascii") as file:
            file.write('[{"number":1,"bytes":5,"etag":"\\"e\\"",'
                       '"crc64nvme":"AAAAAAAAAAA="}]')

    def path(self, name):
        return os.path.join(self.dir, name)

    def words(self, call):
        more = {"get": [self.path("o")], "put": [self.file],
                "list-parts": ["u"], "complete": ["u", self.path("parts")]}
        return [DRIVER, call, "bucket", "key", *more.get(call, [])]

    def run_program(self, words, url, seconds=SECONDS, **changes):
        """Status, standard output, messages; fails when it takes too much."""
        env = {"PATH": os.environ["PATH"], "HOME": self.dir,
               "AWS_ENDPOINT_URL": url, "AWS_REGION": "us-east-1",
               "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
               "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "2",
               "LAKESEG_RETRY_BASE_MS": "1",
               "LAKESEG_WORK": self.path("work")}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        env.update(changes)
        with open(self.path("out"), "w+b") as out, \
                open(self.path("err"), "w+b") as errors:
            child = subprocess.Popen(
                words, env=env, stdout=out, stderr=errors,
                stdin=subprocess.DEVNULL, preexec_fn=lambda: resource.setrlimit(
                    resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES)))
            timer = threading.Timer(seconds, child.kill)
            timer.start()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            timer.cancel()
            out.seek(0)
            errors.seek(0)
            text, messages = out.read(), errors.read().decode()
        self.assertGreaterEqual(child.returncode, 0, (words, messages[-2000:]))
        if not IS_ASAN:
            self.assertLess(used.ru_maxrss, MEMORY_KB, words)
        return child.returncode, text, messages

    def check_error(self, call, url, status=75, **changes):
        found, text, messages = self.run_program(self.words(call), url,
                                                 **changes)
        answer = json.loads(text)
        self.assertEqual(found, status, (call, text[:2000], messages))
        error = answer["error"]
        self.assertTrue(10 < len(error["message"]) < 1024, error)
        self.assertTrue(error["message"].isprintable(), error)
        return error

    def check(self, script, call, status=75, **changes):
        """The error, and how often the server was asked."""
        server = Server(script)
        try:
            return self.check_error(call, server.url, status, **changes), \
                server.requests
        finally:
            server.stop()


class Hostile(Client):
    def test_nonsense(self):
        for name, script in NONSENSE.items():
            for call in ("get", "list", "put", "create"):
                with self.subTest(name, call=call):
                    self.check(script, call, 78 if name in NO_HTTP else 75)

    def test_half_closed(self):
        """It says no more, but does not hang up."""
        for answer in (b"", OK, OK + b"Content-Length: 10\r\n\r\nabc"):
            server = Server(answer, hold=True)
            try:
                for call in ("get", "list", "put"):
                    self.check_error(call, server.url)
            finally:
                server.stop()

    def test_documents(self):
        for name, text in DOCUMENTS.items():
            for call, root in ROOTS.items():
                with self.subTest(name, call=call):
                    self.check(whole(text.replace("%s", root)), call)

    def test_documents_of_errors(self):
        """The status counts, whatever stands in the document."""
        for name, text in DOCUMENTS.items():
            for status, want in ((b"403 No", 77), (b"404 No", 69),
                                 (b"500 No", 75)):
                with self.subTest(name, status=status):
                    self.check(whole(text.replace("%s", "Error"), status),
                               "list", want)

    def test_endless_documents(self):
        """16 MiB of an answer are kept, no more."""
        for status in (b"200 OK", b"403 No", b"500 No"):
            for piece in (b"<a>", b" ", b"x" * 4096):
                answer = (lambda _, s=status, p=piece: chunked(
                    forever(chunk(p * (65536 // len(p)))), s))
                with self.subTest(status, piece=piece[:3]):
                    error, requests = self.check(answer, "list", 75)
                    self.assertIn("16", error["message"])
                    self.assertLessEqual(requests, 2)

    def test_endless_errors_of_a_file(self):
        answer = lambda _: chunked(forever(chunk(b"x" * 65536)), b"500 No")
        self.check(answer, "get")
        self.check(answer, "put")

    def test_lists(self):
        def of(text):
            return whole("<ListBucketResult>%s</ListBucketResult>" % text)

        def key(text):
            return of("<Contents><Key>%s</Key><Size>1</Size></Contents>" % text)

        for name, answer in {
                "no next": of("<IsTruncated>true</IsTruncated>"),
                "the same next": of(
                    "<IsTruncated>true</IsTruncated><NextContinuationToken>a"
                    "</NextContinuationToken>"),
                "half an escape": key("a%2"), "no hex": key("a%zz"),
                "a NUL": key("a%00b"), "no UTF-8": key("a%ff"),
                "a long key": key("a" * 100000)}.items():
            with self.subTest(name):
                found, text, _ = self.run_list(answer)
                self.assertIn(found, (65, 75), text[:2000])

    def run_list(self, answer):
        server = Server(answer)
        try:
            return self.run_program(self.words("list"), server.url)
        finally:
            server.stop()

    def test_odd_but_good(self):
        """What is not as it should be, but cannot be misunderstood."""
        body = b"<ListBucketResult></ListBucketResult>"
        for name, answer in {
                "no reason": whole(body).replace(b"200 OK", b"200"),
                "LF only": whole(body).replace(b"\r\n", b"\n"),
                "many headers": whole(body, headers=b"x-a: b\r\n" * 3000),
                "a long ETag": whole(body, headers=b"ETag: %s\r\n" %
                                     (b"a" * 50000)),
                "a 100 before": b"HTTP/1.1 100 Continue\r\n\r\n" + whole(body),
                "a time of nonsense": whole(body, headers=b"Date: now\r\n"),
                "the end by closing": OK + b"\r\n" + body}.items():
            with self.subTest(name):
                found, text, _ = self.run_list(answer)
                self.assertEqual((found, text), (0, b'{"keys":[]}\n'))

    def test_no_redirect(self):
        """A signature is for one host; nobody else sees it."""
        other = Server(whole(b""))
        for status in (b"301 Moved", b"307 Go", b"308 Go"):
            for call in ("get", "list", "put", "head"):
                self.check(whole(b"", status, b"Location: %s/x\r\n" %
                                 other.url.encode()), call, 69)
        self.assertEqual(other.requests, 0)
        other.stop()

    def test_regions_of_nonsense(self):
        for region in (b"../../x", b"a b", b"x.example.com/", b"a" * 5000):
            error, requests = self.check(whole(
                b"", b"301 Moved", b"x-amz-bucket-region: " + region +
                b"\r\n"), "list", 69)
            self.assertEqual(requests, 1, error)

    def test_waits_of_nonsense(self):
        """Retry-After of ages is not waited for: there is no second try. What
        is no time in the future is passed over."""
        ages, none = {1}, {1, 2}  # requests; 1: a machine that is slow
        for wait, want in (
                (b"99999999", ages), (b"99999999999999999999", none),
                (b"-1", none), (b"soon", none),
                (b"Fri, 31 Dec 9999 23:59:59 GMT", ages),
                (b"Mon, 01 Jan 0001 00:00:00 GMT", none)):
            for header in (b"Retry-After: ", b"x-amz-retry-after: "):
                if header[:1] == b"x" and wait.endswith(b"GMT"):
                    want = none  # that one has milliseconds
                _, requests = self.check(
                    whole(b"", b"503 No", header + wait + b"\r\n"), "list",
                    LAKESEG_RETRY_DEADLINE_MS="2000")
                self.assertIn(requests, want, header + wait)

    def test_times_of_nonsense(self):
        """A clock is corrected once, whatever the server says it is."""
        text = "<Error><Code>RequestTimeTooSkewed</Code></Error>"
        for date in (b"Mon, 01 Jan 0001 00:00:00 GMT", b"now",
                     b"Fri, 31 Dec 9999 23:59:60 GMT"):
            _, requests = self.check(whole(text, b"403 No", b"Date: " + date +
                                           b"\r\n"), "list", 77)
            self.assertLessEqual(requests, 2)

    def fetch(self, script, **changes):
        server = Server(script)
        try:
            return self.run_program(
                [program("s3-fetch"), "--output", self.path("o"),
                 "s3://bucket/key"], server.url, **changes)
        finally:
            server.stop()

    def test_fetch_nonsense(self):
        for name, script in NONSENSE.items():
            with self.subTest(name):
                status, text, messages = self.fetch(script)
                self.assertEqual(status, 78 if name in NO_HTTP else 75,
                                 messages)
                self.assertFalse(os.path.exists(self.path("o")))
                self.assertTrue(json.loads(text)["error"]["message"])

    def test_fetch_lies(self):
        """HEAD promises what the ranges do not keep."""
        def object_of(size, status, headers, body):
            def script(head):
                if head.startswith(b"HEAD"):
                    return (OK + b'ETag: "e"\r\nContent-Length: %d\r\n\r\n' %
                            size)
                return whole(body, status, b'ETag: "e"\r\n' + headers)
            return script

        for name, script in {
                "an exabyte": object_of(1 << 62, b"206 Part", b"", b"abc"),
                "too short": object_of(10, b"206 Part", b"Content-Range: bytes"
                                       b" 0-9/10\r\n", b"abc"),
                "too long": object_of(10, b"206 Part", b"Content-Range: bytes "
                                      b"0-9/10\r\n", b"0123456789abc"),
                "another range": object_of(
                    10, b"206 Part", b"Content-Range: bytes 5-14/20\r\n",
                    b"0123456789"),
                "no range": object_of(10, b"206 Part", b"", b"abc"),
                "the whole": object_of(10, b"200 OK", b"", b"abc"),
                "nothing": object_of(10, b"204 None", b"", b"")}.items():
            with self.subTest(name):
                if os.path.exists(self.path("o")):
                    os.remove(self.path("o"))
                status, text, messages = self.fetch(script)
                self.assertIn(status, (65, 69, 74, 75), messages)
                self.assertFalse(os.path.exists(self.path("o")))
                self.assertTrue(json.loads(text)["error"]["message"])

    def test_endless_file(self):
        """More than was promised is not written."""
        def script(head):
            if head.startswith(b"HEAD"):
                return OK + b'ETag: "e"\r\nContent-Length: 10\r\n\r\n'
            return itertools.chain([
                b"HTTP/1.1 206 Part\r\nContent-Range: bytes 0-9/10\r\n"
                b'ETag: "e"\r\nTransfer-Encoding: chunked\r\n\r\n'],
                forever(chunk(b"x" * 65536)))

        status, _, messages = self.fetch(script)
        self.assertIn(status, (65, 69, 75), messages)
        left = sum(os.path.getsize(os.path.join(folder, name))
                   for folder, _, names in os.walk(self.dir) for name in names)
        self.assertLess(left, 1 << 20)


class Silent(Client):
    """A server that takes a connection and says nothing."""

    def test_silence(self):
        listener = socket.create_server(("127.0.0.1", 0))
        url = "http://127.0.0.1:%d" % listener.getsockname()[1]
        error = self.check_error("list", url, seconds=120,
                                 AWS_MAX_ATTEMPTS="1")
        self.assertRegex(error["message"], "(?i)time|slow")
        listener.close()


if __name__ == "__main__":
    DRIVER = sys.argv.pop(1)
    unittest.main()
