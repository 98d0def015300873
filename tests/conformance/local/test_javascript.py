"""javascript.py: tests are left out for a reason, and only then."""

import json
import os
import sys
import tempfile
import unittest

import javascript

del sys.argv[1:2]  # lakeseg-local, which this does without


class Missing(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="lakeseg-js-")
        self.addCleanup(place.cleanup)
        self.dir = place.name
        self.node = os.path.join(self.dir, "node")
        self.say("v18.20.4")

    def say(self, version):
        with open(self.node, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\necho %s\n" % version)
        os.chmod(self.node, 0o755)

    def install(self, engines):
        os.makedirs(os.path.join(self.dir, "client"), exist_ok=True)
        with open(os.path.join(self.dir, "client", "package.json"), "w",
                  encoding="utf-8") as file:
            json.dump({"name": "client", **engines}, file)

    def missing(self, node=None):
        return javascript.missing("client", self.dir, node or self.node)

    def test_a_package_that_is_not_there(self):
        self.assertIn("client is not installed", self.missing())

    def test_no_node(self):
        self.install({})
        self.assertEqual(self.missing(os.path.join(self.dir, "none")),
                         "there is no node")

    def test_versions(self):
        for wanted, version, is_good in (
                (">=20.0.0", "v18.20.4", False),
                (">=20.0.0", "v20.0.0", True),
                (">=20.0.0", "v20.20.2", True),
                (">=18.0.0", "v18.20.4", True),
                (">=18.19.0", "v18.9.1", False),
                (">= 9", "v18.20.4", True)):
            with self.subTest(wanted=wanted, version=version):
                self.install({"engines": {"node": wanted}})
                self.say(version)
                self.assertEqual(
                    self.missing(), None if is_good else
                    "client needs node %s, this is %s" % (wanted, version))

    def test_a_package_that_takes_any(self):
        self.install({})
        self.assertIsNone(self.missing())


if __name__ == "__main__":
    unittest.main()
