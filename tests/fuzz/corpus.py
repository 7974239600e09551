"""What is kept: inputs that once found something, or a new way through the code.

One file for each target, one input a line as Python writes bytes; lines that begin with C{#} say
why.  All of it is tried again in every run.
"""

from ast import literal_eval
from collections.abc import Iterable, Sequence
from pathlib import Path

ENOUGH = 60
"""So many inputs of a target are kept, if not more of them found something."""

FOLDER = Path(__file__).parent / "corpus"


def kept(name: str, folder: Path = FOLDER) -> Sequence[bytes]:
    """What is kept for a target."""
    path = _path(name, folder)
    if not path.exists():
        return ()
    lines = path.read_text(encoding="ascii").splitlines()
    return tuple(literal_eval(each) for each in lines if each and not each.startswith("#"))


def keep(name: str, data: bytes, why: str, folder: Path = FOLDER) -> None:
    """Add one to what is kept, if it is not there yet."""
    if data in kept(name, folder):
        return
    with _path(name, folder).open("a", encoding="ascii") as file:
        file.write(f"# {ascii(why[:160])[1:-1]}\n{data!r}\n")


def grow(name: str, inputs: Iterable[bytes], folder: Path = FOLDER) -> None:
    """Keep more of them, the shortest first, until there are enough."""
    known = kept(name, folder)
    fresh = sorted(set(inputs).difference(known), key=lambda each: (len(each), each))
    with _path(name, folder).open("a", encoding="ascii") as file:
        file.writelines(f"{each!r}\n" for each in fresh[: max(0, ENOUGH - len(known))])


def _path(name: str, folder: Path) -> Path:
    return folder / f"{name}.txt"
