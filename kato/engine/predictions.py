"""The predictions of one state, each of them built when somebody looks at it (SPEC 3, 4)."""

from collections.abc import Iterator, Mapping, Sequence
from operator import eq
from typing import Any, overload

from kato.codec import PART, SelfWriting, encode_json
from kato.engine.emotives import average_of
from kato.engine.matching import Ranking
from kato.engine.metrics import rounded
from kato.model import Emotives, Felt

Prediction = dict[str, Any]
"""A prediction with the fields of SPEC 3, in JSON's types."""

_FEW = 16
"""So many predictions are written at a time."""


def felt(entries: Felt) -> Emotives:
    """A model's emotives as its prediction shows them: the averages, rounded."""
    return {name: rounded(value) for name, value in average_of(entries).items()}


class Predictions(SelfWriting):
    """Predictions, best first.

    It is a value: it stays as it was made, whatever becomes of the models.  It equals any sequence
    of equal dicts.
    """

    __slots__ = ("_emotives", "_json", "_ranking")

    def __init__(self, ranking: Ranking, emotives: Mapping[int, Felt]) -> None:
        """@param emotives: of those models of the ranking that have any, by place."""
        self._ranking = ranking
        self._emotives = emotives
        self._json: bytes | None = None

    def __len__(self) -> int:
        return len(self._ranking)

    @overload
    def __getitem__(self, place: int) -> Prediction: ...

    @overload
    def __getitem__(self, place: slice) -> list[Prediction]: ...

    def __getitem__(self, place: int | slice) -> Prediction | list[Prediction]:
        places = range(len(self))[place]
        if isinstance(places, range):
            return list(map(self._built, places))
        return self._built(places)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(map(eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # as with lists, which it may equal

    def __repr__(self) -> str:
        return repr(list(self))

    def _built(self, place: int) -> Prediction:
        return {**self._ranking.told(place), "emotives": self._felt(place)}

    def _felt(self, place: int) -> Emotives:
        return felt(self._emotives.get(place, ()))

    def parts(self) -> Iterator[bytes]:
        """The JSON of all, a few predictions at a time where it has not been written before."""
        if self._json is not None:
            for start in range(0, len(self._json), PART):
                yield self._json[start : start + PART]
            return
        made = [b"["]
        for start in range(0, len(self), _FEW):
            places = range(start, min(start + _FEW, len(self)))
            made.append(b",".join(map(self._written, places)))
            yield made[-2] + made[-1]
            made.append(b",")
        made[-1] = b"]" if len(self) else b"[]"
        self._json = b"".join(made)
        yield made[-1]

    def _written(self, place: int) -> bytes:
        shown = encode_json(self._felt(place)) if place in self._emotives else b"{}"
        return b'%b,"emotives":%b}' % (self._ranking.json(place), shown)
