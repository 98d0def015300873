"""See tests/chaos/run and docs/reliability.md."""

import argparse
import collections
import random
import signal
import subprocess
import sys
import tempfile
import time

from disturb import Plan
from harness import program
from world import World

PER_WORLD = 24        # rounds that share a lakeseg-local
STARTS_MAX = 20
KINDS = [(d, c) for d in ("pinpoint", "customer-profiles")
         for c in ("short", "long")]


def start(words, environment, said):
    """Into a file: the end of a pipe is not there before the last who has it
    has ended, and what a killed supervisor began is not to be waited for."""
    return subprocess.Popen([program("lakeseg"), "run", *words],
                            stdin=subprocess.DEVNULL, stdout=said,
                            stderr=said, env=environment)


class Round:
    """One job, its run, and what happened to it."""

    def __init__(self, job, run_id, plan, rng):
        self.job = job
        self.run_id = run_id
        self.plan = plan
        self.rng = rng
        self.starts = 0
        self.late_hits = 0  # while the outcome was known, or just after
        self.log = []
        self.said = None

    def is_over(self):
        return self.job.receipt(self.run_id) is not None

    def is_known(self):
        """The import has ended and its manifest is there."""
        return any(self.job.importer in f for f in self.job.folder(
            self.job.state, self.run_id))

    def count_saved(self):
        return self.job.count_saved(self.run_id)

    def words(self, path):
        """How the run is begun, or gone on with: two ways are one."""
        folder = self.job.folder(self.job.state, self.run_id)
        if not any(f.startswith("runs/RUN/") for f in folder):
            return [path]
        return self.rng.choice(([path], ["--resume", self.run_id]))

    def begin(self, path):
        self.starts += 1
        words = self.words(path)
        self.said = tempfile.TemporaryFile()
        process = start(words, self.job.environment(), self.said)
        self.log.append("$ lakeseg run " + " ".join(words))
        return process

    def wait(self, process):
        process.wait(timeout=120)
        self.said.seek(0)
        self.log.append(self.said.read().decode(errors="replace") +
                        "-> %d" % process.returncode)
        self.said.close()

    def disturb(self, path):
        strikes = list(self.plan.strikes)
        while strikes and self.starts < STARTS_MAX and not self.is_over():
            process = self.begin(path)
            while strikes and process.poll() is None:
                strike = strikes.pop(0)
                strike.strike(process, self.count_saved)
                if strike.hit is not None and self.is_known():
                    self.late_hits += 1
                if strike.target == "supervisor" and strike.hit is not None:
                    break
            self.wait(process)

    def play(self):
        """Disturbs the run, then resumes it until it is over."""
        local = self.job.local
        for rule in self.plan.rules:
            local.fault(rule=rule)
        path = self.job.write(self.run_id)
        self.disturb(path)
        if self.plan.is_abandoned and not self.is_over():
            path = self.leave_behind()
        while not self.is_over() and self.starts < STARTS_MAX:
            self.wait(self.begin(path))
        # what a killed process had sent has come to pass
        time.sleep(0.1 if any("delay" in r for r in self.plan.rules) else 0)
        local.admin("faults", method="DELETE")

    def leave_behind(self):
        """The next start of the job tells the old run; from here on the new
        one is what is looked at."""
        self.old_id, self.run_id = self.run_id, self.run_id + "-next"
        self.starts = 0
        return self.job.write(self.run_id)

    old_id = None

    def repeats_allowed(self):
        told = [r for r in self.plan.rules if r.startswith("sns.")]
        # each lost answer, each kill may have come between the publish and
        # the saving of its id
        return self.late_hits + 2 * len(told)


def differences(one, expected):
    """What differs from a run that was left alone."""
    found = []
    job = one.job
    seen = job.picture(one.run_id)
    stops = sum(s.number == signal.SIGTERM and s.hit is not None
                for s in one.plan.strikes)
    cancelled = job.queries().count("CANCELLED")
    if cancelled > stops:
        found.append("%d queries cancelled by %d stops" % (cancelled, stops))
    times = [o for o in job.outcomes() if o[0] == one.run_id]
    if not 1 <= len(times) <= 1 + one.repeats_allowed():
        found.append("told %d times, %d repeats allowed" % (
            len(times), one.repeats_allowed()))
    names = list(expected)
    if one.old_id is not None:
        names = ["store", "outcomes", "unfinished uploads", "status",
                 "stages", "counts", "rows", "jobs", "told"]
        found += differences_of_old(one, times)
    for name in names:
        if seen[name] != expected[name]:
            found.append("%s: %s, and not %s" % (name, seen[name],
                                                 expected[name]))
    return found


def differences_of_old(one, _):
    """A run that was left behind has one outcome, too; its query and import
    happened once at most, beside those of its successor."""
    found = []
    job = one.job
    subjects = {o[1:] for o in job.outcomes() if o[0] == one.old_id}
    begun = any(f.startswith("runs/RUN/") for f in job.folder(
        job.state, one.old_id))
    if len(subjects) != (1 if begun else 0):
        found.append("the run that was left behind: told as %s" % subjects)
    if begun and job.receipt(one.old_id) is None:
        found.append("the run that was left behind has no receipt")
    if len([q for q in job.queries() if q != "CANCELLED"]) > 2:
        found.append("queries: %s" % job.queries())
    if len(job.imports()) > 2:
        found.append("imports: %s" % job.imports())
    return found


class Chaos:
    def __init__(self, seed, verbose):
        self.seed = seed
        self.verbose = verbose
        self.expected = {}
        self.seconds = 0.5
        self.failed = []
        self.count = collections.Counter()

    def leave_alone(self, world):
        """One run of each kind, undisturbed: what the others must equal."""
        self.expected = {}
        for number, kind in enumerate(KINDS):
            job = world.make(number, "calm-%d" % number, *kind)
            run_id = "calm-%d-run" % number
            began = time.monotonic()
            done = subprocess.run(
                [program("lakeseg"), "run", job.write(run_id)],
                env=job.environment(), capture_output=True, timeout=120,
                check=False)
            if done.returncode != 0:
                raise RuntimeError(done.stderr.decode())
            self.seconds = time.monotonic() - began
            self.expected[kind] = job.picture(run_id)

    def play(self, world, number, index):
        rng = random.Random("%d:%d" % (self.seed, index))
        kind = rng.choice(KINDS)
        job = world.make(number, "round-%d" % index, *kind)
        plan = Plan(rng, kind[0], len(job.stages), self.seconds)
        one = Round(job, "round-%d-run" % index, plan, rng)
        one.play()
        found = differences(one, self.expected[kind])
        self.note(one)
        if found or self.verbose:
            print("round %d, %s, %s: %s" % (index, kind[0], kind[1], plan))
        if found:
            self.failed.append(index)
            print("\n".join(one.log))
            for line in found:
                print("  DIFFERENT: " + line[:2000])
        sys.stdout.flush()

    def note(self, one):
        self.count["rounds"] += 1
        self.count["starts"] += one.starts
        for strike in one.plan.strikes:
            if strike.hit is not None:
                self.count["%s to %s" % (signal.Signals(strike.number).name,
                                         strike.hit)] += 1
        self.count["faults"] += len(one.plan.rules)
        self.count["left behind"] += one.old_id is not None
        told = len([o for o in one.job.outcomes() if o[0] == one.run_id])
        self.count["outcomes told twice"] += told > 1

    def run(self, indices):
        for at in range(0, len(indices), PER_WORLD):
            world = World(PER_WORLD + len(KINDS))
            try:
                self.leave_alone(world)
                for offset, index in enumerate(indices[at:at + PER_WORLD]):
                    self.play(world, len(KINDS) + offset, index)
            finally:
                world.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--only", type=int, help="this round alone")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else \
        random.SystemRandom().randrange(10**6)
    print("seed %d" % seed)
    chaos = Chaos(seed, options.verbose or options.only is not None)
    chaos.run([options.only] if options.only is not None
              else list(range(options.rounds)))
    print(", ".join("%s: %d" % item for item in sorted(chaos.count.items())))
    if chaos.failed:
        print("FAILED: %d of %d rounds differ: %s; one alone: "
              "tests/chaos/run --seed %d --only %d" % (
                  len(chaos.failed), chaos.count["rounds"], chaos.failed,
                  seed, chaos.failed[0]))
    else:
        print("%d rounds, none differs" % chaos.count["rounds"])
    return 1 if chaos.failed else 0


if __name__ == "__main__":
    sys.exit(main())
