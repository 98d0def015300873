"""Runs commands in turns and takes their times."""

import os
import shutil
import statistics
import subprocess
from dataclasses import dataclass, field

LIMIT_S = 600  # for one run of a command


@dataclass
class Result:
    """The runs of one command; `reason` says why there are none."""
    key: str
    label: str
    data: str
    bytes: int
    seconds: list = field(default_factory=list)
    cpu_seconds: list = field(default_factory=list)
    rss_kib: int = 0
    reason: str = ""

    def median(self):
        return statistics.median(self.seconds)

    def rate(self):
        """Megabytes of the input a second."""
        return self.bytes / 1e6 / self.median()


class Failed(Exception):
    pass


class Runner:
    def __init__(self, folder, timed, data, say):
        self.folder = folder
        self.timed = timed
        self.data = data
        self.say = say
        self.out = os.path.join(folder, "out.csv")
        self.rejects = os.path.join(folder, "rejects.jsonl")
        # A link, so that a program that renames onto its output hits this
        # and not the device.
        self.null = os.path.join(folder, "null")

    def clean(self):
        for path in (self.out, self.rejects):
            if os.path.lexists(path):
                os.unlink(path)
        if not os.path.islink(self.null):
            if os.path.lexists(self.null):
                os.unlink(self.null)
            os.symlink(os.devnull, self.null)

    def fill(self, command):
        places = {"{in}": self.data[command.data], "{out}": self.out,
                  "{null}": self.null, "{rejects}": self.rejects}
        return [places.get(word, word) for word in command.argv]

    def run(self, command):
        """Runs it once: (seconds, CPU seconds, peak KiB). Raises Failed."""
        self.clean()
        report = os.path.join(self.folder, "report")
        errors = os.path.join(self.folder, "errors")
        target = self.out if command.is_piped else os.devnull
        with open(target, "wb") as out, open(errors, "wb") as err:
            child = subprocess.Popen(
                [self.timed, report, *self.fill(command)], stdout=out,
                stderr=err, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **command.env})
            try:
                status = child.wait(LIMIT_S)
            except BaseException as error:
                os.killpg(child.pid, 9)
                child.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise Failed(f"more than {LIMIT_S} s") from None
                raise
        if status != 0 and not command.may_fail:
            raise Failed(f"exit status {status}: {last_line(errors)}")
        if "{null}" in command.argv and not os.path.islink(self.null):
            raise Failed("does not write to a device")
        with open(report, encoding="ascii") as file:
            seconds, cpu, rss = file.read().split()
        return float(seconds), float(cpu), int(rss)

    def refresh(self, name):
        """The page cache in the state that a fresh copy has."""
        path = self.data[name]
        shutil.copyfile(path, path + ".copy")
        os.replace(path + ".copy", path)

    def series(self, series, runs):
        """One warm-up, then `runs` rounds: {key: Result}."""
        results = {}
        ready = []
        for name in sorted({command.data for command in series.commands}):
            self.refresh(name)
        for command in series.commands:
            result = Result(command.key, command.label, command.data,
                            os.path.getsize(self.data[command.data]))
            results[command.key] = result
            if not command.argv:
                result.reason = command.missing
                continue
            try:
                self.run(command)
                ready.append(command)
            except Failed as error:
                result.reason = str(error)
                self.say(f"{command.label}: skipped: {error}")
        for _ in range(runs):
            for command in list(ready):
                self.turn(command, results[command.key], ready)
        self.clean()
        return results

    def turn(self, command, result, ready):
        try:
            seconds, cpu, rss = self.run(command)
        except Failed as error: # after a warm-up that went well
            result.reason = str(error)
            result.seconds.clear()
            ready.remove(command)
            self.say(f"{command.label}: FAILED: {error}")
            return
        result.seconds.append(seconds)
        result.cpu_seconds.append(cpu)
        result.rss_kib = max(result.rss_kib, rss)

    def compare(self, commands, data):
        """Runs each on `data`: {key: what its output is to the first's}."""
        first = os.path.join(self.folder, "first.csv")
        found = {}
        for command in commands:
            if not command.argv:
                found[command.key] = "missing: " + command.missing
                continue
            moved = type(command)(**{**vars(command), "data": data})
            try:
                self.run(moved)
                if not found or not os.path.exists(first):
                    os.replace(self.out, first)
                    found[command.key] = "the measure of the others"
                else:
                    found[command.key] = relation(first, self.out)
            except (Failed, OSError) as error:
                found[command.key] = f"failed: {error}"
        if os.path.exists(first):
            os.unlink(first)
        self.clean()
        return found


def last_line(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.strip() for line in file if line.strip()]
    return lines[-1][:200] if lines else "no message"


def relation(first, second):
    """`same bytes`, `same rows` in another order, or `DIFFERENT`."""
    with open(first, "rb") as file:
        one = file.read()
    with open(second, "rb") as file:
        other = file.read()
    if one == other:
        return "same bytes"
    one, other = one.split(b"\n"), other.split(b"\n")
    if sorted(one) == sorted(other):
        return "same rows, another order"
    return f"DIFFERENT ({len(one) - 1} and {len(other) - 1} lines)"


def ratios(ours, peer):
    return [a / b for a, b in zip(ours.seconds, peer.seconds)]
