"""What the benchmark measures: data sets, commands, series and goals."""

import os
import shutil
from dataclasses import dataclass, field


@dataclass(frozen=True)
class DataSet:
    """A file of gen. `size` is its rows, or what gen's second argument is."""
    kind: str
    size: int
    bad: int = 0
    sha256: str = ""
    is_scaled: bool = True
    ending: str = "csv"  # or jsonl, jsonl.gz

    def sized(self, scale):
        return max(100, round(self.size * scale)) if self.is_scaled \
            else self.size

    def arguments(self, scale):
        arguments = [self.kind, str(self.sized(scale))]
        if len(self.kind) == 1:
            arguments.append("42")
        if self.bad:
            arguments.append(str(self.bad))
        return arguments


SETS = {
    "A": DataSet("A", 5_000_000, sha256="95b45d132cad4f79cb6ed9880a0697cb"
                 "68213df880256f6ebde25fc4bfa6a86a"),
    "B": DataSet("B", 5_000_000, sha256="8469c4423c136ec14f95f984ffb8de63"
                 "14b69c4215be35b67c48fee0942cda9d"),
    "C": DataSet("C", 600_000, sha256="0ae47b5de57289a85fc6c001a0bfd771"
                 "152cccfda12be2c21477ae272b4e3b4d"),
    "D": DataSet("D", 4_000_000, sha256="187db39ea5883ad5d4a8f5c7335b402d"
                 "f912cfc455caac4e9f4b52c241fd4ed1"),
    "A1": DataSet("A", 5_000_000, bad=1000),
    "E": DataSet("E", 5_000_000),
    "A10": DataSet("A", 500_000),
    "Abad": DataSet("A", 200_000, bad=1000, is_scaled=False,
                    sha256="b71844447e386872fd0f0036334bfaab"
                    "5b66017e0539ed738b0fe50e4e687d02"),
    "J": DataSet("A", 5_000_000, ending="jsonl"),
    "Jgz": DataSet("A", 5_000_000, ending="jsonl.gz"),
    "cell": DataSet("cell", 10 << 20, is_scaled=False),
    "wide": DataSet("wide", 65_000, is_scaled=False),
}


@dataclass(frozen=True)
class Command:
    """A command; {in}, {out}, {null} and {rejects} are filled in.

    What it writes to standard output goes to {out} if `is_piped`, else to the
    null device. A command whose program is not there has no `argv`.
    """
    key: str
    label: str
    argv: tuple
    data: str = "A"
    env: dict = field(default_factory=dict)
    is_piped: bool = False
    may_fail: bool = False
    missing: str = ""


@dataclass(frozen=True)
class Goal:
    """key: `ours` takes at most `goal` times as long as `peer`."""
    key: str
    label: str
    ours: str
    peer: str
    goal: float
    stretch: float = 0.0


@dataclass(frozen=True)
class Rate:
    """key: `ours` reads at least `goal` megabytes of its input a second."""
    key: str
    label: str
    ours: str
    goal: float


@dataclass(frozen=True)
class Series:
    """Commands that take turns, and the ratios that follow."""
    key: str
    label: str
    commands: tuple
    goals: tuple = ()
    rates: tuple = ()


class Catalogue:
    """All series, for a program and the folder of the peers."""

    def __init__(self, program, deps, built, source):
        self.program = program
        self.deps = deps
        self.built = built
        self.peers = os.path.join(source, "tests", "bench", "peers")
        self.series = (self.rewrite(), self.engines(), self.check(),
                       self.file(), self.nasty(), self.shapes(),
                       self.defects(), self.rejects(), self.slow(),
                       self.edges(), self.unload())

    def ours(self, key, label, *extra, threads=1, rules="basic", out="{null}",
             **more):
        argv = (self.program, "{in}", "--output", out, "--rejects",
                "{rejects}", "--rules", rules, "--threads", str(threads),
                "--max-reject-percent", "100") + extra
        return Command(key, label, argv, **more)

    def tool(self, key, label, program, *arguments, **more):
        path = os.path.join(self.deps, "bin", program)
        path = path if os.path.exists(path) else shutil.which(program)
        return Command(key, label, (path, *arguments) if path else (),
                       missing="" if path else f"there is no {program}",
                       **more)

    def built_tool(self, key, label, name, folder, **more):
        path = os.path.join(folder, name)
        found = os.path.exists(path)
        return Command(key, label, (path, "{in}") if found else (),
                       missing="" if found else "not installed", **more)

    def python(self, package, *argv):
        """(argv, environment, why not)"""
        python = os.path.join(self.deps, "venv", "bin", "python")
        folder = os.path.join(self.deps, package)
        if not os.path.exists(os.path.join(folder, "done")):
            return (), {}, "not installed"
        return (python, *argv), {"PYTHONPATH": folder}, ""

    def csvcopy(self, version, data="A", suffix=""):
        return self.built_tool(f"csvcopy-{version}{suffix}",
                               f"Rust csv {version}, record loop",
                               f"csvcopy-{version}", self.deps, data=data)

    def libcsv_job(self, **more):
        return self.built_tool("libcsv-job", "the same job on libcsv",
                               "libcsv_job", self.built, **more)

    def duckdb(self, version):
        argv, env, missing = self.python(
            f"duckdb-{version}", os.path.join(self.peers, "duckdb_job.py"),
            "{in}", "{out}", "2")
        return Command(f"duckdb-{version}",
                       f"the same job in DuckDB {version}, 2 threads", argv,
                       env=env, missing=missing)

    def polars(self):
        argv, env, missing = self.python(
            "polars-2.1.0", os.path.join(self.peers, "polars_job.py"), "{in}",
            "{out}")
        return Command("polars", "the same job in Polars 2.1.0, 2 threads",
                       argv, env={**env, "POLARS_MAX_THREADS": "2"},
                       missing=missing)

    def rewrite(self):
        commands = (
            self.ours("norm-1", "normalize, 1 thread"),
            self.csvcopy("1.1.6"),
            self.csvcopy("1.4.0"),
            self.libcsv_job(),
            self.ours("norm-1-all", "normalize, all rules, 1 thread",
                      rules="all"),
            self.ours("norm-1-scalar", "normalize, no vector instructions, "
                      "1 thread", "--reader", "scalar"),
            self.ours("norm-1-libcsv", "normalize, libcsv as the reader, "
                      "1 thread", "--reader", "libcsv"),
            self.tool("xan", "xan select (keeps quotes as they are)", "xan",
                      "select", "*", "{in}"),
            self.tool("qsv", "qsv select", "qsvlite", "select", "1-", "{in}"),
            self.tool("zsv", "zsv select", "zsv", "select", "{in}"))
        goals = (
            Goal("csvcopy", "normalize A / Rust csv 1.1.6 record loop",
                 "norm-1", "csvcopy-1.1.6", 0.40, 0.33),
            Goal("csvcopy-new", "normalize A / Rust csv 1.4.0 record loop",
                 "norm-1", "csvcopy-1.4.0", 0.40, 0.33),
            Goal("libcsv", "normalize A / the same job on libcsv", "norm-1",
                 "libcsv-job", 0.20, 0.17),
            Goal("all-rules", "all rules / basic rules, A", "norm-1-all",
                 "norm-1", 1.7),
            Goal("scalar", "no vector instructions / the same job on libcsv",
                 "norm-1-scalar", "libcsv-job", 1.0))
        return Series("rewrite", "A to the null device, 1 thread", commands,
                      goals)

    def engines(self):
        commands = (
            self.ours("norm-2-file", "normalize, 2 threads, to a file",
                      threads=2, out="{out}"),
            self.duckdb("1.5.6"), self.duckdb("2.0.0"), self.polars())
        goals = (
            Goal("duckdb", "normalize A, 2 threads / DuckDB 1.5.6",
                 "norm-2-file", "duckdb-1.5.6", 0.05, 0.04),
            Goal("duckdb-new", "normalize A, 2 threads / DuckDB 2.0.0",
                 "norm-2-file", "duckdb-2.0.0", 0.05, 0.04),
            Goal("polars", "normalize A, 2 threads / Polars 2.1.0",
                 "norm-2-file", "polars", 0.07, 0.06))
        return Series("engines", "A to a file, 2 threads", commands, goals)

    def check(self):
        argv = (self.program, "{in}", "--check", "--rules", "basic",
                "--max-reject-percent", "100", "--threads")
        commands = (
            Command("check-1", "validate only, 1 thread", (*argv, "1")),
            self.tool("wc", "wc -l", "wc", "-l", "{in}"),
            Command("check-2", "validate only, 2 threads", (*argv, "2")),
            self.tool("cat", "cat", "cat", "{in}", is_piped=False))
        return Series("check", "A, nothing written", commands, (
            Goal("check", "validate only A, 1 thread / wc -l", "check-1", "wc",
                 5.0, 4.0),))

    def file(self):
        commands = (
            self.ours("norm-2-fresh", "normalize, 2 threads, to a fresh file",
                      threads=2, out="{out}"),
            self.tool("cp", "cp", "cp", "{in}", "{out}"))
        return Series("file", "A to a fresh file", commands, (
            Goal("cp", "normalize A, 2 threads, to a file / cp",
                 "norm-2-fresh", "cp", 1.6, 1.25),))

    def nasty(self):
        commands = (self.ours("norm-1-D", "normalize D, 1 thread", data="D"),
                    self.csvcopy("1.1.6", data="D", suffix="-D"),
                    self.csvcopy("1.4.0", data="D", suffix="-D"))
        return Series("nasty", "D to the null device, 1 thread", commands, (
            Goal("nasty", "normalize D / Rust csv 1.1.6 record loop",
                 "norm-1-D", "csvcopy-1.1.6-D", 0.5, 0.4),))

    def shapes(self):
        commands = (self.ours("norm-1-B", "normalize B, 1 thread", data="B"),
                    self.csvcopy("1.1.6", data="B", suffix="-B"),
                    self.ours("norm-1-C", "normalize C, 1 thread", data="C"),
                    self.csvcopy("1.1.6", data="C", suffix="-C"))
        return Series("shapes", "B and C to the null device, 1 thread",
                      commands)

    def defects(self):
        commands = (
            self.ours("norm-1-A1", "normalize A with 1 % bad rows, 1 thread",
                      data="A1"),
            self.ours("norm-1-clean", "normalize A, 1 thread"))
        return Series("defects", "1 % of the rows bad", commands, (
            Goal("defects", "A with 1 % bad rows / A", "norm-1-A1",
                 "norm-1-clean", 1.3, 1.2),))

    def rejects(self):
        commands = (
            self.ours("norm-1-E", "normalize E, 1 thread, all rejects written",
                      data="E", out="{out}"),
            self.ours("norm-1-file", "normalize A, 1 thread, to a file",
                      out="{out}"))
        return Series("rejects", "every row bad", commands, (
            Goal("rejects", "E, every row rejected / A", "norm-1-E",
                 "norm-1-file", 2.0),))

    def slow(self):
        argv, env, missing = self.python(
            "csvkit-2.2.0", "-m", "csvkit.utilities.csvformat", "{in}")
        commands = (
            self.ours("norm-1-A10", "normalize a tenth of A, 1 thread",
                      data="A10"),
            self.tool("miller", "Miller, mlr --csv cat", "mlr", "--csv", "cat",
                      "{in}", data="A10"),
            Command("csvkit", "csvkit, csvformat", argv, data="A10", env=env,
                    missing=missing))
        return Series("slow", "a tenth of A to the null device", commands)

    def edges(self):
        commands = (
            self.ours("cell", "normalize a cell of 10 MiB", data="cell"),
            self.ours("wide", "refuse a header of 65,000 columns", data="wide",
                      may_fail=True))
        return Series("edges", "large cells and wide headers", commands)

    def unload(self):
        commands = (
            self.ours("norm-1-J", "normalize A as JSON lines, 1 thread",
                      data="J"),
            self.ours("norm-2-J", "normalize A as JSON lines, 2 threads",
                      data="J", threads=2),
            self.ours("norm-1-Jgz", "normalize A as JSON lines in gzip, "
                      "1 thread", data="Jgz"),
            self.tool("gzip", "gzip -dc", "gzip", "-dc", "{in}", data="Jgz"),
            self.tool("jq", "jq -c .", "jq", "-c", ".", "{in}", data="J"),
            self.tool("miller-J", "Miller, mlr --ijsonl --ocsv cat", "mlr",
                      "--ijsonl", "--ocsv", "cat", "{in}", data="J"))
        return Series(
            "unload", "A as JSON lines, what UNLOAD writes", commands, (
                Goal("gunzip", "A as JSON lines in gzip / gzip -dc of it",
                     "norm-1-Jgz", "gzip", 1.0),),
            (Rate("jsonl", "A as JSON lines, 1 thread: seconds for a GB "
                  "(300 MB/s)", "norm-1-J", 300),))

    def checked(self):
        """The jobs whose output must be the same: (command, threads)."""
        return (
            self.ours("norm-1", "normalize, 1 thread", out="{out}"),
            self.ours("norm-2-file", "normalize, 2 threads", threads=2,
                      out="{out}"),
            self.ours("norm-1-scalar", "normalize, no vector instructions",
                      "--reader", "scalar", out="{out}"),
            self.ours("norm-1-libcsv", "normalize, libcsv as the reader",
                      "--reader", "libcsv", out="{out}"),
            self.libcsv_job(is_piped=True),
            self.duckdb("1.5.6"), self.duckdb("2.0.0"), self.polars())
