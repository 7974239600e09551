"""C{python -m benchmarks NAME}: runs one of the measurements, or names them all."""

import sys
from importlib import import_module

NAMES = ("engine", "match", "rest", "start", "storage", "streams", "zmq")
WITH_ARGUMENTS = ("match", "streams")


def main() -> None:
    """Run what is named on the command line."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in NAMES or (arguments and name not in WITH_ARGUMENTS):
        raise SystemExit(
            f"usage: python -m benchmarks {'|'.join(NAMES)}; "
            f"{' and '.join(WITH_ARGUMENTS)} take arguments"
        )
    import_module(f"benchmarks.{name}").main(*([arguments] if arguments else []))


if __name__ == "__main__":
    main()
