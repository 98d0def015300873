"""One node of Ceph on loopback: a monitor, an OSD in memory and a RADOS
two gateways with S3 over HTTP and HTTPS, one of them with STS as well. Needs no
rights and leaves nothing behind: its processes end when this one does.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid

CONFIG = """
[global]
fsid = {fsid}
mon host = v1:127.0.0.1:{mon_port}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
ms bind msgr2 = false
run dir = {dir}/run
admin socket = {dir}/run/$name.asok
log file = {dir}/log/$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail crit = 0
debug ms = 0
setuser match path = {dir}
[mon.a]
mon data = {dir}/mon
[osd]
osd objectstore = memstore
memstore device bytes = 2147483648
osd data = {dir}/osd
osd journal =
osd class load list = *
osd class default list = *
osd class update on start = false
osd crush update on start = false
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{port} \
ssl_endpoint=127.0.0.1:{tls_port} ssl_certificate={dir}/tls/server.pem \
ssl_private_key={dir}/tls/server.key
rgw data = {dir}/rgw
rgw run sync thread = false
[client.sts]
rgw frontends = beast endpoint=127.0.0.1:{sts_port}
rgw data = {dir}/rgw
rgw run sync thread = false
rgw s3 auth use sts = true
rgw sts key = abcdefghijklmnop
"""


def free_ports(count):
    """All held at once, so that they differ."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)


def make_ca(folder, name):
    """A certificate authority: name.key and name.pem."""
    path = os.path.join(folder, name)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
            "-subj", "/CN=" + name, "-keyout", path + ".key",
            "-out", path + ".pem")
    return path + ".pem"


def make_certificate(folder, name, ca, names="IP:127.0.0.1,DNS:localhost"):
    """A certificate of that authority: name.key and name.pem."""
    path = os.path.join(folder, name)
    openssl("req", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name,
            "-keyout", path + ".key", "-out", path + ".csr")
    with open(path + ".ext", "w", encoding="ascii") as file:
        file.write("subjectAltName=" + names + "\n")
    openssl("x509", "-req", "-in", path + ".csr", "-CA", ca, "-CAkey",
            ca.replace(".pem", ".key"), "-CAcreateserial", "-days", "2",
            "-extfile", path + ".ext", "-out", path + ".pem")


class Ceph:
    def __init__(self, tries=3):
        """Tries again: a port may be taken in between, and a daemon may talk
        to another that is not ready."""
        self.children = []
        while True:
            # not below TMPDIR: the name of a socket has at most 107 bytes
            self.dir = tempfile.mkdtemp(prefix="lakeseg-ceph-", dir="/tmp")
            tries -= 1
            try:
                return self.start()
            except RuntimeError as error:
                self.stop()
                if tries == 0:
                    raise
                print("again: %s" % error, file=sys.stderr)
            except BaseException:
                self.stop()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self):
        for name in ("mon", "osd", "run", "rgw", "log", "tls"):
            os.mkdir(os.path.join(self.dir, name))
        tls = os.path.join(self.dir, "tls")
        self.ca = make_ca(tls, "ca")
        self.other_ca = make_ca(tls, "other-ca")
        make_certificate(tls, "server", self.ca)
        mon_port, port, tls_port, sts_port = free_ports(4)
        fsid = str(uuid.uuid4())
        self.conf = os.path.join(self.dir, "ceph.conf")
        with open(self.conf, "w", encoding="ascii") as file:
            file.write(CONFIG.format(dir=self.dir, fsid=fsid, port=port,
                                     mon_port=mon_port, tls_port=tls_port,
                                     sts_port=sts_port))
        self.url = "http://127.0.0.1:%d" % port
        self.tls_url = "https://127.0.0.1:%d" % tls_port
        # With STS on, a gateway says AccessDenied to every fault of a
        # signature; the other one says which it is.
        self.sts_url = "http://127.0.0.1:%d" % sts_port
        monmap = os.path.join(self.dir, "monmap")
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a",
                 "[v1:127.0.0.1:%d]" % mon_port, monmap)
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monmap)
        self.spawn("ceph-mon", "-i", "a")
        osd = str(uuid.uuid4())
        number = self.run("ceph", "osd", "create", osd).strip()
        self.run("ceph-osd", "-i", number, "--mkfs", "--osd-uuid", osd)
        self.run("ceph", "osd", "crush", "add", "osd." + number, "1.0",
                 "root=default", "host=h")
        self.spawn("ceph-osd", "-i", number)
        self.spawn("radosgw", "-n", "client.rgw")
        self.wait_until_ready(self.url)
        self.spawn("radosgw", "-n", "client.sts")
        self.wait_until_ready(self.sts_url)

    def command(self, words):
        # LC_ALL: the tools are Python programs, and print UTF-8
        env = {"PATH": os.environ["PATH"], "HOME": self.dir,
               "LC_ALL": "C.UTF-8", "CEPH_CONF": self.conf}
        return [words[0], "-c", self.conf, *words[1:]] \
            if words[0] != "monmaptool" else list(words), env

    def run(self, *words):
        command, env = self.command(words)
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=60, check=False)
        if done.returncode != 0:
            raise RuntimeError("%s: %s" % (" ".join(words), done.stderr))
        return done.stdout.decode()

    def spawn(self, *words):
        command, env = self.command(words)
        with open(os.path.join(self.dir, "log", words[0] + ".out"),
                  "ab") as log:
            # in the foreground, and gone with us whatever ends us
            self.children.append(subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *command, "-f"], env=env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log))

    def logs(self):
        text = ""
        for name in sorted(os.listdir(os.path.join(self.dir, "log"))):
            with open(os.path.join(self.dir, "log", name),
                      errors="replace") as file:
                text += "== %s\n%s" % (name, file.read()[-2000:])
        return text

    def wait_until_ready(self, url):
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                return
            except OSError:
                if time.monotonic() > deadline or \
                        any(c.poll() is not None for c in self.children):
                    raise RuntimeError("Ceph did not start\n" +
                                       self.logs()) from None
                time.sleep(0.1)

    def stop(self):
        """The gateway first; none of them has anything worth an orderly end."""
        for child in reversed(self.children):
            child.kill()
            child.wait(timeout=30)
        self.children = []
        shutil.rmtree(self.dir, ignore_errors=True)

    def admin(self, *words):
        text = self.run("radosgw-admin", "-n", "client.rgw", *words)
        return json.loads(text) if text.strip() else None

    def user(self, name, key, secret):
        self.admin("user", "create", "--uid=" + name, "--display-name=" + name,
                   "--access-key=" + key, "--secret-key=" + secret)

    def role(self, name, user, actions, resources):
        """A role that this user may assume; returns its ARN."""
        made = self.admin(
            "role", "create", "--role-name=" + name,
            "--assume-role-policy-doc=" + json.dumps(
                {"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": ["sts:AssumeRole"],
                     "Principal": {"AWS": ["arn:aws:iam:::user/" + user]}}]}))
        self.run("radosgw-admin", "-n", "client.rgw", "role-policy", "put",
                 "--role-name=" + name, "--policy-name=allow",
                 "--policy-doc=" + json.dumps(
                     {"Version": "2012-10-17", "Statement": [
                         {"Effect": "Allow", "Action": actions,
                          "Resource": resources}]}))
        return (made.get("Role") or made).get("Arn") or made["arn"]

    def s3(self, key, secret, url=None):
        import boto3
        from botocore.config import Config
        return boto3.client(
            "s3", endpoint_url=url or self.url, region_name="us-east-1",
            aws_access_key_id=key, aws_secret_access_key=secret,
            config=Config(s3={"addressing_style": "path"},
                          # the gateway knows no checksums but Content-MD5
                          request_checksum_calculation="when_required",
                          response_checksum_validation="when_required"))
