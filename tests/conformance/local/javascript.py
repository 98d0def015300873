"""Whether the JavaScript clients can be had: scripts/setup --test installs
them, and each says which node it needs."""

import json
import os
import re
import shutil
import subprocess

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..",
                    "..")
MODULES = os.path.abspath(os.path.join(ROOT, ".deps", "js", "node_modules"))


def numbers(version):
    return [int(n) for n in re.findall(r"\d+", version)[:3]]


def missing(package, modules=MODULES, node="node"):
    """Why the tests with this package cannot run, or None."""
    try:
        with open(os.path.join(modules, package, "package.json"),
                  encoding="utf-8") as file:
            wanted = json.load(file).get("engines", {}).get("node", "")
    except FileNotFoundError:
        return "%s is not installed: scripts/setup --test does it" % package
    if not shutil.which(node):
        return "there is no node"
    found = subprocess.run([node, "--version"], capture_output=True,
                           timeout=60, check=True).stdout.decode().strip()
    least = re.fullmatch(r">=\s*([\d.]+)", wanted)
    if least and numbers(found) < numbers(least[1]):
        return "%s needs node %s, this is %s" % (package, wanted, found)
    return None
