"""What the cache is made of: addresses, what is kept, and when it is left alone."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.caching.address import PORT, Address, BadAddress
from kato.caching.breaker import FIRST_REST, LONGEST_REST, Breaker
from kato.caching.sealing import LARGE, MAX_OPENED, MAX_SEALED, seal, unseal


class AddressTests(SynchronousTestCase):
    """What an operator writes."""

    def test_parsed(self) -> None:
        """A URL is taken as other programs that use Redis do."""
        for url, expected in (
            ("redis://cache", ("cache", PORT, None, None, None)),
            ("redis://cache:7000/2", ("cache", 7000, 2, None, None)),
            ("redis://:p%40ss@[::1]/", ("::1", PORT, None, None, "p@ss")),
            ("redis://kato:secret@10.0.0.1/0", ("10.0.0.1", PORT, 0, "kato", "secret")),
        ):
            self.assertEqual(Address.parse(url), Address(*expected))

    def test_refused(self) -> None:
        """What names no Redis is refused, and no password is repeated."""
        for url in (
            "memcached://cache",
            "rediss://user:secret@cache",
            "redis:",
            "redis://",
            "redis://:secret@",
            "redis://:secret@cache:0",
            "redis://:secret@cache:70000",
            "redis://:secret@cache/db",
            "redis://:secret@cache/1?x=2",
            "redis://secret-user@cache",
        ):
            error = self.assertRaises(BadAddress, Address.parse, url)
            self.assertNotIn("secret", str(error))

    def test_shown(self) -> None:
        """No password is shown, nor who asks."""
        address = Address.parse("redis://kato:secret@[::1]:7000/3")
        self.assertEqual(str(address), "redis://[::1]:7000/3")
        self.assertEqual(repr(address), "Address('redis://[::1]:7000/3')")


class SealingTests(SynchronousTestCase):
    """Values as they are kept."""

    @given(st.text(max_size=20), st.binary(max_size=2 * LARGE))
    def test_sealed(self, key: str, text: bytes) -> None:
        """What was kept under a key is found under that, and under no other."""
        sealed = seal(key, text)
        assert sealed is not None
        self.assertEqual(unseal(key, sealed), text)
        self.assertIsNone(unseal(f"{key}2", sealed))

    @given(st.data(), st.sampled_from([b"[]", b"[1,2]" * LARGE]))
    def test_damaged(self, data: st.DataObject, text: bytes) -> None:
        """What is damaged or cut off is nothing."""
        sealed = bytearray(seal("key", text) or b"")
        place = data.draw(st.integers(0, len(sealed) - 1))
        if data.draw(st.booleans()):
            sealed[place] ^= 1 << data.draw(st.integers(0, 7))
        else:
            del sealed[place:]
        self.assertIsNone(unseal("key", bytes(sealed)))

    def test_large(self) -> None:
        """What is large is compressed; what is too large is not kept."""
        self.assertLess(len(seal("key", bytes(LARGE)) or bytes(LARGE)), LARGE // 10)
        self.assertIsNone(seal("key", bytes(MAX_OPENED + 1)))
        noise = Random(1).randbytes(MAX_SEALED)
        self.assertIsNotNone(seal("key", noise[: MAX_SEALED // 2]))
        self.assertIsNone(seal("key", noise))


class BreakerTests(SynchronousTestCase):
    """When a server that failed is asked again."""

    def test_failures(self) -> None:
        """Each failure in a row is followed by a longer rest, up to a longest; one success ends
        it."""
        breaker, now, rest = Breaker(), 100.0, FIRST_REST
        for _ in range(12):
            self.assertTrue(breaker.allows(now))
            breaker.failed(now)
            self.assertFalse(breaker.allows(now + rest * 0.99))
            now += rest
            rest = min(2 * rest, LONGEST_REST)
        self.assertEqual(rest, LONGEST_REST)
        breaker.succeeded()
        self.assertTrue(breaker.allows(now))
        breaker.failed(now)
        self.assertTrue(breaker.allows(now + FIRST_REST))

    def test_together(self) -> None:
        """Questions that fail together are one failure."""
        breaker = Breaker()
        breaker.failed(0.0)
        breaker.failed(FIRST_REST / 2)
        self.assertTrue(breaker.allows(FIRST_REST))
