"""Processors as they are told of by engines, and by a server over REST (docs/audit.md)."""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from kato.codec import decode_json, encode_json
from kato.engine import Processor
from kato.moving.trouble import Trouble

_PAGE = 1_000
"""How many entries of a list are asked for at a time."""
_OF_STATUS = ("revision", "interval", "genes", "vectors", "accuracy")
_OF_COGNITION = ("short_term_memory", "emotives", "symbols")
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
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise Trouble(f"--against {url}: expected http://host:port or a storage")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=_PATIENCE)
        self._base = parts.path.rstrip("/")
        self._headers = {} if key is None else {"X-API-Key": key}

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
        try:
            self._connection.request("GET", self._base + path, headers=self._headers)
            response = self._connection.getresponse()
            answer = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Trouble(f"--against: {path} is not answered: {error}") from None
        if response.status != http.client.OK or not isinstance(answer, dict):
            raise Trouble(f"--against: {path} is answered {response.status}: {answer}")
        return answer
