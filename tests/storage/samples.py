"""What a store is given to keep: written out where it is awkward, made up where it is not."""

from dataclasses import replace
from itertools import count
from typing import Any

from hypothesis import strategies as st

from kato.accuracy import AMONG_FIVE, FIRST, MISSED, UNFORESEEN, Accuracy, Counts
from kato.changes import (
    Changes,
    Deletion,
    Gathered,
    NumberedEvent,
    Percept,
    Remembered,
    Snapshot,
    State,
    StoredVector,
    Window,
)
from kato.genes import Genes
from kato.model import Model
from kato.observation import Observation

AWKWARD = ("", "\0", "a\0b", "é", "𝔸🜁", '"\\\n\t[]{},:', " \u2028\ufeff", "'; DROP TABLE models")
"""Strings that a database or a text format may stumble over."""

FLOATS = (0.0, -0.0, 0.1, 1e308, -1e308, 5e-324, 1 / 3, 1e22, 123456789.123456789)
"""Numbers whose last bit, or sign, is easily lost."""


def changes(processor: str = "p1", **rest: Any) -> Changes:
    """Changes of a processor whose small state says nothing particular."""
    return Changes(**{"processor": processor, "state": State(processor), **rest})


def model(name: str, frequency: int = 1) -> Model:
    """A model that is like no other."""
    return Model(f"MODEL|{name}", ((name, "x"), ("y",)), frequency)


def answer(ordinal: int, key: str = "") -> Remembered:
    """An answer that is like no other."""
    return Remembered(ordinal, key or f"k{ordinal}", "d" * 64, {}, None, ordinal, 0.5)


def whole(snapshot: Snapshot) -> Snapshot:
    """A snapshot with its models read, and those and the vectors, whose order is free, sorted."""
    return replace(
        snapshot,
        models=tuple(sorted(snapshot.models, key=lambda each: each.name)),
        vectors=tuple(sorted(snapshot.vectors)),
    )


def everything() -> tuple[Changes, Snapshot]:
    """Changes with something awkward in every field, and what must be read back."""
    text = "".join(AWKWARD)
    emotives = dict(zip(AWKWARD, FLOATS, strict=False))
    state = State(
        name=text,
        genes=Genes(
            classifier="DVC",
            max_predictions=10_000,
            recall_threshold=-0.0,
            min_prediction_symbols=2**53 - 1,
            rank_by="fragmentation",
            sort=False,
            process_predictions=False,
            track_accuracy=True,
            vector_max_distance=5e-324,
        ),
        interval=2**53,
        window=Window(2**40, 2**40 + 2),
        emotives={name: Gathered(2**50, -(2**2100) + 1) for name in AWKWARD},
        revision=2**53,
        accuracy=Accuracy(Counts(2**53, 2**53 - 1, 2**40, 2**50), "1-5x" * 250),
    )
    observation = Observation(
        strings=AWKWARD,
        vectors=(FLOATS, (-0.0,)),
        emotives=emotives,
        unique_id=text,
        metadata={text: [None, True, 10**300, {"": [[]]}, -0.0, 1.0, 1]},
    )
    fields = {"model_name": text, "learned": [], "old": {"recall_threshold": 0.1}}
    kept = Snapshot(
        processor="p1",
        state=state,
        percept=Percept(observation, AWKWARD),
        events=(NumberedEvent(0, ("",)), NumberedEvent(2**40, AWKWARD)),
        vectors=(StoredVector("VECTOR|1", FLOATS, True), StoredVector("VECTOR|2", (-0.0,), False)),
        observations=(Remembered(7, text, "0" * 64, {}, Window(2, 2**40), 2**53, 1e9 / 7),),
        requests=(
            Remembered(0, "", "", fields, None, 0, 0.0),
            Remembered(2**40, "\0", "f", {}, Window(0, 0), 1, -0.5),
        ),
        models=(
            Model("MODEL|1", (AWKWARD, ("",)), 2**53, (emotives, {}, {"": -0.0})),
            Model("MODEL|2", tuple((each,) for each in AWKWARD), 1),
        ),
    )
    given = Changes(
        processor=kept.processor,
        state=kept.state,
        percept=kept.percept,
        models=tuple(kept.models),
        vectors=kept.vectors,
        events=kept.events,
        observations=kept.observations,
        requests=kept.requests,
    )
    return given, kept


# What hypothesis makes up

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=4) | st.sampled_from(AWKWARD)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(FLOATS)
_FEELINGS = st.dictionaries(_TEXTS, _NUMBERS, max_size=2)
_EVENTS = st.lists(_TEXTS, max_size=2).map(tuple)
_NAMES = st.sampled_from("abcde")
_INDEXES = st.integers(0, 12)
_WINDOWS = st.builds(Window, _INDEXES, _INDEXES)

_ACCURACIES = st.none() | st.text(
    st.sampled_from((FIRST, AMONG_FIVE, MISSED, UNFORESEEN)), max_size=9
).map(lambda marks: Accuracy(Counts.of(marks), marks))

_STATES = st.builds(
    State,
    name=_TEXTS,
    genes=st.builds(Genes, recall_threshold=st.floats(0, 1), sort=st.booleans()),
    interval=st.integers(0, 2**53),
    window=_WINDOWS,
    emotives=st.dictionaries(
        _TEXTS,
        st.builds(Gathered, st.integers(1, 9), st.integers(-(2**2100), 2**2100)),
        max_size=2,
    ),
    accuracy=_ACCURACIES,
)
_OBSERVATIONS = st.builds(
    Observation,
    strings=st.lists(_TEXTS, max_size=2).map(tuple),
    vectors=st.lists(st.lists(_NUMBERS, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    emotives=_FEELINGS,
    unique_id=st.none() | _TEXTS,
    metadata=st.dictionaries(_TEXTS, st.none() | st.integers() | _NUMBERS | _TEXTS, max_size=2),
)
_MODELS = st.builds(
    Model,
    _NAMES,
    st.lists(_EVENTS, max_size=2).map(tuple),
    st.integers(1, 2**53),
    st.lists(_FEELINGS, max_size=2).map(tuple),
)
_VECTORS = st.builds(
    StoredVector, _NAMES, st.lists(_NUMBERS, min_size=1, max_size=3).map(tuple), st.booleans()
)
_ANSWERS = st.builds(
    Remembered,
    ordinal=_INDEXES,
    key=_TEXTS,
    digest=_TEXTS,
    fields=st.dictionaries(_TEXTS, st.none() | _TEXTS, max_size=2),
    window=st.none() | _WINDOWS,
    interval=_INDEXES,
    time_stamp=st.floats(0.0, 1e12),
)


def _several(
    items: st.SearchStrategy[Any], key: str | None = None
) -> st.SearchStrategy[tuple[Any, ...]]:
    by = None if key is None else (lambda each: getattr(each, key))
    return st.lists(items, max_size=3, unique_by=by).map(tuple)


_CHANGES = st.builds(
    Changes,
    processor=st.sampled_from(["p1", "p2"]),
    state=_STATES,
    percept=st.none() | st.builds(Percept, st.none() | _OBSERVATIONS, _EVENTS),
    forgets_memory=st.booleans(),
    forgets_pending=st.booleans(),
    deleted_models=_several(_NAMES),
    dropped_events=_several(_WINDOWS),
    models=_several(_MODELS, "name"),
    vectors=_several(_VECTORS, "symbol"),
    events=_several(st.builds(NumberedEvent, _INDEXES, _EVENTS), "number"),
    observations=_several(_ANSWERS),
    oldest_observation=_INDEXES,
    requests=_several(_ANSWERS),
    oldest_request=_INDEXES,
)
_DELETIONS = st.builds(Deletion, st.sampled_from(["p1", "p2", "p3"]), st.none() | _ANSWERS)

_Commit = list[Changes | Deletion]


def _numbered(commits: list[_Commit]) -> list[_Commit]:
    """The same with ordinals that rise, as ordinals do."""
    numbers = count()

    def numbered(each: Remembered) -> Remembered:
        return replace(each, ordinal=next(numbers))

    def fit(each: Changes | Deletion) -> Changes | Deletion:
        if isinstance(each, Deletion):
            return replace(each, request=each.request and numbered(each.request))
        return replace(
            each,
            observations=tuple(map(numbered, each.observations)),
            requests=tuple(map(numbered, each.requests)),
        )

    return [[fit(each) for each in commit] for commit in commits]


COMMITS = st.lists(st.lists(_CHANGES | _DELETIONS, max_size=3), max_size=4).map(_numbered)
"""Any commits, also such as no processor would make."""
