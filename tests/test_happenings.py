"""What a turn did, as data."""

import json
from collections.abc import Iterable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.codec import encode_json
from kato.commands import Command
from kato.engine import Processor
from kato.genes import Genes
from kato.happenings import Happened, MemoryThen, SeenInTurn
from kato.messagepack import pack, unpack
from kato.turn import take_turn

EVENTS = st.lists(st.lists(st.sampled_from("abé"), max_size=3).map(tuple), max_size=8)

OBSERVATIONS = st.lists(
    st.one_of(
        st.builds(lambda words: {"strings": words}, st.lists(st.sampled_from("abc"), max_size=3)),
        st.builds(
            lambda word, number: {"strings": [word], "unique_id": f"u{number}{word}"},
            st.sampled_from("ab"),
            st.integers(0, 2),
        ),
        st.just({"emotives": {"joy": 1.0}}),
    ),
    max_size=10,
)

GENES = st.fixed_dictionaries(
    {
        "max_sequence_length": st.integers(0, 3),
        "stm_mode": st.sampled_from(["TAIL", "CLEAR", "ROLLING"]),
    }
)


def told(happened: Iterable[Happened]) -> list[tuple[str, dict[str, Any]]]:
    """The topics and data of events, one by one, but for ids that were made."""
    events = []
    for each in happened:
        for one in each.each() if isinstance(each, SeenInTurn) else [each]:
            data = json.loads(encode_json(one.data()))
            if data.get("observation", {}).get("unique_id") == "made":
                data["observation"]["unique_id"] = None
            events.append((one.topic, data))
    return events


class MemoryThenTests(SynchronousTestCase):
    """L{MemoryThen}."""

    @settings(deadline=None, max_examples=100)
    @given(EVENTS, EVENTS, st.slices(8))
    def test_list(self, events: list[Any], later: list[Any], place: slice) -> None:
        """It is the list that there was, whatever is added to it later, in every form."""
        growing = list(events)
        then = MemoryThen(growing, len(growing))
        growing += later
        whole = [list(each) for each in events]
        self.assertEqual(then, whole)
        self.assertEqual(list(then), whole)
        self.assertEqual(
            (len(then), then[place], repr(then)), (len(whole), whole[place], repr(whole))
        )
        self.assertEqual([then[i] for i in range(-len(whole), len(whole))], whole + whole)
        self.assertRaises(IndexError, lambda: then[len(whole)])
        self.assertNotEqual(then, [*whole, ["a"]])
        self.assertFalse(then == 1)
        self.assertEqual(json.loads(encode_json({"memory": then})), {"memory": whole})
        self.assertEqual(unpack(pack({"memory": then})), {"memory": whole})
        self.assertEqual(unpack(pack(then, accept=frozenset({"json"}))), whole)

    def test_long(self) -> None:
        """A long one is written in parts, and reads as one list."""
        events: list[tuple[str, ...]] = [(str(i),) for i in range(2_500)]
        parts = list(MemoryThen(events, 2_100).parts())
        self.assertEqual(len(parts), 4)
        self.assertEqual(json.loads(b"".join(parts)), [[str(i)] for i in range(2_100)])


class SequenceLaws(SynchronousTestCase):
    """A sequence tells what its observations and learnings would tell one by one."""

    @settings(deadline=None, max_examples=200)
    @given(OBSERVATIONS, OBSERVATIONS, GENES, st.booleans(), st.booleans())
    def test_one_by_one(
        self, before: list[Any], observations: list[Any], genes: Any, each: bool, end: bool
    ) -> None:
        """Its events are theirs, in the same order."""
        together, apart = (Processor("p", genes=Genes().changed(genes)) for _ in range(2))
        for processor in (together, apart):
            for observation in before:
                self.turn(processor, "observe", observation)
        whole = self.turn(
            together,
            "observe_sequence",
            {"observations": observations, "learn_after_each": each, "learn_at_end": end},
        )
        single: list[Happened] = []
        for observation in observations:
            single += self.turn(apart, "observe", observation)
            if each:
                single += self.turn(apart, "learn", {})
        if end:
            single += self.turn(apart, "learn", {})
        self.assertEqual(told(whole), told(single))

    def turn(self, processor: Processor, operation: str, params: dict[str, Any]) -> list[Happened]:
        command = Command.parse(operation, params, "p")
        return list(take_turn(processor, command, now=1.0, make_id=lambda: "made").happened)
