#!/usr/bin/env python3
"""Every check of our state machines' definitions. As a program it says what
they find, and fails if that is anything."""

import json
import os
import re
import subprocess
import sys

from moto.stepfunctions.parser.asl.static_analyser.static_analyser import \
    StaticAnalyser

import rules

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
FOLDER = os.path.join(SOURCE, "cloudformation")
DEPS = os.path.join(SOURCE, ".deps", "cloud")
# Its grammar is older than the Distributed Map.
EXCUSED = re.compile(r'statelint: Field "ItemReader" not allowed in State ')
MACHINES = {"state-machine-large.asl.json": "StateMachine",
            "state-machine.asl.json": "StateMachine",
            "tell.asl.json": "TellMachine"}


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def substitutions(resource):
    """The names that the template gives values to."""
    block = re.search(r"^  %s:\n(?:    .*\n)*?      DefinitionSubstitutions:\n"
                      r"((?:        .*\n)+)" % resource,
                      read("template.yaml"), re.M).group(1)
    return set(re.findall(r"^        (\w+):", block, re.M))


def by_moto(text):
    try:
        StaticAnalyser().analyse(text)
        return []
    except Exception as error:  # its parser raises whatever comes
        return ["%s: %s" % (type(error).__name__, str(error)[:200])]


def findings(texts, names):
    """What each check says of each text, a dictionary a text."""
    done = subprocess.run(
        ["node", os.path.join(HERE, "lint.cjs"), DEPS],
        input=json.dumps(texts).encode(), stdout=subprocess.PIPE, check=True,
        timeout=300)
    found = json.loads(done.stdout)
    for text, by in zip(texts, found):
        by["moto"] = by_moto(text)
        by["ours"] = rules.judge(text, names)
        for check, said in by.items():
            by[check] = [one for one in said
                         if not EXCUSED.match("%s: %s" % (check, one))]
    return found


def main():
    said = ["%s: %s: %s" % (name, check, text)
            for name, resource in MACHINES.items()
            for check, texts in findings([read(name)], substitutions(
                resource))[0].items()
            for text in texts]
    print("\n".join(said))
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
