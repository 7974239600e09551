"""Processors as they are told of by engines, and by a server over REST (docs/audit.md)."""

import http.client
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from kato.codec import decode_json, encode_json
from kato.commands import MAX_ID
from kato.engine import Processor
from kato.fields import shown
from kato.moving.trouble import Trouble
from kato.storage import without_secrets

_PAGE = 1_000
"""How many entries of a list are asked for at a time."""
_OF_STATUS = ("revision", "interval", "genes", "vectors", "accuracy")
_OF_COGNITION = ("short_term_memory", "emotives", "symbols")
_ANY = ("0" * MAX_ID, "z" * MAX_ID)
"""Ids that stand for any: what fits them both is for all, as good as always."""
_PATIENCE = 60.0
"""Seconds after which a server that does not answer is given up."""


class Living(Protocol):
    """Who tells of processors."""

    def processors(self) -> list[str]:
        """Their ids, sorted."""

    def state(self, processor: str) -> dict[str, Any]:
        """What one is beyond its models."""

    def models(self, processor: str) -> Iterator[dict[str, Any]]:
        """Its models, by name."""


class Engines:
    """Provides L{Living} of engines."""

    def __init__(self, engines: Mapping[str, Processor]) -> None:
        self._engines = engines

    def processors(self) -> list[str]:
        """Their ids, sorted."""
        return sorted(self._engines)

    def state(self, processor: str) -> dict[str, Any]:
        """What one is beyond its models, in JSON's types."""
        engine = self._engines[processor]
        return _plain(
            {
                "revision": engine.revision,
                "interval": engine.interval,
                "short_term_memory": engine.short_term_memory(),
                "genes": engine.genes.as_dict(),
                "emotives": engine.emotives,
                "symbols": list(engine.percept.event),
                "vectors": engine.vectors,
                "accuracy": None if engine.accuracy is None else engine.accuracy.as_dict(),
            }
        )

    def models(self, processor: str) -> Iterator[dict[str, Any]]:
        """Its models, by name."""
        engine, after = self._engines[processor], None
        while True:
            page, after = engine.list_models(_PAGE, after)
            for model in page:
                yield _plain(model.as_dict())
            if after is None:
                return


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    plain = decode_json(encode_json(value))
    assert isinstance(plain, dict), "an object stays one"
    return plain


class Server:
    """Provides L{Living} of a server that is asked over REST."""

    def __init__(self, url: str, key: str | None = None) -> None:
        """@param url: where it answers, C{http://127.0.0.1:8000} for example."""
        parts = _parts(url)
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=_PATIENCE)
        self._base = parts.path.rstrip("/")
        self._headers = {} if key is None else {"X-API-Key": key}

    def check_key(self, processors: Collection[str]) -> None:
        """See that the server tells all that is to be compared.

        To one whose key is for some processors alone the others are as if they were not, so they
        would seem to be missing.  Whether a key is for one is told before it is looked whether that
        exists.

        @param processors: which are compared; empty: all that there are.
        @raise Trouble: where the key is not for these.
        """
        for each in processors or _ANY:
            path = f"/{each}/status"
            status, answer = self._answer(path)
            if status == http.client.FORBIDDEN and not processors:
                raise Trouble(
                    "--against: the key does not read all processors, and the others would seem to "
                    "be missing; it needs the scope read and to be for *, or name those that it is "
                    "for by --processor"
                )
            if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
                raise Trouble(f"--against: {path} is answered {status}: {_message(answer)}")

    def processors(self) -> list[str]:
        """Their ids, sorted."""
        return sorted(each["id"] for each in self._pages("/processors", "processors"))

    def state(self, processor: str) -> dict[str, Any]:
        """What one is beyond its models."""
        status = self._get(f"/{processor}/status")
        cognition = self._get(f"/{processor}/cognition-data")
        return {
            **{name: status[name] for name in _OF_STATUS},
            **{name: cognition[name] for name in _OF_COGNITION},
        }

    def models(self, processor: str) -> Iterator[dict[str, Any]]:
        """Its models, by name."""
        for each in self._pages(f"/{processor}/models", "models"):
            found = self._get(f"/{processor}/model/{quote(each['name'], safe='')}")
            model: dict[str, Any] = found["model"]
            yield model

    def _pages(self, path: str, name: str) -> Iterator[dict[str, Any]]:
        after: str | None = None
        while True:
            query = {"limit": _PAGE} if after is None else {"limit": _PAGE, "after": after}
            page = self._get(f"{path}?{urlencode(query)}")
            yield from page[name]
            after = page["next"]
            if after is None:
                return

    def _get(self, path: str) -> dict[str, Any]:
        status, answer = self._answer(path)
        if status != http.client.OK or not isinstance(answer, dict):
            raise Trouble(f"--against: {path} is answered {status}: {_message(answer)}")
        return answer

    def _answer(self, path: str) -> tuple[int, object]:
        """The status and the body of an answer."""
        try:
            self._connection.request("GET", self._base + path, headers=self._headers)
            response = self._connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Trouble(f"--against: {path} is not answered: {error}") from None


def _parts(url: str) -> SplitResult:
    """The parts of a server's address, which names a host, and a port that can be one."""
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.hostname is not None and parts.port != 0:
            return parts
    raise Trouble(f"--against {without_secrets(url)}: expected http://host:port")


def _message(answer: object) -> str:
    """What an error says for people."""
    told = answer.get("message") if isinstance(answer, dict) else None
    return told if isinstance(told, str) else shown(answer)
