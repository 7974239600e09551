"""Who is let in at a port of ZeroMQ, how much of guests is held, and who has to go."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.zmq.visitors import Traffic, Visitor, Visitors, size_on_wire

_PLACES = st.integers(0, 9)
_NAMES = st.sampled_from([b"one", b"two", b"three"])
_BYTES = st.integers(0, 90)


def _visitors(*, most: int = 10, most_guests: int = 10, most_held: int = 100) -> Visitors:
    return Visitors(most=most, most_guests=most_guests, most_held=most_held)


def _peer(number: int) -> tuple[str, int]:
    return ("127.0.0.1", number)


class SizeTests(SynchronousTestCase):
    """What a frame takes on its way."""

    def test_plain(self) -> None:
        """Short frames have two bytes before them, long ones nine."""
        sizes = [size_on_wire(each, encrypted=False) for each in (0, 255, 256, 70_000)]
        self.assertEqual(sizes, [2, 257, 265, 70_009])

    def test_encrypted(self) -> None:
        """CURVE puts 33 bytes around each."""
        sizes = [size_on_wire(each, encrypted=True) for each in (0, 222, 223)]
        self.assertEqual(sizes, [35, 257, 265])


class VisitorTests(SynchronousTestCase):
    """One port."""

    def test_room(self) -> None:
        """Where there are too many guests, whoever has been one for longest has to go."""
        visitors = _visitors(most_guests=2)
        self.assertEqual([visitors.came(each, _peer(each)) for each in (1, 2)], [None, None])
        leaves = visitors.came(3, _peer(3))
        assert leaves is not None
        self.assertEqual((leaves.descriptor, leaves.peer), (1, _peer(1)))
        self.assertEqual((len(visitors), visitors.guests, visitors.turned_away), (2, 2, 1))

    def test_full(self) -> None:
        """Where all the room is taken by others, the one who comes has to go."""
        visitors = _visitors(most=1)
        visitors.came(1, _peer(1))
        self.vouched(visitors, 1)
        leaves = visitors.came(2, _peer(2))
        assert leaves is not None
        self.assertEqual(leaves.descriptor, 2)
        self.assertIn(1, visitors)

    def vouched(self, visitors: Visitors, descriptor: int) -> None:
        guest = visitors.guest(descriptor)
        assert guest is not None
        visitors.name(guest, b"%d" % descriptor)
        visitors.vouch(b"%d" % descriptor)
        self.assertIsNone(visitors.guest(descriptor))

    def test_held(self) -> None:
        """Of guests that have too much held, the one with the most goes, and no more than needs
        to; who has told a key may have as much held as he wants."""
        visitors = _visitors(most_held=100)
        for each in (1, 2, 3, 4):
            visitors.came(each, _peer(each))
        self.vouched(visitors, 4)
        came = {1: 40, 2: 90, 3: 60, 4: 10**9}
        leaving = visitors.weigh(lambda each: Traffic(came[each.descriptor], 0))
        self.assertEqual([(each.descriptor, each.held) for each in leaving], [(2, 90)])
        self.assertTrue(visitors.is_tight)
        came = {1: 5, 3: 15, 4: 10**9}
        self.assertEqual(visitors.weigh(lambda each: Traffic(came[each.descriptor], 0)), [])
        self.assertFalse(visitors.is_tight)

    def test_both_ways(self) -> None:
        """What was not read of a guest is held, and what it has not taken; what nobody can tell
        stays as it was."""
        guest = Visitor(1, _peer(1), read=30, sent=50)
        guest.weigh(Traffic(came=100, taken=20))
        self.assertEqual(guest.held, 70 + 30)
        guest.weigh(None)
        self.assertEqual(guest.held, 100)
        guest.weigh(Traffic(came=20, taken=60))
        self.assertEqual(guest.held, 0)

    def test_handed_over(self) -> None:
        """A name is whose it was last: who had it before is a guest still."""
        visitors = _visitors()
        for each in (1, 2):
            visitors.came(each, _peer(each))
            guest = visitors.guest(each)
            assert guest is not None
            visitors.name(guest, b"same")
        visitors.went(1)
        self.assertIs(visitors.named(b"same"), visitors.guest(2))
        visitors.vouch(b"same")
        self.assertEqual((visitors.guests, len(visitors)), (0, 1))
        visitors.vouch(b"nobody")

    def test_given_anew(self) -> None:
        """A descriptor that is given anew is somebody else's."""
        visitors = _visitors()
        visitors.came(1, _peer(1))
        self.vouched(visitors, 1)
        visitors.came(1, _peer(2))
        guest = visitors.guest(1)
        assert guest is not None
        self.assertEqual(guest.peer, _peer(2))

    @given(st.lists(st.tuples(_BYTES, _BYTES, _BYTES, _BYTES), max_size=8), st.integers(0, 200))
    def test_never_too_much(self, guests: list[tuple[int, int, int, int]], most: int) -> None:
        """Those who stay have no more held than may be, and nobody goes for nothing."""
        visitors = _visitors(most_held=most)
        traffic = {}
        for number, (came, read, sent, taken) in enumerate(guests):
            visitors.came(number, _peer(number))
            guest = visitors.guest(number)
            assert guest is not None
            guest.read, guest.sent = read, sent
            traffic[number] = Traffic(came, taken)
        leaving = visitors.weigh(lambda each: traffic[each.descriptor])
        held = {
            number: max(0, came - read) + max(0, sent - taken)
            for number, (came, read, sent, taken) in enumerate(guests)
        }
        gone = [each.descriptor for each in leaving]
        stays = [held[each] for each in held if each not in gone]
        self.assertLessEqual(sum(stays), most)
        self.assertEqual({each for each in held if each in visitors}, held.keys() - set(gone))
        if gone:
            self.assertGreater(sum(stays) + held[gone[-1]], most)
            self.assertGreaterEqual(min(held[each] for each in gone), max(stays, default=0))


class Comings(RuleBasedStateMachine):
    """People come, go, take names and tell keys, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.visitors = _visitors(most=6, most_guests=3)
        self.there: dict[int, bool] = {}
        self.names: dict[bytes, int] = {}

    @rule(place=_PLACES)
    def come(self, place: int) -> None:
        self.there.pop(place, None)
        self.names = {name: at for name, at in self.names.items() if at != place}
        leaves = self.visitors.came(place, _peer(place))
        self.there[place] = False
        if leaves is not None:
            assert self.there.pop(leaves.descriptor) is False, "a guest leaves"
            self.forget(leaves.descriptor)

    @rule(place=_PLACES)
    def go(self, place: int) -> None:
        self.visitors.went(place)
        self.there.pop(place, None)
        self.forget(place)

    def forget(self, place: int) -> None:
        self.names = {name: at for name, at in self.names.items() if at != place}

    @rule(place=_PLACES, name=_NAMES)
    def speak(self, place: int, name: bytes) -> None:
        guest = self.visitors.guest(place)
        if guest is not None:
            self.forget(place)
            self.visitors.name(guest, name)
            self.names[name] = place

    @rule(name=_NAMES)
    def tell_key(self, name: bytes) -> None:
        self.visitors.vouch(name)
        place = self.names.pop(name, None)
        if place is not None:
            self.there[place] = True

    @invariant()
    def is_as_it_was_told(self) -> None:
        guests = [place for place, known in self.there.items() if not known]
        assert len(self.visitors) == len(self.there) <= 6
        assert self.visitors.guests == len(guests) <= 3
        assert all(place in self.visitors for place in self.there)
        assert all(self.visitors.guest(place) is not None for place in guests)


class AccountTests(SynchronousTestCase):
    """The accounts are right, whatever happens."""

    def test_comings(self) -> None:
        """It is known who is there, who has told a key, and by which name each is answered."""
        run_state_machine_as_test(
            Comings, settings=settings(max_examples=100, stateful_step_count=40, deadline=None)
        )
