"""Who would subscribe, and waits."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.zmq.waiting import WaitingRoom


class WaitingTests(SynchronousTestCase):
    """L{WaitingRoom}."""

    def test_again(self) -> None:
        """Who is let in may at once be somebody for whom others wait."""
        room = WaitingRoom()
        came: list[str] = []

        def first() -> None:
            came.append("first")
            room.told("reader", is_behind=True)
            room.ask(lambda: came.append("third"))

        room.told("reader", is_behind=True)
        room.ask(first)
        room.ask(lambda: came.append("second"))
        room.told("reader", is_behind=False)
        self.assertEqual(came, ["first", "second"])
        room.told("reader", is_behind=False)
        self.assertEqual(came, ["first", "second", "third"])

    @settings(deadline=None)
    @given(st.lists(st.none() | st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40))
    def test_law(self, happens: list[tuple[str, bool] | None]) -> None:
        """All are let in once, in the order in which they came, and nobody while any reader is
        behind."""
        room = WaitingRoom()
        behind: set[str] = set()
        came: list[int] = []

        def let_in(number: int) -> None:
            self.assertEqual(behind, set())
            came.append(number)

        for number, each in enumerate(happens):
            if each is None:
                room.ask(lambda number=number: let_in(number))  # type: ignore[misc]
            else:
                reader, is_behind = each
                (behind.add if is_behind else behind.discard)(reader)
                room.told(reader, is_behind=is_behind)
        for reader in "abc":
            behind.discard(reader)
            room.told(reader, is_behind=False)
        self.assertEqual(came, [number for number, each in enumerate(happens) if each is None])
