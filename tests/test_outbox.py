"""What waits to be sent to one reader."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.outbox import ENTRY, Outbox


def outbox(most_bytes: int = 1_000_000) -> Outbox[str]:
    return Outbox(most_bytes=most_bytes)


def taken(box: Outbox[str]) -> list[tuple[str, int]]:
    """All that waits, with what was skipped before."""
    told = []
    while (waiting := box.take()) is not None:
        told.append((waiting.message, waiting.skipped))
    return told


class OutboxTests(SynchronousTestCase):
    """L{Outbox}."""

    def test_order(self) -> None:
        """What may not be missed is sent in order."""
        box = outbox()
        self.assertEqual([box.put(each, 1, "p1") for each in "abc"], [True] * 3)
        self.assertEqual(len(box), 3)
        self.assertEqual(taken(box), [("a", 0), ("b", 0), ("c", 0)])
        self.assertIsNone(box.take())

    def test_newest(self) -> None:
        """A newer message takes the place of an older one of its kind, behind all others, and says
        how many were passed over."""
        box = outbox()
        box.put_newest("o1", "observations", "p1")
        box.put("l2", 1, "p1")
        box.put_newest("o3", "observations", "p1", skipped=2)
        box.put_newest("p3", "predictions", "p1")
        box.put_newest("other", "observations", "p2")
        box.put_newest("o4", "observations", "p1")
        self.assertEqual(taken(box), [("l2", 0), ("p3", 0), ("other", 0), ("o4", 4)])
        self.assertEqual(box.skipped, 2)

    def test_sent_once(self) -> None:
        """What was sent is not counted as passed over."""
        box = outbox()
        for each in ("o1", "o2"):
            box.put_newest(each, "observations", "p1")
            self.assertEqual(taken(box), [(each, 0)])
        self.assertEqual(box.skipped, 0)

    def test_many(self) -> None:
        """Each event counts for more than its size; one that is refused changes nothing."""
        box = outbox(most_bytes=2 * ENTRY)
        box.put_newest("o", "observations", "p1")
        self.assertTrue(box.put("a", 0, "p1"))
        self.assertTrue(box.put("b", 0, "p2"))
        self.assertFalse(box.put("c", 0, "p1"))
        box.put_newest("p", "predictions", "p1")
        self.assertEqual((len(box), box.bytes), (4, 2 * ENTRY))
        box.take()
        self.assertFalse(box.put("c", 0, "p1"))
        box.take()
        self.assertTrue(box.put("c", 0, "p1"))

    def test_bytes(self) -> None:
        """An event of any size is taken while those before it are below the bound."""
        box = outbox(most_bytes=2 * ENTRY)
        self.assertTrue(box.put("a", ENTRY - 1, "p1"))
        self.assertTrue(box.put("large", 10_000, "p1"))
        self.assertEqual(box.bytes, 10_000 + 3 * ENTRY - 1)
        self.assertFalse(box.put("b", 0, "p1"))
        self.assertEqual(taken(box), [("a", 0), ("large", 0)])
        self.assertEqual(box.bytes, 0)
        self.assertTrue(box.put("b", 0, "p1"))

    def test_answers(self) -> None:
        """Answers are always taken, and are no reason to refuse an event."""
        box = outbox(most_bytes=ENTRY)
        for each in "abc":
            self.assertTrue(box.put(each, 10_000))
        self.assertEqual(box.bytes, 3 * (10_000 + ENTRY))
        self.assertTrue(box.put("event", 0, "p1"))
        self.assertFalse(box.put("another", 0, "p1"))
        self.assertTrue(box.put("d", 0))
        self.assertEqual([each for each, _ in taken(box)], ["a", "b", "c", "event", "d"])

    def test_drop(self) -> None:
        """What belongs to one owner is forgotten; the rest waits on."""
        box = outbox()
        box.put("reply", 5)
        box.put("l1", 7, "p1")
        box.put("l2", 11, "p2")
        box.put_newest("o1", "observations", "p1")
        box.drop("p1")
        self.assertEqual(box.bytes, 16 + 2 * ENTRY)
        self.assertEqual(taken(box), [("reply", 0), ("l2", 0)])

    def test_clear(self) -> None:
        """All can be forgotten."""
        box = outbox(most_bytes=ENTRY)
        box.put("a", 5, "p1")
        box.put_newest("o1", "observations", "p1")
        box.clear()
        self.assertEqual((len(box), box.bytes, taken(box)), (0, 0, []))
        self.assertTrue(box.put("b", 5, "p1"))


EVENTS = st.lists(
    st.one_of(
        st.just("take"),
        st.tuples(st.sampled_from(["learning", "observations", "predictions"]), st.integers(1, 2)),
    ),
    max_size=80,
)


class LawTests(SynchronousTestCase):
    """What holds whatever comes, and whenever the reader reads."""

    @given(EVENTS)
    @settings(deadline=None, max_examples=200)
    def test_laws(self, history: list[str | tuple[str, int]]) -> None:
        """Offsets of one owner rise, nothing that may not be missed is, and of the rest each is
        sent or counted by one that comes later."""
        box = outbox()
        sent: list[tuple[int, str, int, int]] = []
        put: list[tuple[int, str, int]] = []

        def take() -> bool:
            waiting = box.take()
            if waiting is not None:
                topic, owner, offset = waiting.message.split()
                sent.append((int(owner), topic, int(offset), waiting.skipped))
            return waiting is not None

        for offset, step in enumerate(history):
            if isinstance(step, str):
                take()
                continue
            topic, owner = step
            put.append((owner, topic, offset))
            message = f"{topic} {owner} {offset}"
            if topic == "learning":
                self.assertTrue(box.put(message, len(message), owner))
            else:
                box.put_newest(message, topic, owner)
        while take():
            pass
        for owner in (1, 2):
            offsets = [each[2] for each in sent if each[0] == owner]
            self.assertEqual(offsets, sorted(offsets))
            for topic in ("learning", "observations", "predictions"):
                told = [each for each in sent if each[:2] == (owner, topic)]
                meant = [each for each in put if each[:2] == (owner, topic)]
                self.assertEqual(sum(1 + each[3] for each in told), len(meant))
                if topic == "learning":
                    self.assertEqual([each[2] for each in told], [each[2] for each in meant])
                elif meant:
                    self.assertEqual(told[-1][2], meant[-1][2])
        self.assertEqual((len(box), box.bytes), (0, 0))
