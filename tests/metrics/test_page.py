"""C{/metrics}: what stands there, who may read it, and how it is written."""

import re
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from kato.metrics import TABLE, Kind, Readings
from kato.settings import Settings
from tests.doubles import Threads
from tests.metrics.world import World, samples, summed
from tests.rest.talking import Server, get, logged
from tests.source import ROOT

ABSENT = ("kato_service_", "kato_threads", "kato_curve_", "kato_cache_", "kato_audit_")
"""How metrics begin of what a gateway in memory has not."""

UNITS = ("_seconds", "_bytes", "_total", "_info")
_PARTS = ("_bucket", "_count", "_sum")


def shown(page: str) -> dict[str, set[str]]:
    """The metrics that a page shows, with their labels."""
    found: dict[str, set[str]] = {}
    for name, labels in samples(page):
        base = next((name.removesuffix(each) for each in _PARTS if name.endswith(each)), name)
        found.setdefault(base, set()).update(label for label, _ in labels if label != "le")
    return found


class TableTests(SynchronousTestCase):
    """The table of metrics."""

    def test_names(self) -> None:
        """Names are as Prometheus wants them: of ours, in small letters, a counter ends with
        C{_total}, and what is measured with its unit."""
        for metric in TABLE.values():
            self.assertRegex(metric.name, r"^kato_[a-z_]+[a-z]$")
            self.assertEqual(metric.name.endswith("_total"), metric.kind is Kind.COUNTER)
            for label in metric.labels:
                self.assertRegex(label, r"^[a-z]+$")
            self.assertTrue(metric.meaning.endswith("."))
        histograms = [each.name for each in TABLE.values() if each.kind is Kind.HISTOGRAM]
        counts = ["kato_store_commit_processors"]
        self.assertEqual([each for each in histograms if not each.endswith(UNITS)], counts)

    def test_docs(self) -> None:
        """The page about metrics names them all, with kind, labels and meaning, and no others."""
        page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `(kato_\w+)` \| (\w+) \| (.*?) \| (.*) \|$", page, re.MULTILINE)
        self.assertEqual(
            [(name, kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels, _ in rows],
            [(each.name, each.kind.value, each.labels) for each in TABLE.values()],
        )
        for name, _, _, meaning in rows:
            self.assertEqual(meaning, TABLE[name].meaning)

    def test_unknown(self) -> None:
        """A number that is not in the table cannot be told, nor one without its labels."""
        readings = Readings()
        self.assertRaises(KeyError, readings.take, "kato_nothing", 1)
        self.assertRaises(AssertionError, readings.take, "kato_connections", 1)


class PageTests(SynchronousTestCase):
    """The page of a gateway with processors of its own."""

    def setUp(self) -> None:
        self.world = World(self, Settings(metrics_processors=2))

    def page(self, *headers: str) -> Any:
        [answer] = self.world.raw(get("/metrics", *headers))
        self.assertEqual(answer.status, 200)
        return answer

    def test_all(self) -> None:
        """It shows all metrics of the table but those of what it has not (files, threads, services
        elsewhere, encryption, a cache, an audit log), with their labels; and what the process
        is."""
        self.world.rest("PUT", "/p1", {"genes": {"track_accuracy": True}})
        self.world.rest("POST", "/p1/observe", {"strings": ["a"]})
        self.world.rest("POST", "/p1/observe", {"strings": [3]})
        found = shown(self.page().body.decode())
        absent = {each for each in TABLE if each.startswith(ABSENT)} | {
            "kato_store_bytes",
            "kato_store_free_bytes",
        }
        self.assertEqual(
            {name: labels for name, labels in found.items() if name.startswith("kato_")},
            {name: set(TABLE[name].labels) for name in TABLE.keys() - absent},
        )
        self.assertIn("process_resident_memory_bytes", found)

    def test_processors(self) -> None:
        """The largest processors have names, the others are summed."""
        for number, name in enumerate(("p1", "p2", "p3", "p4"), 1):
            for each in range(number):
                self.world.rest("POST", f"/{name}/observe", {"strings": [f"s{each}"]})
        told = self.world.metrics()
        events = {
            dict(labels)["processor"]: value
            for (name, labels), value in told.items()
            if name == "kato_processor_events"
        }
        self.assertEqual(events, {"p4": 4, "p3": 3, "(others)": 3})
        self.assertEqual(summed(told, "kato_processors"), 4)
        self.assertEqual(summed(told, "kato_processors_unsaved"), 4)

    def test_accuracy(self) -> None:
        """It tells how often forecasts came true, each event once, by what became of it; of those
        without a name of their own, all events together."""
        for number, name in enumerate(("p1", "p2", "p3")):
            genes = {"genes": {"track_accuracy": True}}
            self.world.rest("PUT", f"/{name}", genes)
            for each in [*"abc", None, *"abx"]:
                if each is None:
                    self.world.rest("POST", f"/{name}/learn")
                else:
                    self.world.rest("POST", f"/{name}/observe", {"strings": [each]})
            for each in range(number):
                self.world.rest("POST", f"/{name}/observe", {"strings": [f"s{each}"]})
                self.world.rest("POST", f"/{name}/learn")
        told = self.world.metrics()
        for name in ("p2", "p3"):
            status = self.world.rest("GET", f"/{name}/status")["accuracy"]
            self.assertGreater(status["forecast"], 0)
            for metric, counts in (
                ("kato_accuracy_events_total", status),
                ("kato_accuracy_recent_events", status["recent"]),
            ):
                results = {
                    dict(labels)["result"]: value
                    for (each, labels), value in told.items()
                    if each == metric and dict(labels)["processor"] == name
                }
                self.assertEqual(sum(results.values()), counts["events"])
                self.assertEqual(results["first"], counts["top_1"])
                self.assertEqual(results["none"], counts["events"] - counts["forecast"])
        others = summed(told, "kato_accuracy_events_total", processor="(others)")
        self.assertEqual(others, self.world.rest("GET", "/p1/status")["accuracy"]["events"])
        self.assertEqual(summed(told, "kato_accuracy_recent_events", processor="(others)"), 0)

    def test_formats(self) -> None:
        """It is Prometheus' own text, or OpenMetrics for who asks for that; both say the same."""
        plain = self.page()
        self.assertTrue(plain.headers["content-type"].startswith("text/plain; version=0.0.4"))
        wanted = "Accept: application/openmetrics-text; version=1.0.0, text/plain; q=0.5"
        other = self.page(wanted)
        self.assertTrue(other.headers["content-type"].startswith("application/openmetrics-text"))
        families = list(text_string_to_metric_families(other.body.decode()))
        names = {each.name for family in families for each in family.samples}
        self.assertEqual(names, {name for name, _ in samples(plain.body.decode())})
        for each in families:
            if "kato_" in each.name:
                self.assertTrue(each.documentation, each.name)

    def test_commit(self) -> None:
        """A commit is counted with its time, and with how many processors it was of."""
        self.world.rest("POST", "/p1/observe", {"strings": ["a", "b"]})
        self.world.rest("POST", "/p1/learn")
        told = self.world.metrics()
        for name in ("total", "seconds_count", "processors_count"):
            full = "kato_store_commits_total" if name == "total" else f"kato_store_commit_{name}"
            self.assertEqual(summed(told, full), 1, full)
        self.assertEqual(summed(told, "kato_store_commit_processors_sum"), 1)
        self.assertEqual(summed(told, "kato_processor_models", processor="p1"), 1)

    def test_turns(self) -> None:
        """A turn is counted by where it was taken, and once more where it matches models."""
        self.world.rest("POST", "/p1/observe", {"strings": ["a"]})
        self.world.rest("GET", "/p1/predictions")
        told = self.world.metrics()
        self.assertEqual(summed(told, "kato_turn_seconds_count", place="reactor"), 2)
        self.assertEqual(summed(told, "kato_match_seconds_count", place="reactor"), 1)

    def test_stalled(self) -> None:
        """A reader that takes nothing is seen, and for how long."""
        reader = self.world.connect()
        reader.ask(method="observe", processor="p1", params={"strings": ["a"]})
        reader.ask(method="subscribe", processor="p1")
        reader.stall()
        for _ in range(3):
            self.world.rest("POST", "/p1/observe", {"strings": ["b"]})
        self.world.clock.advance(7)
        told = self.world.metrics()
        self.assertEqual(summed(told, "kato_stream_stalled"), 1)
        self.assertEqual(summed(told, "kato_stream_stalled_seconds"), 7)
        self.assertEqual(summed(told, "kato_stream_waiting"), 2)  # an observation, predictions
        self.assertGreaterEqual(summed(told, "kato_stream_skipped_total"), 1)
        reader.read_on()
        told = self.world.metrics()
        self.assertEqual(summed(told, "kato_stream_stalled"), 0)
        self.assertEqual(summed(told, "kato_stream_waiting"), 0)

    def test_left(self) -> None:
        """Who leaves takes his subscriptions along, and waits for nothing."""
        reader = self.world.connect()
        reader.ask(method="observe", processor="p1", params={"strings": ["a"]})
        reader.ask(method="subscribe", processor="p1")
        reader.stall()
        self.world.rest("POST", "/p1/learn")
        reader.cut()
        told = self.world.metrics()
        for name in ("subscriptions", "waiting", "stalled", "under_way"):
            self.assertEqual(summed(told, f"kato_stream_{name}"), 0, name)


class AccessTests(SynchronousTestCase):
    """Who may read it, and what is told of that."""

    def test_key(self) -> None:
        """It needs the key, where the server has one."""
        world = World(self, Settings(api_key=b"s3cret"))
        self.assertEqual([each.status for each in world.raw(get("/metrics"))], [401])
        [answer] = world.raw(get("/metrics", "Authorization: Bearer s3cret"))
        self.assertEqual(answer.status, 200)

    def test_none(self) -> None:
        """Where nobody writes them there are none."""
        self.assertEqual(Server().ask(get("/metrics")).status, 404)

    def test_quiet(self) -> None:
        """Neither it nor what asks whether the server is well fills the log."""
        events = logged(self)
        world = World(self)
        for path in ("/live", "/ready", "/metrics"):
            world.raw(get(path))
        world.zmq({"method": "ping"})
        world.zmq({"type": "heartbeat"})
        world.parts.monitoring.ledger.write()
        levels = {
            each.get("path", each["operation"]): event["log_level"].name
            for event in events
            for each in (line.as_dict() for line in event.get("lines", ()))
        }
        self.assertEqual(levels.pop("/ws"), "info")
        self.assertEqual(
            levels,
            dict.fromkeys(("/live", "/ready", "/metrics", "ping", "heartbeat"), "debug"),
        )


class WritingTests(SynchronousTestCase):
    """How the page is written."""

    def test_in_thread(self) -> None:
        """It is read on the reactor, and written in a thread: what happens between does not get
        into it."""
        threads = Threads()
        world = World(self)
        exposition: Any = world.parts.monitoring.exposition
        self.patch(exposition, "_in_thread", threads)
        writing = exposition.write(b"")
        world.rest("POST", "/p1/observe", {"strings": ["a"]})
        self.assertNoResult(writing)
        threads.run()
        _, page = self.successResultOf(writing)
        self.assertEqual(summed(samples(page.decode()), "kato_processors"), 0)
