"""C{python -m benchmarks NAME}: runs one of the measurements, or names them all."""

import sys
from importlib import import_module

NAMES = ("engine", "rest", "start", "storage")


def main() -> None:
    """Run what is named on the command line."""
    names = sys.argv[1:]
    if len(names) != 1 or names[0] not in NAMES:
        raise SystemExit(f"usage: python -m benchmarks {'|'.join(NAMES)}")
    import_module(f"benchmarks.{names[0]}").main()


if __name__ == "__main__":
    main()
