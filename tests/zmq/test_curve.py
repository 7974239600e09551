"""Keys of CURVE as they are written, and who may connect with them."""

from collections.abc import Sequence

import zmq
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from kato.protocols.zmq.curve import (
    BadKeys,
    KeyPair,
    parse_clients,
    parse_pair,
    read_key,
    written_key,
    written_pair,
)
from kato.protocols.zmq.guard import (
    EVERYBODY,
    MEMBERS,
    PAUSE,
    SUBSCRIBERS,
    Guard,
    Known,
    judge,
    welcome,
)
from kato.seldom import Seldom

KEYS = st.binary(min_size=32, max_size=32)
PAIR = KeyPair(*zmq.curve_keypair())
OTHER = KeyPair(*zmq.curve_keypair())


class KeyTests(SynchronousTestCase):
    """Keys in 40 characters."""

    def test_as_in_the_specification(self) -> None:
        """RFC 32 writes these bytes so."""
        told = bytes([0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B])
        self.assertEqual(written_key(told), "HelloWorld")
        self.assertEqual(read_key(b"HelloWorld" * 4), told * 4)

    @settings(deadline=None, max_examples=200)
    @given(KEYS)
    def test_there_and_back(self, key: bytes) -> None:
        """A key that is written is read as the same."""
        self.assertEqual(read_key(written_key(key).encode()), key)

    @settings(deadline=None, max_examples=200)
    @given(st.binary(max_size=60) | st.binary(min_size=40, max_size=40))
    def test_anything(self, written: bytes) -> None:
        """Whatever is read as a key is written as it was; all else is told, and never repeated."""
        try:
            self.assertEqual(written_key(read_key(written)).encode(), written)
        except BadKeys as error:
            if len(written) > 8:
                self.assertNotIn(written, str(error).encode())

    def test_too_large(self) -> None:
        """Five characters that mean more than four bytes are none of a key."""
        error = self.assertRaises(BadKeys, read_key, b"#" * 40)
        self.assertIn("40 characters that are none", str(error))


class PairTests(SynchronousTestCase):
    """The file of a pair."""

    def test_there_and_back(self) -> None:
        """What is written is read, comments and further keys aside."""
        text = written_pair(PAIR, "one\ntwo", {"server-key": OTHER.public})
        self.assertEqual(parse_pair(text), PAIR)
        self.assertTrue(text.startswith("# one\n# two\ncurve\n"))

    def test_missing(self) -> None:
        """A half that is missing, or none, is named."""
        for text, why in (
            ("", "there is no public-key in it"),
            (f'public-key = "{PAIR.public.decode()}"', "there is no secret-key in it"),
            ('public-key = "abc"', "public-key: expected a key of 40 characters, got 3"),
        ):
            self.assertEqual(str(self.assertRaises(BadKeys, parse_pair, text)), why)

    def test_secret(self) -> None:
        """The secret half is shown nowhere."""
        self.assertNotIn(PAIR.secret.decode(), repr(PAIR))

    @settings(deadline=None, max_examples=200)
    @given(st.text())
    def test_anything(self, text: str) -> None:
        """A file that holds anything else is told so, and raises nothing else."""
        try:
            parse_pair(text)
        except BadKeys as error:
            self.assertNotEqual(str(error), "")


class ClientsTests(SynchronousTestCase):
    """The file of clients."""

    def test_lines(self) -> None:
        """A name and a key stand on each line, beside comments and empty ones."""
        text = f"# all\n\nreports  {PAIR.public.decode()}\n  x.1 {OTHER.public.decode()}\n"
        keys = read_key(PAIR.public), read_key(OTHER.public)
        self.assertEqual(parse_clients(text), {keys[0]: "reports", keys[1]: "x.1"})

    def test_wrong(self) -> None:
        """The first line that is wrong is named by its number."""
        key = PAIR.public.decode()
        for line, why in (
            ("reports", "line 2: expected a name and a public key"),
            (f"{key} {OTHER.public.decode()}", "line 2: expected a name and a public key"),
            ("other abc", "line 2: expected a key of 40 characters, got 3"),
            (f"other {key}", "line 2: this name or this key stands above, too"),
            (f"reports {OTHER.public.decode()}", "line 2: this name or this key stands above, too"),
        ):
            error = self.assertRaises(BadKeys, parse_clients, f"reports {key}\n{line}\n")
            self.assertEqual(str(error), why)


def request(
    key: bytes, *, domain: bytes = EVERYBODY, mechanism: bytes = b"CURVE", version: bytes = b"1.0"
) -> list[bytes]:
    """A question as libzmq asks it."""
    return [version, b"7", domain, b"10.0.0.3", b"", mechanism, key]


MEMBER, CLIENT = read_key(PAIR.public), read_key(OTHER.public)
KNOWN = Known({MEMBER: "the cluster"}, {CLIENT: "reports"})

FRAMES = st.binary(max_size=40) | st.sampled_from(
    [b"1.0", b"CURVE", b"NULL", EVERYBODY, SUBSCRIBERS, MEMBERS, MEMBER, CLIENT]
)


class JudgeTests(SynchronousTestCase):
    """L{judge}: the questions of libzmq."""

    def status(self, question: Sequence[bytes]) -> bytes:
        return judge(question, KNOWN).reply[2]

    def test_known(self) -> None:
        """Who is known is let in, by name: the cluster everywhere, clients not at registries."""
        self.assertEqual(
            judge(request(CLIENT), KNOWN).reply, (b"1.0", b"7", b"200", b"OK", b"reports", b"")
        )
        self.assertEqual(self.status(request(MEMBER)), b"200")
        self.assertEqual(self.status(request(CLIENT, domain=SUBSCRIBERS)), b"200")
        self.assertEqual(self.status(request(MEMBER, domain=MEMBERS)), b"200")
        refused = judge(request(CLIENT, domain=MEMBERS), KNOWN)
        self.assertEqual(refused.reply, (b"1.0", b"7", b"400", b"refused", b"", b""))
        self.assertIn("reports is a client", str(refused.refused))

    def test_in_the_clear(self) -> None:
        """Where nothing is encrypted everybody is let in, without a name."""
        question = [b"1.0", b"7", SUBSCRIBERS, b"10.0.0.3", b"", b"NULL"]
        self.assertEqual(welcome(question), (b"1.0", b"7", b"200", b"OK", b"", b""))

    def test_refused(self) -> None:
        """Who is not known is refused, and so is who speaks otherwise, or in another domain."""
        stranger = read_key(zmq.curve_keypair()[0])
        self.assertIn(written_key(stranger), str(judge(request(stranger), KNOWN).refused))
        for question in (
            request(b""),
            request(MEMBER, domain=b""),
            request(MEMBER, domain=b"global"),
            request(MEMBER, mechanism=b"NULL"),
            request(PAIR.public),
        ):
            self.assertEqual(self.status(question), b"400", question)
        self.assertEqual(self.status(request(MEMBER, version=b"2.0")), b"500")
        self.assertEqual(self.status([]), b"500")

    @settings(deadline=None, max_examples=200)
    @given(st.lists(FRAMES, max_size=9) | st.lists(FRAMES, min_size=7, max_size=7))
    def test_anything(self, question: list[bytes]) -> None:
        """Every question gets one answer of six frames, under its own number; 200 is said to known
        keys alone."""
        judged = judge(question, KNOWN)
        version, number, status, _, user, metadata = judged.reply
        self.assertEqual((version, metadata), (b"1.0", b""))
        self.assertEqual(number, question[1] if len(question) > 1 else b"")
        self.assertEqual(status == b"200", judged.refused is None)
        if status == b"200":
            self.assertEqual((question[0], question[5], len(question)), (b"1.0", b"CURVE", 7))
            self.assertIn(question[6], {MEMBER, CLIENT})
            self.assertNotEqual(user, b"")
        else:
            self.assertEqual(user, b"")


class GuardTests(SynchronousTestCase):
    """L{Guard}: what is told of refusals."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.guard = Guard(PAIR, {}, clock=self.clock)

    def told(self, question: Sequence[bytes]) -> int:
        """How often a warning is logged."""
        with capturedLogs() as logs:
            self.guard.answer(question)
        return sum(each["log_level"] is LogLevel.warn for each in logs)

    def test_counted(self) -> None:
        """Who came in and who did not is counted; the same address is told of once a minute."""
        self.assertEqual(self.told(request(MEMBER)), 0)
        self.assertEqual(self.told(request(CLIENT)), 1)
        self.assertEqual(self.told(request(CLIENT)), 0)
        self.clock.advance(PAUSE)
        self.assertEqual(self.told(request(CLIENT)), 1)
        self.assertEqual(self.guard.statistics(), {"admitted": 1, "refused": 3, "clients": 0})

    def test_admitted_later(self) -> None:
        """Clients are let in from when they are known until they no longer are."""
        for clients, status in (({CLIENT: "reports"}, b"200"), ({}, b"400")):
            self.guard.admit(clients)
            self.assertEqual(self.guard.answer(request(CLIENT))[2], status)


class SeldomTests(SynchronousTestCase):
    """L{Seldom}."""

    def test_pause(self) -> None:
        """The same is told again after the pause, and so many others meanwhile."""
        seldom = Seldom(10.0, most=2)
        said = [(0, "a"), (0, "a"), (1, "b"), (1, "c"), (9, "a"), (10, "c"), (10, "a"), (11, "a")]
        told = [seldom.is_due(about, now=now) for now, about in said]
        self.assertEqual(told, [True, False, True, False, False, True, False, True])
