"""What the container image holds, tried as a container runs it: no shell, no
root, nothing to write on but the scratch volume. The file system is made by
scripts/rootfs, which the Dockerfile calls."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import threading
import unittest

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from harness import BIN, KEY, SECRET, SOURCE, Local, job
from proxy import make_certificate

MOST_BYTES = 30_000_000
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
ENTER = os.path.join(SOURCE, "tests", "image", "enter.py")
SQL = ("SELECT id AS Id, 'EMAIL' AS \"ChannelType\", "
       "concat(id, '@example.com') AS \"Address\", "
       'zone AS "Demographic.Timezone" FROM people ORDER BY id')


class Relay:
    """TLS in front of a server that has none."""

    def __init__(self, certificate, port):
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(certificate)
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "https://localhost:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def serve(self, connection):
        try:
            outer = self.tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            return
        inner = socket.create_connection(("127.0.0.1", self.port))
        back = threading.Thread(target=self.pump, args=(inner, outer),
                                daemon=True)
        back.start()
        self.pump(outer, inner)
        back.join()
        outer.close()
        inner.close()

    @staticmethod
    def pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.listener.close()


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="lakeseg-image-")
        os.chmod(cls.dir, 0o755)
        cls.root = os.path.join(cls.dir, "root")
        cls.sbom = os.path.join(cls.dir, "sbom.json")
        cls.tar = os.path.join(cls.dir, "image.tar")
        cls.make(cls.root, cls.sbom, cls.tar)
        cls.scratch = os.path.join(cls.dir, "scratch")
        os.mkdir(cls.scratch)
        os.chmod(cls.scratch, 0o777)
        cls.local = Local()
        cls.addClassCleanup(cls.local.stop)
        cls.local.table("people", "id,zone\na,europe/berlin\n"
                        "b,America/New_York\nc,Europe/Nowhere\n")
        cls.certificate = make_certificate(cls.dir, ["localhost"])
        cls.relay = Relay(cls.certificate, int(cls.local.url.split(":")[-1]))
        cls.addClassCleanup(cls.relay.stop)
        cls.trusting = os.path.join(cls.dir, "bundle.crt")
        with open(cls.root + BUNDLE, "rb") as old, \
                open(cls.certificate, "rb") as one, \
                open(cls.trusting, "wb") as new:
            new.write(old.read() + one.read())

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir, ignore_errors=True)

    @staticmethod
    def make(root, sbom, tar):
        subprocess.run(
            [sys.executable, os.path.join(SOURCE, "scripts", "rootfs"), root,
             "--build-dir", os.path.dirname(BIN), "--sbom", sbom,
             "--tar", tar], check=True, timeout=120)

    @classmethod
    def enter(cls, *words, over=(), text="", **env):
        laid = [w for one in over for w in ("--over", one)]
        return subprocess.run(
            [sys.executable, ENTER, cls.root, cls.scratch, *laid, *words],
            input=text, capture_output=True, text=True, timeout=120,
            check=False, env={"PATH": "/usr/bin", "HOME": "/scratch",
                              "LAKESEG_WORK": "/scratch/work", **env})

    def names(self):
        folder = os.path.join(self.root, "usr", "bin")
        return sorted(os.listdir(folder))

    def test_programs(self):
        """Every one that is built, but lakeseg-local."""
        built = sorted(name for name in os.listdir(BIN)
                       if os.access(os.path.join(BIN, name), os.X_OK) and
                       not os.path.isdir(os.path.join(BIN, name)) and
                       name != "lakeseg-local")
        self.assertEqual(self.names(), built)
        for name in built:
            done = self.enter("/usr/bin/" + name, "--version")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertRegex(done.stdout, r"^\S+ \d+\.\d+\.\d+\n$")

    def test_nothing_else_runs(self):
        """No shell, no package manager: programs of ours, and libraries."""
        for folder, _, files in os.walk(self.root):
            for name in files:
                path = os.path.join(folder, name)
                if os.path.islink(path) or not os.access(path, os.X_OK):
                    continue
                self.assertTrue(name in self.names() or
                                re.match(r"(lib|ld-).*\.so", name), path)
        self.assertEqual(self.enter("/bin/sh", "-c", "true").returncode, 127)

    def test_size(self):
        size = os.path.getsize(self.tar)
        print("image: %.1f MB" % (size / 1e6))
        self.assertLess(size, MOST_BYTES)

    def test_nothing_is_set_uid_or_written_by_others(self):
        with tarfile.open(self.tar) as tar:
            for one in tar:
                self.assertEqual((one.uid, one.gid), (0, 0), one.name)
                if one.name in ("tmp", "scratch"):
                    self.assertEqual(one.mode, 0o1777)
                elif not one.issym():
                    self.assertEqual(one.mode & 0o7022, 0, one.name)

    def test_same_bytes_again(self):
        again = os.path.join(self.dir, "again")
        self.make(again, again + ".json", again + ".tar")
        for first, second in ((self.tar, again + ".tar"),
                              (self.sbom, again + ".json")):
            with open(first, "rb") as one, open(second, "rb") as two:
                self.assertTrue(one.read() == two.read(), second)

    def test_bill_of_materials(self):
        with open(self.sbom, encoding="utf-8") as file:
            text = file.read()
        self.assertIsNone(
            JsonStrictValidator(SchemaVersion.V1_6).validate_str(text))
        bom = json.loads(text)
        ours = bom["metadata"]["component"]["components"]
        theirs = [file["name"] for package in bom["components"]
                  for file in package["components"]]
        told = {file["name"] for file in ours} | set(theirs)
        self.assertEqual(len(theirs), len(set(theirs)))
        held = {"/" + os.path.relpath(os.path.join(folder, name), self.root)
                for folder, _, files in os.walk(self.root) for name in files
                if not os.path.islink(os.path.join(folder, name))}
        untold = {path for path in held - told
                  if not path.startswith(("/usr/share/doc/", "/var/lib/dpkg/"))}
        self.assertEqual(untold, {"/etc/passwd", "/etc/group",
                                  "/etc/nsswitch.conf", "/etc/os-release"})
        self.assertEqual(told - held, set())
        for package in bom["components"]:
            self.assertTrue(package["version"])
            self.assertTrue(package["licenses"])
            self.assertIn("/usr/share/doc/%s/copyright" % package["name"],
                          held)

    def tls(self, **env):
        return {"AWS_ENDPOINT_URL": self.relay.url, "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_EC2_METADATA_DISABLED": "true",
                "LAKESEG_POLL_INTERVAL_MS": "50",
                "LAKESEG_RETRY_BASE_MS": "10", **env}

    def test_a_job(self):
        """The whole of it, from the image, over TLS that the image's own
        bundle (with one more root) vouches for. Time zones are known there."""
        with open(os.path.join(self.scratch, "job.json"), "w",
                  encoding="utf-8") as file:
            json.dump(job(SQL, validate={
                "limits": {"max_reject_percent": 40}}), file)
        done = self.enter("/usr/bin/lakeseg", "run", "/scratch/job.json",
                          over=[self.trusting + "=" + BUNDLE], **self.tls())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("rows: 3 in, 2 out, 1 rejected", done.stdout)
        found = self.local.admin("endpoints/app1?limit=9")
        self.assertEqual(sorted((e["Id"], e["Demographic"]["Timezone"])
                                for e in found),
                         [("a", "Europe/Berlin"), ("b", "America/New_York")])

    def query(self, **env):
        return self.enter("/usr/bin/athena-exec", text=json.dumps(job(SQL)),
                          **self.tls(**env))

    def test_roots(self):
        """The bundle is read, and does not hold this test's root."""
        done = self.query()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("certificate", done.stderr)
        self.assertNotIn("CAfile", done.stderr)
        self.assertNotIn("error setting certificate", done.stderr)
        shutil.copy(self.certificate, os.path.join(self.scratch, "one.pem"))
        os.chmod(os.path.join(self.scratch, "one.pem"), 0o644)
        done = self.query(AWS_CA_BUNDLE="/scratch/one.pem")
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.query(AWS_CA_BUNDLE="/scratch/none.pem")
        self.assertNotEqual(done.returncode, 0)

    def test_read_only(self):
        done = self.enter("/usr/bin/csv-validate", "--output", "/etc/out.csv",
                          "--rejects", "/scratch/r.jsonl", "/scratch/in.csv")
        self.assertNotEqual(done.returncode, 0)
        with open(os.path.join(self.scratch, "in.csv"), "w",
                  encoding="ascii") as file:
            file.write("Id\na\n")
        done = self.enter("/usr/bin/csv-validate", "--output", "/etc/out.csv",
                          "--rejects", "/scratch/r.jsonl", "/scratch/in.csv")
        self.assertEqual(done.returncode, 74, done.stderr)
        self.assertIn("Read-only file system", done.stderr)


if __name__ == "__main__":
    unittest.main()
