"""The counters are what clients counted."""

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato.commands import OPERATIONS
from kato.counting import TRANSPORTS
from tests.metrics.world import World, summed

PROCESSOR = st.sampled_from(["p1", "p2", "ghost", "not an id", "p1/x"])
OBSERVED = st.fixed_dictionaries({"strings": st.lists(st.sampled_from(["a", "b", 3]), max_size=3)})
PARAMS: st.SearchStrategy[Any] = st.just({}) | OBSERVED | st.just({"unknown": 1})

MESSAGE = st.fixed_dictionaries(
    {"method": st.sampled_from([*OPERATIONS, "ping", "forget", "subscribe", "unsubscribe"])},
    optional={"processor": PROCESSOR, "params": PARAMS},
) | st.sampled_from([{}, [], "observe", {"method": 3}, {"type": "heartbeat"}, {"type": "nothing"}])

PATH = st.tuples(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.sampled_from(["", "/p1", "/p2", "/ghost", "/a.b"]),
    st.sampled_from(
        ["", "/status", "/observe", "/learn", "/predictions", "/models?limit=x", "/live", "/stats"]
    ),
)


class LawTests(SynchronousTestCase):
    """Random requests on all transports."""

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.one_of(
                st.tuples(st.just("rest"), PATH, st.none() | OBSERVED),
                st.tuples(st.just("websocket"), MESSAGE, st.none()),
                st.tuples(st.just("zmq"), MESSAGE, st.none()),
            ),
            max_size=25,
        )
    )
    def test_law(self, asked: list[tuple[str, Any, Any]]) -> None:
        """Whatever is asked, each answer is counted once, by what became of it, on its transport;
        and C{/stats} counts as many operations."""
        world = World(self)
        for transport, what, body in asked:
            if transport == "rest":
                method, processor, path = what
                world.rest(method, f"{processor}{path}" or "/kato-api", body)
            else:
                getattr(world, transport)(what)
        told = world.metrics()
        world.counted["okay"] += 1  # the WebSocket that was opened
        outcomes = {
            each for _, labels in told for key, each in labels if key in ("outcome", "code")
        }
        self.assertEqual(
            {
                each: summed(told, "kato_requests_total", outcome=each)
                + summed(told, "kato_refused_total", code=each)
                for each in outcomes
            },
            dict(world.counted),
        )
        used = Counter(["rest", *(transport for transport, _, _ in asked)])
        for each in TRANSPORTS:
            answered = summed(told, "kato_requests_total", transport=each)
            refused = summed(told, "kato_refused_total", transport=each)
            self.assertEqual(answered + refused, used[each], each)
        self.assertEqual(
            sum(summed(told, "kato_requests_total", operation=each) for each in OPERATIONS),
            world.parts.dispatch.statistics()["requests"],
        )

    def test_listening(self) -> None:
        """What is said about a connection is counted by its name, too."""
        world = World(self)
        world.zmq({"method": "observe", "processor": "p1", "params": {"strings": ["a"]}})
        world.websocket({"method": "subscribe", "processor": "p1"})
        world.zmq({"method": "observe", "processor": "p1", "params": {"strings": ["a"]}})
        told = world.metrics()
        self.assertEqual(summed(told, "kato_requests_total", operation="subscribe"), 1)
        self.assertEqual(summed(told, "kato_stream_subscriptions"), 1)
        self.assertEqual(summed(told, "kato_stream_events_total"), world.statistics["events"])
        self.assertGreaterEqual(summed(told, "kato_event_lag_seconds_count"), 1)
