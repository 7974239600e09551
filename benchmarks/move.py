"""C{python -m benchmarks move}: how long it takes to move data, and how much memory."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

SIZES = (100_000, 1_000_000)

_FILL = (
    "import sys, pathlib, benchmarks.start as start;"
    "start.fill(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"
)
"""Fills a store in a process of its own: the memory of this one would be counted as that of those
that it starts."""


def main() -> None:
    """Move what stores of several sizes hold, and print a table of each."""
    _row("nothing but its imports", ["--help"])
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Path(folder), size)


def _measure(folder: Path, size: int) -> None:
    first, second = folder / "first.db", folder / "second.db"
    file, copy = folder / "file", folder / "copy.db"
    subprocess.run([sys.executable, "-c", _FILL, first, str(size)], check=True)
    print(f"\n{size:,} models of 16 symbols, {_mb(first)} MB of SQLite")
    for name, words in (
        ("export", ["export", str(file), "--storage", f"sqlite:{first}"]),
        ("import", ["import", str(file), "--storage", f"sqlite:{second}"]),
        ("import of what is there", ["import", str(file), "--storage", f"sqlite:{second}"]),
        ("backup", ["backup", str(copy), "--storage", f"sqlite:{first}"]),
        ("restore", ["restore", str(copy), "--storage", f"sqlite:{second}"]),
    ):
        _row(name, words)
    print(f"the file of the export has {_mb(file)} MB")


def _row(name: str, words: list[str]) -> None:
    """Run a command in a process of its own; tell its seconds, those of a processor, and its
    memory at most."""
    began = perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "kato.moving", *words], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name}: ended with status {process.returncode}")
    taken = perf_counter() - began
    computed = used.ru_utime + used.ru_stime
    memory = used.ru_maxrss / 1024
    print(f"{name:<28} {taken:>7.2f} s {computed:>7.2f} s {memory:>6.0f} MiB", flush=True)


def _mb(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.0f}"
