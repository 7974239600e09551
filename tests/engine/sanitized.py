"""C{python -m tests.engine.sanitized address|thread [--seconds N]}: the kernel under a sanitizer.

The kernel is compiled once more into a copy of the source tree, with the sanitizer and with what
only tests need (C{KATO_FAULTS}), and tests are run on that copy.  First it is shown that the
sanitizer catches a fault that was planted for that purpose; else nothing that it does not find
would mean anything.

  - C{address}: AddressSanitizer and UndefinedBehaviorSanitizer, over the random worlds of
    L{tests.engine.equality}, the failures of memory of L{tests.engine.scarce}, damaged dumps
    (L{tests.engine.dumps}) and the exact arithmetic.
  - C{thread}: ThreadSanitizer, over the threads of L{tests.engine.stress}.
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
WARNINGS = ("-Wall", "-Wextra", "-Werror")
FLAGS = ("-std=c11", "-g", "-fPIC", "-shared", "-fvisibility=hidden", "-ffp-contract=off")


@dataclass(frozen=True)
class Sanitizer:
    """A sanitizer, what it runs on, and the faults that it must catch."""

    flags: tuple[str, ...]
    runtime: str
    """The library that has to be loaded before Python."""
    options: dict[str, str]
    plants: dict[int, str]
    """The numbers of faults that the kernel can be built with, and what is then printed."""
    trial: tuple[str, ...]
    """What is run to catch these,"""
    runs: tuple[tuple[str, ...], ...]
    """and what is run in earnest; C{SECONDS} and C{TIMES} stand for how long."""


SECONDS, TIMES = "SECONDS", "TIMES"

SANITIZERS = {
    "address": Sanitizer(
        flags=("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        runtime="libasan.so",
        options={"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "print_stacktrace=1"},
        plants={1: "heap-buffer-overflow", 2: "signed integer overflow"},
        trial=("equality", "--cases", "10"),
        runs=(("equality", "--seconds", SECONDS), ("scarce",), ("dumps",), ("arithmetic",)),
    ),
    "thread": Sanitizer(
        flags=("-O1", "-fsanitize=thread"),
        runtime="libtsan.so",
        options={"TSAN_OPTIONS": "halt_on_error=1 exitcode=66"},
        plants={3: "data race"},
        trial=("stress", "200"),
        runs=(("stress", TIMES),),
    ),
}


def build(folder: Path, *flags: str) -> None:
    """Compile the kernel into a copy of the source tree.

    @raise subprocess.CalledProcessError: where the compiler finds fault with it, be it a warning.
    """
    kernel = ROOT / "kato" / "engine" / "kernel"
    sources = sorted(map(str, kernel.glob("*.c")))
    include = sysconfig.get_path("include")
    output = folder / "kato" / "engine" / "_kernel.abi3.so"
    macros = ("-DPy_LIMITED_API=0x030B0000", "-DKATO_FAULTS")
    subprocess.run(
        [
            *(compiler(), *FLAGS, *WARNINGS, *flags, *macros, f"-I{include}", *sources),
            *("-o", str(output), "-lm", "-lpthread"),
        ],
        check=True,
    )


def compiler() -> str:
    """The C compiler.

    @raise SystemExit: where there is none.
    """
    found = shutil.which(os.environ.get("CC", "cc"))
    if found is None:
        raise SystemExit("no C compiler: install gcc, or name one in CC")
    return found


def copy_tree(folder: Path) -> None:
    """Copy what is tried, without what was compiled elsewhere."""
    without = shutil.ignore_patterns("*.so", "__pycache__")
    for part in ("kato", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=without)


def run(folder: Path, sanitizer: Sanitizer, what: Sequence[str]) -> tuple[int, str]:
    """Run a module of C{tests.engine} on the copy; gives its exit status and what it printed."""
    runtime = subprocess.run(
        [compiler(), f"-print-file-name={sanitizer.runtime}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    environment = {
        **os.environ,
        **sanitizer.options,
        "LD_PRELOAD": runtime,
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    module, *arguments = what
    done = subprocess.run(
        [*_FIXED_ADDRESSES, sys.executable, "-m", f"tests.engine.{module}", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


_FIXED_ADDRESSES = ("setarch", "-R") if shutil.which("setarch") else ()
"""ThreadSanitizer cannot live with all random layouts of memory that newer Linux makes."""


def catches(folder: Path, sanitizer: Sanitizer) -> bool:
    """Whether the planted faults are caught."""
    for number, printed in sanitizer.plants.items():
        build(folder, *sanitizer.flags, f"-DKATO_PLANT={number}")
        status, output = run(folder, sanitizer, sanitizer.trial)
        if status == 0 or printed not in output:
            print(f"planted fault {number} was not caught:\n{output[-4000:]}")
            return False
        print(f"planted fault {number} was caught: {printed}")
    return True


def main(arguments: Sequence[str]) -> int:
    """Show that faults are caught, then look for real ones."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.sanitized", description=__doc__)
    parser.add_argument("sanitizer", choices=sorted(SANITIZERS))
    parser.add_argument("--seconds", type=int, default=20, help="for how long, about")
    options = parser.parse_args(arguments)
    sanitizer = SANITIZERS[options.sanitizer]
    said = {SECONDS: str(options.seconds), TIMES: str(options.seconds * 20)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_tree(folder)
        if not catches(folder, sanitizer):
            return 1
        build(folder, *sanitizer.flags)
        for what in sanitizer.runs:
            status, output = run(folder, sanitizer, [said.get(word, word) for word in what])
            print(output[-4000:].rstrip())
            if status:
                print(f"{what[0]} failed under the {options.sanitizer} sanitizer")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
