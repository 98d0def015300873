"""Our reader of SQL beside Trino's own parser.

test_oracle.py JUDGED            our verdicts on the corpus beside the answers
                                 of the parser that are kept in answers.txt
test_oracle.py JUDGED JARS [N]   asks the parser itself, for the corpus and N
                                 (100,000) generated and broken statements
test_oracle.py JUDGED JARS record   writes answers.txt anew
"""

import glob
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import generate  # noqa: E402

SEED = 20261125
SHOWN = 10


def path(name):
    return os.path.join(HERE, name)


def read(name):
    with open(path(name), encoding="utf-8") as file:
        return file.read()


def corpus():
    """Every call as a column without and with a name and as a condition;
    whole statements; the queries of the examples."""
    made = []
    for line in read("calls.txt").splitlines():
        if line and not line.startswith("#"):
            made += [f"SELECT {line} FROM t", f"SELECT {line} AS x FROM t",
                     f"SELECT a FROM t WHERE {line}"]
    made += [s.strip() for s in read("statements.sql").split(";\n") if s.strip()]
    for name in sorted(glob.glob(os.path.join(SOURCE, "examples/jobs/*.json"))):
        with open(name, encoding="utf-8") as file:
            job = json.load(file)
        made.append(job.get("Query") or job["query"]["sql"])
    return made


def ask(command, statements):
    """One answer for each statement, in their order."""
    text = "".join(json.dumps(s) + "\n" for s in statements)
    done = subprocess.run(command, input=text.encode(), check=True,
                          stdout=subprocess.PIPE, timeout=900)
    answers = done.stdout.decode().splitlines()
    if len(answers) != len(statements):
        sys.exit(f"{command[0]}: {len(answers)} answers for "
                 f"{len(statements)} statements")
    return answers


def java(jars):
    # one thread to collect garbage: the machine may be busy
    return ["java", "-XX:+UseSerialGC", "-Xss8m", "-cp",
            os.path.join(jars, "*"), path("Oracle.java")]


def exceptions():
    found = []
    for line in read("exceptions.txt").splitlines():
        if line and not line.startswith("#"):
            kind, part, _ = line.split(" | ", 2)
            found.append((kind, part))
    return found


def as_sent(statement, answer):
    """What would be sent, and our verdict on it: without the semicolons."""
    verdict, _, length = answer.partition("\t")
    if length:
        statement = statement.encode()[:int(length)].decode()
    return statement, verdict


class Comparison:
    def __init__(self):
        self.rules = exceptions()
        self.used = {rule: 0 for rule in self.rules}
        self.failed = []
        self.same = [0, 0]  # refused, taken

    def excused(self, kind, statement, message):
        for rule in self.rules:
            if rule[0] != kind:
                continue
            is_text = rule[1].startswith("text:")
            if (re.search(rule[1][5:], statement, re.I) if is_text
                    else rule[1] in message):
                self.used[rule] += 1
                return True
        return False

    def add(self, statement, theirs, ours):
        if theirs[0] != ours[0]:
            if ours[0] == "+":
                excused = self.excused("accepted", statement, theirs)
            else:
                excused = self.excused("refused", statement, ours)
            if not excused:
                self.failed.append((statement, theirs, ours))
        elif theirs[0] == "+" and json.loads(theirs[2:]) != json.loads(ours[2:]):
            self.failed.append((statement, theirs, ours))
        else:
            self.same[theirs[0] == "+"] += 1

    def report(self, what):
        print(f"{what}: {self.same[1]} taken and {self.same[0]} refused by "
              f"both, {sum(self.used.values())} excused, "
              f"{len(self.failed)} that differ")
        for (kind, part), count in self.used.items():
            if count:
                print(f"  {kind} {count} times: {part}")
        for statement, theirs, ours in sorted(
                self.failed, key=lambda case: len(case[0]))[:SHOWN]:
            print(f"  {statement!r}\n    the parser: {theirs}\n"
                  f"    ours:       {ours}")
        return 1 if self.failed else 0


def compare(what, statements, ours, oracle):
    judged = [as_sent(s, a) for s, a in zip(statements, ours)]
    theirs = oracle([statement for statement, _ in judged])
    comparison = Comparison()
    for (statement, verdict), answer in zip(judged, theirs):
        comparison.add(statement, answer, verdict)
    if comparison.same[0] == 0 or comparison.same[1] == 0:
        sys.exit(f"{what}: nothing was compared")
    return comparison.report(what)


def kept(statements):
    lines = read("answers.txt").splitlines()
    if len(lines) != len(statements):
        sys.exit("answers.txt is not of this corpus; record it anew")
    return lines


def main():
    judged, jars, how = (sys.argv[1:] + [None, None])[:3]
    known = corpus()
    ours = ask([judged], known)
    if jars is None:
        return compare("corpus, answers as kept", known, ours, kept)
    if how == "record":
        sent = [as_sent(s, a)[0] for s, a in zip(known, ours)]
        with open(path("answers.txt"), "w", encoding="utf-8") as file:
            for answer in ask(java(jars), sent):
                file.write((answer if answer[0] == "+" else "-") + "\n")
        return 0
    answers = []

    def oracle(statements):
        answers[:] = ask(java(jars), statements)
        return answers

    failed = compare("corpus", known, ours, oracle)
    if [a if a[0] == "+" else "-" for a in answers] != kept(known):
        print("answers.txt is not what the parser says; record it anew")
        failed = 1
    made = generate.statements(SEED, int(how or 100000), known)
    return compare("generated", made, ask([judged], made), oracle) or failed


if __name__ == "__main__":
    sys.exit(main())
