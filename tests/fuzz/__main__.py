"""C{python -m tests.fuzz --seconds 600}: every parser is given bytes that nobody thought of.

Each must take them or refuse them with an error that a client can read, in bounded time; what is
refused changes nothing, and what is taken reads back equal: the laws stand beside each target.
First all that is kept in the corpus is tried again, then Atheris looks for new ways through the
code, where it is installed; else mutations are tried blindly.  The seconds are spread over all
targets, of which as many are tried at a time as there are cores.

Prints what was done.  What is found is kept in the corpus, and ends it with status 1.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.fuzz.corpus import grow, keep, kept
from tests.fuzz.table import TARGETS
from tests.fuzz.target import Target
from tests.fuzz.trying import Finding, blindly, replayed, tried
from tests.source import ROOT

_MEMORY = 1024
"""MiB that a process may take."""

_LONG = 120
"""Seconds that Atheris gives one input, as a clock on the wall tells them: what takes long is tried
again, and judged by what it takes of the processor."""

_EXECUTED = re.compile(r"stat::number_of_executed_units: *(\d+)")


def _counts(path: Path) -> bool:
    """Whether a file tells of a finding: not what was merely slow."""
    return not path.name.startswith("slow-unit-")


class Guided:
    """A target that Atheris attacks in a process of its own."""

    def __init__(self, target: Target, folder: Path) -> None:
        self._target = target
        self._found = folder / "found"
        self._fresh = folder / "fresh"
        self._known = folder / "known"
        self._words = folder / "words"
        self._prepare()

    def _prepare(self) -> None:
        for each in (self._found, self._fresh, self._known):
            each.mkdir()
        for number, data in enumerate((*self._target.seeds, *kept(self._target.name))):
            (self._known / f"{number}").write_bytes(data)
        words = ("".join(f"\\x{each:02x}" for each in word) for word in self._target.words)
        self._words.write_text("".join(f'"{each}"\n' for each in words))

    def run(self, *arguments: str) -> str:
        """Run it to its end; gives what it said."""
        command = [sys.executable, "-m", "tests.fuzz.guided", self._target.name, *arguments]
        command += [f"-timeout={_LONG}", f"-rss_limit_mb={_MEMORY}", "-print_final_stats=1"]
        command += [f"-max_len={self._target.longest}", f"-artifact_prefix={self._found}/"]
        command += [f"-dict={self._words}"] if self._target.words else []
        command += [str(self._fresh), str(self._known)]
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False
        )
        if ended.returncode and not any(self._found.iterdir()):
            raise RuntimeError(f"{self._target.name}: it ended by itself\n{ended.stderr[-4000:]}")
        return ended.stderr

    def tried(self, seconds: float) -> tuple[int, Finding | None]:
        """Attack for so long, or until something is found; gives how many inputs it were."""
        said = self.run(f"-max_total_time={max(1, round(seconds))}")
        executed = _EXECUTED.search(said)
        found = [path.read_bytes() for path in self._found.iterdir() if _counts(path)]
        finding = Finding(self._target.name, found[0], said[-2000:]) if found else None
        return int(executed[1]) if executed else 0, finding

    def distilled(self) -> list[bytes]:
        """Of the inputs that take new ways those that together take all."""
        self.run("-merge=1")
        return [path.read_bytes() for path in self._fresh.iterdir()]


def _tried(target: Target, seconds: float, grows: bool) -> tuple[int, Finding | None]:
    with TemporaryDirectory() as folder:
        guided = Guided(target, Path(folder))
        number, finding = guided.tried(seconds)
        if grows and finding is None:
            grow(target.name, guided.distilled())
        return number, finding


def _all(targets: list[Target], seconds: float, *, grows: bool, seed: int) -> Iterator[Finding]:
    """Try all of them, spread over the seconds."""
    guided = find_spec("atheris") is not None
    at_a_time = min(os.cpu_count() or 1, len(targets)) if guided else 1
    each = seconds * at_a_time / len(targets)
    print(f"{'Atheris' if guided else 'blind mutation'}, {each:.1f} s for each of {len(targets)}")
    with ThreadPoolExecutor(at_a_time) as pool:
        if guided:
            results = pool.map(lambda target: _tried(target, each, grows), targets)
        else:
            results = (blindly(target, each, seed) for target in targets)
        for target, (number, finding) in zip(targets, results, strict=True):
            print(f"  {target.name:14} {number:9,} inputs{'' if finding is None else ': FOUND'}")
            sys.stdout.flush()
            if finding is not None:
                yield tried(target, finding.data) or finding


def main() -> None:
    """Replay, attack, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all of them together")
    parser.add_argument("--seed", type=int, default=0, help="of what is mutated blindly")
    parser.add_argument("--grow", action="store_true", help="keep what takes new ways")
    given = parser.parse_args()
    began = perf_counter()
    targets = [TARGETS[name] for name in given.targets or TARGETS]
    findings = [finding for target in targets for finding in replayed(target)]
    if not findings:
        findings += _all(targets, given.seconds, grows=given.grow, seed=given.seed)
    for finding in findings:
        keep(finding.target, finding.data, finding.why)
        print(f"{finding.target}: {finding.data!r}\n    {finding.why}")
    print(f"{len(findings)} findings in {perf_counter() - began:.0f} s")
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()
