"""C{kato-manager.sh test}: every check that this project has, counted."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kato.manager.trouble import Trouble

ROOT = Path(__file__).resolve().parent.parent.parent

_WARNINGS = "error::DeprecationWarning,error::RuntimeWarning"
_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_OUTCOME = re.compile(r"^(?:PASSED|FAILED) \(([^)]*)\)$", re.MULTILINE)


class Tally(NamedTuple):
    """How many checks passed, failed and were skipped."""

    passed: int
    failed: int
    skipped: int = 0


def tally(output: str, status: int) -> Tally:
    """Read the summary of trial.  A run without one, or one that ended badly with nothing to show
    for it, is a failure."""
    ran, outcome = _RAN.findall(output), _OUTCOME.findall(output)
    if not ran or not outcome:
        return Tally(0, 1)
    counts = {
        name: int(number)
        for name, number in (each.split("=") for each in outcome[-1].split(", ") if "=" in each)
    }
    skipped = counts.get("skips", 0)
    good = counts.get("successes", 0) + counts.get("expectedFailures", 0)
    failed = int(ran[-1]) - good - skipped
    return Tally(good, max(failed, 1 if status else 0), skipped)


def summed(results: Iterable[Tally], *, strict: bool) -> Tally:
    """All results as one.

    @param strict: a skipped test counts as failed: a check that does not run checks nothing.
    """
    passed, failed, skipped = (sum(each) for each in zip(*results, strict=True))
    return Tally(passed, failed + skipped) if strict else Tally(passed, failed, skipped)


def told(result: Tally) -> str:
    """The last line."""
    skipped = f", {result.skipped} skipped" if result.skipped else ""
    return f"{result.passed} passed, {result.failed} failed{skipped}"


def run(names: Sequence[str], *, strict: bool) -> int:
    """Run ruff, mypy and all tests in parallel; the last line tells the sum.

    @param names: of tests, where not all are wanted.
    @param strict: skipped tests count as failed.
    @return: the exit status.
    @raise Trouble: where there are no tests here.
    """
    if not (ROOT / "tests").is_dir():
        raise Trouble(f"there are no tests in {ROOT}: they are run in a checkout of the project")
    python = sys.executable
    results = [
        _check("ruff check", [python, "-m", "ruff", "check", "."]),
        _check("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        _check("mypy", [python, "-m", "mypy"]),
        _tests(names),
    ]
    result = summed(results, strict=strict)
    print(told(result), flush=True)
    return 1 if result.failed else 0


def _check(name: str, command: Sequence[str]) -> Tally:
    print(f"== {name}", flush=True)
    status = subprocess.run(command, cwd=ROOT, check=False).returncode
    return Tally(0, 1) if status else Tally(1, 0)


def _tests(names: Sequence[str]) -> Tally:
    """Run trial; its workers are told of the warnings by the environment alone."""
    print("== tests", flush=True)
    jobs = os.cpu_count() or 1
    command = [sys.executable, "-b", "-m", "twisted.trial", f"-j{jobs}", *(names or ["tests"])]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": _WARNINGS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return tally("".join(lines), process.returncode)
