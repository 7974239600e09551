"""Files: exports that are imported, rows of SQLite, and a database as a whole."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kato.errors import StorageUnavailable
from kato.key_file import BadKeyFile, parse_keys, write_key
from kato.moving.trouble import Damaged, Trouble
from kato.storage import MemoryStore
from kato.storage.sqlite import rows
from tests.fuzz.choices import Choices
from tests.fuzz.target import Target, hold
from tests.moving.files import exported, found, imported, resealed, stored
from tests.storage.samples import everything

_DEFECT = "this is a defect"


def _sample() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sample"
        exported(stored([everything()[0]]), path)
        return path.read_bytes()


SAMPLE = _sample()
LINES = [
    {key: value for key, value in json.loads(line).items() if key != "crc"}
    for line in SAMPLE.splitlines()
]


def _judge_file(written: bytes) -> None:
    """A file is damaged, and that is told with the line; or it is taken, and reads back."""
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / "export"
        path.write_bytes(written)
        try:
            found(path)
        except Damaged as error:
            hold(", line " in str(error), "it is not told where", str(error))
            return
        try:
            imported(MemoryStore(), path)
        except Trouble as error:
            hold(_DEFECT not in str(error), "it does not read back", str(error))


def _file(data: bytes) -> None:
    """Bytes as they are."""
    _judge_file(data)


def _lines(data: bytes) -> None:
    """Lines that are spoilt, under checksums that are right."""
    by = Choices(data)
    lines = list(LINES)
    for _ in range(1 + by.below(3)):
        place = by.below(len(lines))
        spoilt = by.spoilt(lines[place])
        lines[place] = spoilt if isinstance(spoilt, dict) else lines[place]
    try:
        written = resealed(lines)
    except (ValueError, TypeError):
        return
    _judge_file(written)


_READERS: tuple[tuple[Callable[[Any], Any], Callable[[Any], rows.Row], Any], ...] = (
    (rows.read_state, rows.state_row, everything()[0].state),
    (rows.read_percept, rows.percept_row, everything()[0].percept),
    (rows.read_vector, rows.vector_row, everything()[0].vectors[0]),
    (rows.read_answer, rows.answer_row, everything()[0].requests[0]),
    (lambda row: list(rows.read_models([row])), rows.model_row, next(iter(everything()[0].models))),
)


def _row(data: bytes) -> None:
    """A row with a cell that is another raises what is told as damage, and nothing else."""
    by = Choices(data)
    read, write, value = by.pick(_READERS)
    row = list(write(value))
    cell = by.below(len(row))
    row[cell] = by.pick(
        (
            by.value,
            lambda: by.rest().decode("utf-8", "replace"),
            lambda: json.dumps(by.value(), default=str),
        )
    )()
    try:
        read(tuple(row))
    except (StorageUnavailable, *rows.DAMAGE):
        return


def _keys(data: bytes) -> None:
    """A file of keys is refused in one line, or reads back as it is written."""
    try:
        stored = parse_keys(data.decode("utf-8", "replace"))
    except BadKeyFile as error:
        hold(bool(str(error)) and "\n" not in str(error), "no line that says why", str(error))
        return
    again = parse_keys("".join(map(write_key, stored)))
    hold(again == stored, "keys read back as others", stored)


_KEYS = b"""[keys.a]
hash = "sha256:%b"
scopes = ["read", "write"]
processors = ["p1", "w-*"]
expires = 2027-01-01T00:00:00Z
rate = 0.5
""" % (b"0123456789abcdef" * 4)

FILES = (
    Target("keys", _keys, [_KEYS], [b"[keys.b]", b"inf", b"nan", b"1e400", b'"""', b"[[", b"\\u"]),
    Target("export", _file, [SAMPLE], [b'"crc":"', b"}\n", b'{"kato":"export"'], 8192),
    Target("lines", _lines, [bytes([1, n, 0, 3, 2, 1, 4]) for n in range(len(LINES))], longest=128),
    Target("rows", _row, [bytes([n, m, 1]) + b"[[]]" for n in range(5) for m in range(4)], [b"["]),
)
