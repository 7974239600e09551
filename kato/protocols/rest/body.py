"""The body of a request: what it is declared as, and what it says (SPEC 9)."""

from functools import lru_cache

from kato.errors import InvalidRequest, UnsupportedMediaType
from kato.fields import shown
from kato.protocols.rest.access import Headers
from kato.steady_json import decode_steadily

_JSON = frozenset({"application/json", "text/json"})
_UTF_8 = frozenset({"utf-8", "utf8"})


def check_media(headers: Headers) -> None:
    """See that a body is written in a way that can be read.

    @raise UnsupportedMediaType: where it is compressed, or of a character set other than UTF-8.
    """
    for encoding in headers.get(b"Content-Encoding", ()):
        if encoding.lower() not in (b"identity", b""):
            raise UnsupportedMediaType(
                f"Content-Encoding: expected none, got {shown(_plain(encoding))}"
            )
    for value in headers.get(b"Content-Type", ()):
        charset = _declared(value)[1]
        if charset not in _UTF_8:
            raise UnsupportedMediaType(
                f"Content-Type: expected charset utf-8, got {shown(charset)}"
            )


def read_body(raw: bytes, headers: Headers, max_values: int) -> object:
    """Decode a body.  One that is JSON is taken, whatever it is declared as.

    @raise PayloadTooLarge: where it holds more than C{max_values}.
    @raise InvalidRequest: where it is declared as JSON, and is none.
    @raise UnsupportedMediaType: where it is neither.
    """
    try:
        return decode_steadily(raw, max_values=max_values)
    except InvalidRequest as error:
        declared = [_declared(value)[0] for value in headers.get(b"Content-Type", ())]
        if any(map(_is_json, declared)):
            raise
        kinds = shown(", ".join(declared)) if declared else "nothing"
        raise UnsupportedMediaType(
            f"Content-Type: expected application/json, got {kinds}; {error.message}"
        ) from None


@lru_cache(maxsize=256)
def _declared(value: bytes) -> tuple[str, str]:
    """The media type of a C{Content-Type}, and its character set."""
    media, *parameters = _plain(value).lower().split(";")
    pairs = (each.partition("=") for each in parameters)
    charsets = [given.strip(' \t"') for name, _, given in pairs if name.strip() == "charset"]
    return media.strip(), charsets[0] if charsets else "utf-8"


def _is_json(media: str) -> bool:
    return media in _JSON or (media.startswith("application/") and media.endswith("+json"))


def _plain(value: bytes) -> str:
    return value.decode("ascii", "backslashreplace")
