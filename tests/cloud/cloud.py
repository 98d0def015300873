"""The cloud on one machine: lakeseg-local, moto's interpreter behind
launcher.py, and the front before both."""

import json
import os
import re
import socket
import subprocess
import sys
import time

import boto3

import front
from harness import BIN, KEY, SECRET, Local

ACCOUNT = "123456789012"
REGION = "us-east-1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(found, what, seconds=120):
    """What found() returns, once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = found()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError("not within %d s: %s" % (seconds, what))


class Cloud:
    """task_env are variables for every task over those of its definition."""

    def __init__(self, local_options=(), task_env=None):
        self.local = Local(*local_options)
        self.front = front.Cloud(self.local.url)
        self.work = os.path.join(self.local.dir, "tasks")
        os.mkdir(self.work)
        try:
            self.moto = self.start_moto(task_env or {})
        except RuntimeError:
            self.front.stop()
            self.local.stop()
            raise

    def start_moto(self, task_env):
        config = {"bin": BIN, "work": self.work, "front": self.front.url,
                  "env": task_env}
        here = os.path.dirname(os.path.abspath(__file__))
        env = {**os.environ, "LAKESEG_LAUNCHER": json.dumps(config),
               "PYTHONPATH": here, "MOTO_ACCOUNT_ID": ACCOUNT,
               "MOTO_PORT": self.front.url.rsplit(":", 1)[1]}
        self.moto_log = open(os.path.join(self.work, "moto.log"), "wb")
        for _ in range(3):  # the port may be taken in between
            port = free_port()
            moto = subprocess.Popen(
                [sys.executable, os.path.join(here, "launcher.py"),
                 "-H", "127.0.0.1", "-p", str(port)], env=env,
                stdin=subprocess.DEVNULL, stdout=self.moto_log,
                stderr=self.moto_log)
            if self.answers(moto, port):
                self.front.moto = "http://127.0.0.1:%d" % port
                return moto
        raise RuntimeError("moto does not start: " + self.moto_errors())

    @staticmethod
    def answers(moto, port):
        deadline = time.monotonic() + 120
        while moto.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return moto.poll() is None
            except OSError:
                time.sleep(0.1)
        return False

    def stop(self):
        self.moto.terminate()
        try:
            self.moto.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.moto.kill()
            self.moto.wait(timeout=60)
        self.moto_log.close()
        self.front.stop()
        return self.local.stop()

    def client(self, service, role=None):
        """The operator's, or one with the rights of a role."""
        keys = self.front.keys(role) if role else {
            "AccessKeyId": KEY, "SecretAccessKey": SECRET, "Token": None}
        return boto3.session.Session().client(
            service, endpoint_url=self.front.url, region_name=REGION,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["Token"])

    def tasks(self):
        """What the launcher listed, a dictionary for each task."""
        found = {}
        with open(os.path.join(self.work, "tasks.jsonl"),
                  encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    fields = json.loads(line)
                    found.setdefault(fields["task"], {}).update(fields)
        return list(found.values())

    def moto_errors(self):
        """Its last traceback: what it answers 500 to."""
        with open(self.moto_log.name, encoding="utf-8",
                  errors="replace") as log:
            found = re.findall(r"^Traceback .*\n(?:  .*\n)*.*\n", log.read(),
                               re.MULTILINE)
        return found[-1][-1500:] if found else ""

    def task_log(self, task):
        with open(os.path.join(self.work, task["task"], "log"),
                  encoding="utf-8", errors="replace") as log:
            return log.read()
