"""C{ssl:8443:privateKey=key.pem:certKey=cert.pem}: where TLS is spoken, and with which files.

It is read here, and not by Twisted, which keeps no word of where the files lie that it has read.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_WORDS = frozenset({"port", "privateKey", "certKey", "extraCertChain", "interface", "backlog"})
_BACKLOG = 511
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where a private key lies, its certificate, and the certificates between that and the
    authority, which may stand behind it in its own file as well.  All paths are absolute."""

    private_key: Path
    certificate: Path
    chain: Path | None = None


@dataclass(frozen=True, slots=True)
class TlsDescription:
    """An endpoint of TLS; an empty C{interface} is every address."""

    port: int
    files: CertificateFiles
    interface: str
    backlog: int

    @staticmethod
    def is_meant(description: str) -> bool:
        """Whether this describes an endpoint of TLS."""
        return description.partition(":")[0] == "ssl"

    @classmethod
    def parse(cls, description: str) -> Self:
        """Read a description: words behind colons, and a backslash before one that is meant as
        itself.

        @raise ValueError: which names what is missing, unknown or wrong.
        """
        words = _words(description)
        unknown = sorted(words.keys() - _WORDS)
        if unknown:
            raise ValueError(f"{unknown[0]}: unknown, known are {', '.join(sorted(_WORDS))}")
        if not words.get("privateKey"):
            raise ValueError("privateKey: missing, expected the path of a key in PEM")
        key = Path(words["privateKey"]).absolute()
        chain = words.get("extraCertChain")
        return cls(
            port=_whole(words, "port", None, _LAST_PORT),
            files=CertificateFiles(
                key,
                Path(words.get("certKey") or key).absolute(),
                Path(chain).absolute() if chain else None,
            ),
            interface=words.get("interface", ""),
            backlog=_whole(words, "backlog", _BACKLOG, 2**31 - 1),
        )


def _words(description: str) -> Mapping[str, str]:
    """The words of a description by their names; the first one is the port."""
    _, *parts = [re.sub(r"\\(.)", r"\1", each) for each in re.split(r"(?<!\\):", description)]
    words: dict[str, str] = {}
    for number, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if not equals:
            name, value = ("port", part) if number == 0 else (part, "")
        if name in words:
            raise ValueError(f"{name}: given twice")
        words[name] = value
    return words


def _whole(words: Mapping[str, str], name: str, default: int | None, most: int) -> int:
    given = words.get(name, "")
    if not given and default is not None:
        return default
    if not (given.isascii() and given.isdecimal()) or int(given) > most:
        raise ValueError(f"{name}: expected a number up to {most}, got {given!r}")
    return int(given)
