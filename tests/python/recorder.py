"""A front before an HTTP server that keeps every request and answer as it
came. The Host header goes on unchanged, since clients sign it."""

import http.client
import http.server
import threading
from urllib.parse import urlsplit

HOP = ("connection", "keep-alive", "transfer-encoding")


class Exchange:
    """One request and its answer; headers are lists of (name, value)."""

    def __init__(self, method, target, headers, body):
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers = headers
        self.body = body
        self.status = 0
        self.answer_headers = []
        self.answer_body = b""

    def header(self, name):
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None

    def __str__(self):
        return "%s %s%s -> %d" % (self.method, self.path, "?" + self.query
                                  if self.query else "", self.status)


class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        length = int(self.headers.get("content-length") or 0)
        kept = Exchange(self.command, self.path, list(self.headers.items()),
                        self.rfile.read(length))
        if not self.server.hook(kept, "before"):
            self.close_connection = True
            return
        if self.instead(kept):
            self.server.kept.append(kept)
            return
        host = urlsplit(self.behind(kept)).netloc
        behind = http.client.HTTPConnection(host, timeout=60)
        try:
            behind.putrequest(kept.method, self.path, skip_host=True,
                              skip_accept_encoding=True)
            for name, value in kept.headers:
                if name.lower() not in HOP:
                    behind.putheader(name, value)
            behind.endheaders(kept.body or None)
            answer = behind.getresponse()
            kept.status = answer.status
            kept.answer_headers = answer.getheaders()
            kept.answer_body = answer.read()
        finally:
            behind.close()
        self.server.kept.append(kept)
        if not self.server.hook(kept, "after"):
            self.close_connection = True
            return
        try:
            self.relay(kept)
        except ConnectionError:  # whoever asked is gone
            self.close_connection = True

    def behind(self, kept):
        """Where this one goes."""
        return self.server.behind

    def instead(self, kept):
        """Answers itself, or is false."""
        return False

    def relay(self, kept):
        self.send_response_only(kept.status)
        names = [name.lower() for name, _ in kept.answer_headers]
        for name, value in kept.answer_headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        if "content-length" not in names and kept.status not in (204, 304):
            self.send_header("content-length", str(len(kept.answer_body)))
        self.end_headers()
        self.wfile.write(kept.answer_body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one

    def log_message(self, *_):
        pass


class Recorder:
    """hook(exchange, "before" or "after") is called when a request came and
    when its answer is there; false: it goes no further."""

    def __init__(self, url, hook=lambda kept, when: True, handler=Front):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      handler)
        self.server.daemon_threads = True
        self.server.behind = url
        self.server.hook = hook
        self.server.kept = self.kept = []
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
