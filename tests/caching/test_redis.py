"""A cache in a real Redis: while it is well, slow, gone, and back."""

from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from kato.caching import Address, make_cache, redis
from kato.caching.redis import MAX_WRITING
from tests.caching.redis_server import RedisServer

PATIENCE = 60.0
"""Seconds in which what is waited for has to come about, on a machine that is busy."""


class RedisCase(TestCase):
    """Has a Redis, and caches that use it."""

    timeout = 180
    options: tuple[str, ...] = ()

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        for patience in ("PATIENCE", "WRITING"):  # to be late is no part of most of this
            self.patch(redis, patience, PATIENCE)
        self.redis = RedisServer(*self.options)
        self.addCleanup(self.redis.remove)
        self.redis.start()

    def cache(self, user: str = "", ttl: float = 60.0) -> Any:
        made = make_cache(Address.parse(self.redis.url(user)), ttl=ttl, reactor=self.reactor)
        made.start()
        self.addCleanup(made.close)
        return made

    async def until(self, holds: Any) -> None:
        """Wait until something holds."""
        until = self.reactor.seconds() + PATIENCE
        while not holds():
            self.assertLess(self.reactor.seconds(), until, "it never came about")
            await deferLater(self.reactor, 0.01)

    async def answering(self, cache: Any) -> None:
        """Ask until there is an answer, as who has long matchings does."""
        asked = cache.statistics()
        before = asked["found"] + asked["misses"]

        def answered() -> bool:
            cache.get("kato:any")
            told = cache.statistics()
            return bool(told["found"] + told["misses"] > before)

        await self.until(answered)

    async def away(self, cache: Any) -> None:
        """Wait until it is known that it is not there."""
        await self.until(lambda: cache._is_away)

    async def found(self, cache: Any, key: str) -> bytes | None:
        """A value that is there: a machine that is busy may need several looks."""
        await self.until(lambda: cache.statistics()["answers"])
        until = self.reactor.seconds() + PATIENCE
        while self.reactor.seconds() < until:
            value: bytes | None = await cache.get(key)
            if value is not None:
                return value
            await deferLater(self.reactor, 0.05)
        return None


class RedisTests(RedisCase):
    """A Redis that asks for nothing."""

    async def test_kept(self) -> None:
        """What one service keeps another finds, byte for byte, for as long as was said."""
        one, other = self.cache(), self.cache()
        await self.answering(one)
        for key, value in (("kato:a", bytes(range(256)) * 4000), ("kato:b", b"\r\n12")):
            one.put(key, value)
            await self.until(lambda: not one._writing)
            self.assertEqual(await self.found(other, key), value)
        self.assertEqual(one.statistics()["written"], 2)
        left = int(self.redis.say(b"PTTL", b"kato:a")[1:])
        self.assertTrue(0 < left <= 60_000, left)

    async def test_asleep(self) -> None:
        """One that answers nothing holds nobody up for longer than a moment, then nobody at all;
        it is asked again when it answers again."""
        cache = self.cache()
        await self.answering(cache)
        self.patch(redis, "PATIENCE", 0.02)
        self.redis.sleep()
        began = self.reactor.seconds()
        await self.until(lambda: cache.get("kato:a").called)
        errors = cache.statistics()["errors"]
        for _ in range(100):
            self.assertIsNone(self.successResultOf(cache.get("kato:a")))
            cache.put("kato:a", b"value")
        told = cache.statistics()
        self.assertEqual((told["errors"], told["unwritten"]), (errors, 100))
        self.assertLess(self.reactor.seconds() - began, PATIENCE)
        self.redis.wake()
        await self.answering(cache)

    async def test_gone(self) -> None:
        """One that is killed is noticed, told of once, and found again when it is back."""
        cache = self.cache()
        await self.answering(cache)
        self.redis.kill()
        await self.until(lambda: not cache.statistics()["answers"])  # before anybody asks it
        await self.until(lambda: cache.get("kato:a").called and cache._is_away)
        self.redis.start()
        await self.answering(cache)
        self.assertTrue(cache.statistics()["answers"])

    async def test_not_there_at_the_start(self) -> None:
        """One that comes later than the service is used from then on."""
        self.redis.kill()
        cache = self.cache()
        await self.away(cache)
        self.assertIsNone(self.successResultOf(cache.get("kato:a")))
        self.redis.start()
        await self.answering(cache)

    async def test_too_much(self) -> None:
        """No more is on its way there than there is room for."""
        cache = self.cache()
        await self.answering(cache)
        half = bytes(MAX_WRITING // 2)
        for number in range(5):
            cache.put(f"kato:{number}", half)
        self.assertEqual(cache.statistics()["unwritten"], 3)
        await self.until(lambda: not cache._writing)

    async def test_full(self) -> None:
        """One that has no room left is still asked."""
        cache = self.cache()
        await self.answering(cache)
        self.redis.say(b"CONFIG", b"SET", b"maxmemory", b"1")
        for _ in range(2):
            cache.put("kato:a", b"value")
        await self.until(lambda: cache.statistics()["unwritten"] == 2)
        self.assertTrue(cache.statistics()["answers"])
        await self.answering(cache)

    async def test_closed(self) -> None:
        """One that is closed is not asked, nor connected to."""
        cache = self.cache()
        await self.answering(cache)
        await cache.close()
        self.assertIsNone(self.successResultOf(cache.get("kato:a")))
        await self.cache().close()


class PasswordTests(RedisCase):
    """A Redis that asks for a password."""

    options = ("--requirepass", "secret")

    async def test_let_in(self) -> None:
        """One who knows it is let in; one who does not is told so in the log, and does without."""
        await self.answering(self.cache(":secret"))
        for user in ("", ":wrong"):
            cache = self.cache(user)
            await self.away(cache)
            self.assertIsNone(self.successResultOf(cache.get("kato:a")))
