"""C{python -m tests.fuzz.guided TARGET}: Atheris attacks one target, and is guided by the ways
through C{kato} that an input takes.

libFuzzer, which is behind it, never gives a process back, so each target has one of its own.  What
it finds it leaves as a file, and ends with another status than 0.
"""

import sys

import atheris


def main() -> None:
    """Attack the target that the first argument names; all others are libFuzzer's."""
    program, name, *arguments = sys.argv
    with atheris.instrument_imports(include=["kato"]):
        from tests.fuzz.table import TARGETS
    atheris.Setup([program, *arguments], TARGETS[name].attack)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
