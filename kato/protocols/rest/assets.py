"""Files that are served as they are: the dashboard, and the client for other pages (SPEC 9)."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from kato.protocols.rest.compression import FROM

TYPES: Mapping[str, str] = {
    "LICENSE": "text/plain; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "md": "text/plain; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
"""The media types of files, by how their names end."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a page of ours may do: load from here, speak to here, and nothing else."""

_NOTHING = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
"""What of the reader's machine it may use."""

_ALWAYS = (
    f"Content-Security-Policy: {_POLICY}\r\n"
    f"Permissions-Policy: {_NOTHING}\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Vary: Accept-Encoding, Origin\r\n"
).encode()


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, ready to be sent; C{tag} changes with its content."""

    body: bytes
    gzipped: bytes | None
    content_type: str
    tag: bytes

    @staticmethod
    def is_known(name: str) -> bool:
        """Whether the type of a file is known by how its name ends."""
        return _ending(name) in TYPES

    @classmethod
    def make(cls, name: str, body: bytes) -> "Asset":
        """Make one of a file.

        @raise KeyError: where its name ends as none of L{TYPES}.
        """
        shorter = gzip.compress(body, mtime=0) if len(body) >= FROM else body
        return cls(
            body,
            shorter if len(shorter) < len(body) else None,
            TYPES[_ending(name)],
            b'"%b"' % sha256(body).hexdigest()[:32].encode(),
        )

    def answer(self, *, known: bytes | None, accepts_gzip: bool) -> tuple[int, bytes, bytes]:
        """Status, body and headers of an answer.

        @param known: the tag of what the client has.
        """
        extra = _ALWAYS + b"ETag: %b\r\n" % self.tag
        status = 304 if known is not None and self.tag in known else 200
        if self.gzipped is not None and accepts_gzip:
            return status, self.gzipped, extra + b"Content-Encoding: gzip\r\n"
        return status, self.body, extra


def _ending(name: str) -> str:
    return name.rpartition(".")[2]


Assets = Mapping[tuple[str, ...], Asset]
"""Files by the words of their paths."""
