"""A stand-in for the calls of Step Functions that a task makes: tokens that are
open, used or over, and executions. Each request and answer is checked beside
botocore's model."""

import http.server
import json
import threading
import time

import models
from recorder import Exchange

OUTCOMES = ("SendTaskSuccess", "SendTaskFailure")


class Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length") or 0)
        kept = Exchange(self.command, self.path, list(self.headers.items()),
                        self.rfile.read(length))
        answer = self.server.states.take(kept)
        if answer is None:  # done, but nobody hears of it
            self.close_connection = True
            return
        kept.status, body = answer
        kept.answer_body = json.dumps(body).encode()
        kept.answer_headers = [("content-type", "application/x-amz-json-1.0")]
        if kept.status < 500:
            self.server.states.faults += models.answer_faults(kept)
        try:
            self.send_response_only(kept.status)
            for name, value in kept.answer_headers:
                self.send_header(name, value)
            self.send_header("content-length", str(len(kept.answer_body)))
            self.end_headers()
            self.wfile.write(kept.answer_body)
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_):
        pass


class States:
    """hook(operation, body) may answer in place of us: (status, body), None to
    go on, or "lost": it is done, and no answer comes."""

    def __init__(self):
        self.lock = threading.Condition()
        self.open = set()
        self.outcomes = {}    # token: (operation, body)
        self.beats = {}       # token: how many
        self.executions = {}  # arn: status
        self.calls = []       # (operation, body, monotonic time)
        self.faults = []
        self.hook = lambda operation, body: None
        self.count = 0
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        self.server.states = self
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,),
                         daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def token(self):
        with self.lock:
            self.count += 1
            token = "AQCEAAAAKgAAAAMAAAAA+/=%d" % self.count
            self.open.add(token)
            return token

    def take(self, kept):
        self.faults += models.request_faults(kept)
        operation = models.what(kept)
        if operation is None:
            return 400, {"__type": "UnknownOperationException"}
        body = json.loads(kept.body)
        with self.lock:
            self.calls.append((operation.name, body, time.monotonic()))
        hooked = self.hook(operation.name, body)
        if isinstance(hooked, tuple):
            return hooked
        with self.lock:
            answer = self.answer(operation.name, body)
            self.lock.notify_all()
        return None if hooked == "lost" else answer

    def answer(self, operation, body):
        if operation == "DescribeExecution":
            arn = body["executionArn"]
            if arn not in self.executions:
                return 400, {"__type": "ExecutionDoesNotExist",
                             "message": "Execution Does Not Exist: " + arn}
            return 200, {"executionArn": arn, "name": arn.rpartition(":")[2],
                         "stateMachineArn": "arn:aws:states:us-east-1:"
                         "123456789012:stateMachine:m",
                         "status": self.executions[arn],
                         "startDate": 1795395723.004}
        token = body["taskToken"]
        if token not in self.open:
            return 400, {"__type": "TaskTimedOut",
                         "message": "Provided task does not exist anymore"}
        if operation == "SendTaskHeartbeat":
            self.beats[token] = self.beats.get(token, 0) + 1
        if operation in OUTCOMES:
            self.open.remove(token)
            self.outcomes[token] = (operation, body)
        return 200, {}

    def wait(self, is_so, timeout=120):
        """Until is_so() is true after some call."""
        with self.lock:
            assert self.lock.wait_for(is_so, timeout), self.calls
