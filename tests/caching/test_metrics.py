"""What is told of the cache."""

from twisted.trial.unittest import SynchronousTestCase

from kato.long_turns import LongTurns
from kato.metrics import Readings
from kato.metrics.sources import read_cache
from kato.metrics.table import TABLE
from tests.caching.memory import MemoryCache
from tests.doubles import at_once


class MetricsTests(SynchronousTestCase):
    """Readings of it."""

    def test_told(self) -> None:
        """All metrics of the table that are about it, looks by what came of them."""
        cache = MemoryCache()
        cache.put("a", b"value")
        for key in ("a", "a", "b"):
            cache.get(key)
        readings = Readings()
        read_cache(readings, LongTurns(at_once, cache))
        told = {metric.name: found for metric, found in readings}
        self.assertEqual(set(told), {each for each in TABLE if each.startswith("kato_cache_")})
        looks = {each.labels[0]: each.value for each in told["kato_cache_looks_total"]}
        self.assertEqual(looks, {"hit": 2, "miss": 1, "damaged": 0, "error": 0, "skipped": 0})
        self.assertEqual([each.value for each in told["kato_cache_up"]], [True])

    def test_none(self) -> None:
        """Nothing, where there is none."""
        readings = Readings()
        read_cache(readings, LongTurns(at_once))
        self.assertEqual(list(readings), [])
