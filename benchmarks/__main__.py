"""C{python -m benchmarks NAME}: runs one of the measurements, or names them all."""

import sys
from importlib import import_module

NAMES = (
    "audit",
    "bombs",
    "cache",
    "cluster_sim",
    "engine",
    "match",
    "mongodb",
    "mongodb_rest",
    "move",
    "rest",
    "soak",
    "start",
    "steady",
    "storage",
    "streams",
    "vectors",
    "zmq",
)
TAKE_ARGUMENTS = ("cluster_sim", "match", "soak", "streams")


def main() -> None:
    """Run what is named on the command line."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in NAMES or (arguments and name not in TAKE_ARGUMENTS):
        usage = f"usage: python -m benchmarks {'|'.join(NAMES)}"
        raise SystemExit(f"{usage}; {' and '.join(TAKE_ARGUMENTS)} take arguments")
    import_module(f"benchmarks.{name}").main(*([arguments] if arguments else []))


if __name__ == "__main__":
    main()
