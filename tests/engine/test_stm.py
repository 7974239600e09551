"""Short-term memory and what it was before; answers that are remembered."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.changes import NumberedEvent, Window
from kato.engine import recollection
from kato.engine.recollection import Recollection
from kato.engine.stm import ShortTermMemory
from kato.errors import Conflict

STEPS = st.lists(
    st.one_of(
        st.just(("append", 0)),
        st.just(("append", 0)),
        st.tuples(st.just("keep"), st.integers(0, 3)),
        st.just(("pin", 0)),
        st.just(("release", 0)),
        st.just(("drain", 0)),
        st.just(("restore", 0)),
    ),
    max_size=40,
)


class Stored:
    """What a store has of a memory."""

    def __init__(self) -> None:
        self.events: dict[int, NumberedEvent] = {}

    def take(self, memory: ShortTermMemory) -> None:
        fresh, dropped = memory.drain()
        assert list(fresh) == sorted(fresh)
        for window in dropped:
            assert window.start < window.end
            for number in range(*window):
                del self.events[number]
        for each in fresh:
            assert each.number not in self.events
            self.events[each.number] = each


class ShortTermMemoryTests(SynchronousTestCase):
    """L{ShortTermMemory} against a list of all events."""

    @settings(deadline=None, max_examples=400)
    @given(STEPS)
    def test_windows(self, steps: list[tuple[str, int]]) -> None:
        """Pinned windows tell the same events for as long as they are pinned, nothing else is
        kept, and the store has exactly that."""
        memory, stored = ShortTermMemory(), Stored()
        every: list[tuple[str, ...]] = []
        start = 0
        pins: list[Window] = []
        for step, number in steps:
            if step == "append":
                every.append((f"e{len(every)}",))
                memory.append(every[-1])
            elif step == "keep":
                memory.keep_last(number)
                start = max(start, len(every) - number)
            elif step == "pin":
                pins.append(memory.window)
                memory.pin(memory.window)
            elif step == "release" and pins:
                pins.pop(0)
                memory.release_before(pins[0].start if pins else memory.window.end)
            else:
                stored.take(memory)
                if step == "restore":
                    memory = ShortTermMemory.restore(
                        memory.window, tuple(reversed(stored.events.values()))
                    )
                    for pin in pins:
                        memory.pin(pin)
            self.assertEqual(memory.window, (start, len(every)))
            self.assertEqual(memory.events, every[start:])
            for pin in [*pins, memory.window]:
                self.assertEqual(memory.at(pin), every[pin.start : pin.end])
        stored.take(memory)
        needed = {n for pin in [*pins, memory.window] for n in range(pin.start, pin.end)}
        self.assertEqual(set(stored.events), needed)

    def test_nothing_is_kept_for_nobody(self) -> None:
        """Events that leave between two pinned windows are forgotten."""
        memory, stored = ShortTermMemory(), Stored()
        for round_ in range(3):
            memory.append((f"pinned {round_}",))
            memory.pin(memory.window)
            memory.append((f"unpinned {round_}",))
            stored.take(memory)
            memory.keep_last(0)
        stored.take(memory)
        self.assertEqual(sorted(stored.events), [0, 2, 4])
        memory.release_before(4)
        stored.take(memory)
        self.assertEqual(sorted(stored.events), [4])

    def test_last_pin(self) -> None:
        """Once the last pinned window is released nothing of it is kept, whether its events have
        left short-term memory by then or leave it later."""
        for leaves_first in (True, False):
            memory, stored = ShortTermMemory(), Stored()
            memory.append(("pinned",))
            memory.pin(memory.window)
            stored.take(memory)
            if leaves_first:
                memory.keep_last(0)
            memory.release_before(1)
            if not leaves_first:
                memory.keep_last(0)
            stored.take(memory)
            self.assertEqual(stored.events, {})


class RecollectionTests(SynchronousTestCase):
    """L{Recollection} with room for three."""

    def setUp(self) -> None:
        self.patch(recollection, "CAPACITY", 3)
        self.recollection = Recollection("request")

    def remember(self, key: str, window: Window | None = None) -> None:
        self.recollection.remember(key, f"digest of {key}", {"n": key}, window, 1, 2.0)

    def test_find(self) -> None:
        """An id is found by the same request, a conflict for another, and unknown before."""
        self.assertIsNone(self.recollection.find("a", "x", "request_id"))
        self.remember("a")
        known = self.recollection.find("a", "digest of a", "request_id")
        assert known is not None
        self.assertEqual(known.fields, {"n": "a"})
        with self.assertRaises(Conflict) as caught:
            self.recollection.find("a", "another", "request_id")
        self.assertEqual(caught.exception.message, "request_id: 'a' was used for another request")

    def test_forgets_the_oldest(self) -> None:
        """When there is no more room the oldest is forgotten."""
        for key in "abcd":
            self.remember(key)
        self.assertEqual(len(self.recollection), 3)
        self.assertIsNone(self.recollection.get("a"))
        self.assertIsNotNone(self.recollection.get("b"))

    def test_oldest_start(self) -> None:
        """The oldest window that is remembered is known, also behind answers without one."""
        self.assertIsNone(self.recollection.oldest_start)
        self.remember("a")
        self.assertIsNone(self.recollection.oldest_start)
        self.remember("b", Window(3, 4))
        self.remember("c", Window(5, 6))
        self.assertEqual(self.recollection.oldest_start, 3)
        self.remember("d")
        self.assertEqual(self.recollection.oldest_start, 3)
        self.remember("e")
        self.assertEqual(self.recollection.oldest_start, 5)
        self.remember("f")
        self.assertIsNone(self.recollection.oldest_start)

    def test_earlier_window(self) -> None:
        """A later answer that shows an earlier window keeps that for as long as it is known."""
        self.remember("a", Window(5, 6))
        self.remember("b", Window(2, 3))
        self.remember("c", Window(7, 8))
        self.assertEqual(self.recollection.oldest_start, 2)
        self.remember("d", Window(9, 9))
        self.assertEqual(self.recollection.oldest_start, 2)
        self.remember("e", Window(9, 9))
        self.assertEqual(self.recollection.oldest_start, 7)

    def test_drain(self) -> None:
        """The store is told what is new, and what to forget, also of what it never saw."""
        self.remember("a")
        self.remember("b")
        fresh, oldest = self.recollection.drain()
        self.assertEqual(([each.key for each in fresh], oldest), (["a", "b"], 0))
        for key in "cdefg":
            self.remember(key)
        fresh, oldest = self.recollection.drain()
        self.assertEqual(([each.key for each in fresh], oldest), (["e", "f", "g"], 4))
        self.assertEqual(self.recollection.drain(), ((), 4))

    @settings(deadline=None, max_examples=50)
    @given(st.integers(0, 3))
    def test_restore(self, count: int) -> None:
        """Restored, it knows the same, and counts on."""
        self.setUp()
        for number in range(count):
            self.recollection.remember(str(number), "d", {}, Window(number, number), 1, 2.0)
        stored: tuple[Any, ...] = self.recollection.drain()[0]
        again = Recollection.restore("request", reversed(stored))
        self.assertEqual(again.next_ordinal, count)
        self.assertEqual(again.oldest_start, self.recollection.oldest_start)
        self.assertEqual(again.drain()[0], ())
