"""C{kato}, also C{python -m kato.cli}: runs the program, or says what is missing for it."""

import io
import sys

_WRONG_USAGE = 2


def main() -> None:
    """Run the program with what was typed, and exit."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # what a terminal cannot show is no error
    try:
        from kato.cli.program import program
    except ModuleNotFoundError as missing:
        if (missing.name or "kato").partition(".")[0] == "kato":
            raise
        print(f"kato: needs {missing.name}: pip install 'kato-twisted[cli]'", file=sys.stderr)
        sys.exit(_WRONG_USAGE)
    program(prog_name="kato")


if __name__ == "__main__":
    main()
