"""A test whose client is the JavaScript SDK, through tests/js/client.mjs."""

import json
import os
import shutil
import subprocess

from common import Case
from javascript import MODULES, ROOT


class JavaScriptCase(Case):
    """service: "athena" is package @aws-sdk/client-athena."""

    service = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # modules are looked for beside the script, not where it is called
        script = os.path.join(cls.server.dir, "client.mjs")
        shutil.copy(os.path.join(ROOT, "tests", "js", "client.mjs"), script)
        os.symlink(MODULES, os.path.join(cls.server.dir, "node_modules"))
        cls.node = subprocess.Popen(
            ["node", script, cls.server.url, cls.service],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @classmethod
    def tearDownClass(cls):
        cls.node.stdin.close()
        status = cls.node.wait(timeout=60)
        cls.node.stdout.close()
        super().tearDownClass()
        assert status == 0

    def call(self, name, **arguments):
        self.node.stdin.write(json.dumps(
            {"call": name, "with": arguments}).encode() + b"\n")
        self.node.stdin.flush()
        return json.loads(self.node.stdout.readline())
