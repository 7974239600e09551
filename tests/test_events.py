"""Events and wishes as values, and as maps."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.errors import InvalidRequest
from kato.events import TOPICS, TOPICS_OF_ALL, Event, Numbers, Position, Wish

COUNTS = st.integers(0, 2**53 - 1)
EVENTS = st.builds(
    Event,
    topic=st.sampled_from(sorted(TOPICS)),
    processor=st.text(max_size=8),
    offset=COUNTS,
    time_stamp=st.floats(0, 2e9),
    data=st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    skipped=COUNTS,
    epoch=st.text(max_size=8),
    number=COUNTS,
    kept=COUNTS,
)


class EventTests(SynchronousTestCase):
    """L{Event}."""

    @settings(deadline=None, max_examples=50)
    @given(EVENTS)
    def test_wire(self, event: Event) -> None:
        """What a service writes of an event, a gateway reads as the same event."""
        self.assertEqual(Event.parse(event.wire_map()), event)

    def test_map(self) -> None:
        """An event is told as SPEC 9 writes it, and says what was skipped where something was."""
        event = Event("learning", "p1", 7, 1.5, {"a": 1}, epoch="e", number=3)
        told: dict[str, Any] = {
            "event": "learning",
            "processor": "p1",
            "offset": 7,
            "time_stamp": 1.5,
            "data": {"a": 1},
        }
        self.assertEqual(event.as_map(), told)
        self.assertEqual(event.after(2).as_map(), {**told, "skipped": 2})
        self.assertIs(event.after(0), event)

    def test_refused(self) -> None:
        """What is no event is refused by the name of the field."""
        good = Event("learning", "p1", 7, 1.5, {}).wire_map()
        for change, message in (
            ({"offset": -1}, "event.offset: expected an integer from 0"),
            ({"data": []}, "event.data: expected an object, got list"),
            ({"more": 1}, "event.more: unknown key"),
        ):
            error = self.assertRaises(InvalidRequest, Event.parse, {**good, **change})
            self.assertIn(message, error.message)
        del good["data"]
        error = self.assertRaises(InvalidRequest, Event.parse, good)
        self.assertEqual(error.message, "event.data: missing")
        self.assertRaises(InvalidRequest, Event.parse, [])


class NumbersTests(SynchronousTestCase):
    """L{Numbers}."""

    @settings(deadline=None, max_examples=50)
    @given(st.lists(EVENTS, max_size=20))
    def test_after(self, events: list[Event]) -> None:
        """They are the numbers of the last event of each kind."""
        numbers = Numbers()
        for event in events:
            numbers = numbers.after(event)
            self.assertEqual(numbers.of(event.topic), event.number)
        self.assertEqual(Numbers.parse(list(numbers)), numbers)

    def test_refused(self) -> None:
        """Other lists are no numbers."""
        for raw in ([1, 2], [1, 2, -1], [1, 2, "3"], None):
            self.assertRaises(InvalidRequest, Numbers.parse, raw)


class WishTests(SynchronousTestCase):
    """L{Wish}."""

    def test_default(self) -> None:
        """Without parameters everything is wanted, from now on."""
        self.assertEqual(Wish.parse("p1", None), Wish("p1", TOPICS, None))
        self.assertEqual(Wish.parse(None, {}), Wish(None, TOPICS_OF_ALL, None))
        self.assertEqual((Wish.parse("p1", {}).key, Wish.parse(None, {}).key), ("p1", ""))

    def test_position(self) -> None:
        """Who was cut off says how far it had come; an offset without its epoch says nothing."""
        wish = Wish.parse("p1", {"topics": ["learning"], "since": 7, "epoch": "e"})
        self.assertEqual(wish, Wish("p1", frozenset({"learning"}), Position("e", 7)))
        self.assertEqual(Position("e", 7).foreseen, 7)
        wish = Wish.parse("p1", {"since": 7, "epoch": "e", "predictions": 5})
        self.assertEqual(wish.position, Position("e", 7, 5))
        for given_ in ({"since": 7}, {"epoch": "e"}, {"since": None, "epoch": None}):
            self.assertIsNone(Wish.parse("p1", given_).position)

    def test_refused(self) -> None:
        """What is unfit is refused by the name of the field."""
        for processor, params, message in (
            ("p/1", {}, "processor: 'p/1' is no id"),
            ("p1", {"topics": ["processors"]}, "topics[0]: 'processors' is unknown"),
            (None, {"topics": ["status", "learning"]}, "topics[1]: 'learning' is unknown"),
            ("p1", {"topics": "learning"}, "topics: expected a list"),
            ("p1", {"since": -1}, "since: expected an integer from 0"),
            ("p1", {"since": True}, "since: expected an integer"),
            ("p1", {"epoch": 1}, "epoch: expected a string"),
            ("p1", {"epoch": "e" * 65}, "epoch: expected 64 characters at most, got 65"),
            ("p1", {"until": 1}, "until: unknown key"),
            ("p1", [], "params: expected an object"),
        ):
            error = self.assertRaises(InvalidRequest, Wish.parse, processor, params)
            self.assertIn(message, error.message)
