"""Indexes in files beside the database, one to a processor, each checked before it is used.

Nothing in them is the only one of its kind: whatever is wrong with a file costs the time to go over
the models in its place.
"""

import os
import shutil
import struct
from collections.abc import Callable, Container, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import BinaryIO

from twisted.logger import Logger

VERSION = 1
"""The version of the files' format; what an index itself is made of is not told by it."""

_MAGIC = b"KATOINDX"
_HEAD = struct.Struct("<8sI16sQ")
"""The magic, the version, the token that the database has for it, and the length of the index."""

_DIGEST = blake2b().digest_size
"""How many bytes the checksum at the end has, which covers all before it."""

_CHUNK = 8 * 2**20
"""How many bytes are written at a time, and flushed: a backlog of a whole index would hold up the
commits that are flushed meanwhile."""

_SPARED = 64 * 2**20
"""How many bytes stay free for the database, beside as many again as an index takes."""


class Unfit(Exception):
    """Why a file is not used, or not written."""


class IndexFiles:
    """The files of one folder, which is made with the first of them."""

    log = Logger()

    def __init__(self, database: Path) -> None:
        """@param database: the folder is called like it, with C{.index} added."""
        self._folder = database.with_name(database.name + ".index")

    def read(self, number: int, token: str) -> bytes | None:
        """The index of the processor with this number.  C{None}: there is none with this token
        that is whole; why, is logged."""
        path = self._path(number)
        try:
            with path.open("rb") as file:
                return _read(file, token)
        except (OSError, Unfit) as error:
            why = error.strerror if isinstance(error, OSError) else error
            self.log.warn("index {path} is not used: {why}", path=str(path), why=why)
        self.drop(number)
        return None

    def write(self, number: int, token: str, index: bytes, ends: Callable[[], bool]) -> None:
        """Write what L{settle} then puts in its place.

        @param ends: is asked now and then whether to leave it.
        @raise OSError, Unfit: where it cannot be written; nothing of it is left then.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._check_room(len(index))
        path = self._fresh(number, token)
        try:
            with open(path, "xb", opener=_private) as file:
                for part in _parts(token, index):
                    if ends():
                        raise Unfit("there is no time to write it")
                    file.write(part)
                    if len(part) == _CHUNK:
                        _flush(file)
                _flush(file)
        except BaseException:
            _remove(path)
            raise

    def _check_room(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < 2 * size + _SPARED:
            raise Unfit(f"{free} bytes are free, too few for {size} more and all else")

    def settle(self, number: int, token: str, fits: bool) -> None:
        """Put what L{write} wrote where L{read} finds it, or take it away, where it fits no more.

        @raise OSError: where that cannot be done.
        """
        fresh = self._fresh(number, token)
        if fits:
            fresh.replace(self._path(number))
        else:
            _remove(fresh)

    def has(self, number: int) -> bool:
        """Whether there is a file of this processor, whatever is in it, as far as can be seen."""
        return os.path.exists(self._path(number))

    def drop(self, number: int) -> None:
        """Take away the index of a processor, if it has one."""
        _remove(self._path(number))

    def tidy(self, numbers: Container[int]) -> None:
        """Take away what a crash has left behind; only while nothing is being written.

        @param numbers: those of the processors that should have an index.
        """
        with suppress(OSError):
            for path in list(self._folder.iterdir()):
                number, dot, _ = path.name.partition(".")
                if number.isdecimal() and (dot or int(number) not in numbers):
                    _remove(path)

    def _path(self, number: int) -> Path:
        return self._folder / str(number)

    def _fresh(self, number: int, token: str) -> Path:
        return self._folder / f"{number}.{token}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _remove(path: Path) -> None:
    with suppress(OSError):  # what cannot be removed is known as unfit by its token
        path.unlink()


def _parts(token: str, index: bytes) -> Iterator[bytes | memoryview]:
    """A file, part by part."""
    head = _HEAD.pack(_MAGIC, VERSION, bytes.fromhex(token), len(index))
    digest = blake2b(head)
    yield head
    for start in range(0, len(index), _CHUNK):
        part = memoryview(index)[start : start + _CHUNK]
        digest.update(part)
        yield part
    yield digest.digest()


def _read(file: BinaryIO, token: str) -> bytes:
    """The index in a file.

    @raise Unfit: where the file is not one of ours, not the one with this token, or damaged.
    """
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        raise Unfit("it is cut off")
    magic, version, found, length = _HEAD.unpack(head)
    if magic != _MAGIC or version != VERSION:
        raise Unfit(f"it is no index of version {VERSION}")
    if found.hex() != token:
        raise Unfit("it belongs to another state of the database")
    if os.fstat(file.fileno()).st_size != _HEAD.size + length + _DIGEST:
        raise Unfit("it has not the length it should have")
    index = file.read(length)
    digest = blake2b(head)
    digest.update(index)
    if file.read() != digest.digest():
        raise Unfit("its checksum is wrong")
    return index
