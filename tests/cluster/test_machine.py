"""The machine of the judge against the engine that is judged, and against the cases of SPEC 7."""

import hashlib
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.cluster.history import Call, Came
from tests.cluster.layers import Layers
from tests.cluster.machine import Request, State, explains, step
from tests.cluster.simulator import Asked, Service, wanted
from tests.source import modules


class MachineTests(SynchronousTestCase):
    """What it says, and what it changes."""

    @settings(deadline=None, max_examples=40)
    @given(st.integers(0, 2**32))
    def test_as_the_engine(self, seed: int) -> None:
        """It says what the engine says, to any operations one after the other."""
        chance = random.Random(seed)
        service, state, names = Service(), State(), list[str]()
        for number in range(60):
            asked = wanted(chance, f"r{chance.randrange(number + 5)}", names)
            if chance.random() < 0.03:
                asked = Asked("delete_processor", {}, f"d{number}", named=True)
            told = service.say(asked)
            names += [told["model_name"]] if told.get("model_name") else []
            done = step(state, Request(asked.operation, asked.params, asked.request_id))
            call = Call("c", "p", asked.operation, asked.params, None, 0.0, 0.0, told)
            self.assertIs(call.came, Came.TOLD)
            self.assertTrue(explains(done.answer, call.told()), (asked, told, done.answer))
            state = done.state

    def test_name(self) -> None:
        """A model is called by the SHA-1 of what CPython prints of its sequence."""
        observations = [{"strings": ["b", "a"]}, {"strings": ["c"]}]
        params = {"observations": observations, "learn_at_end": True}
        done = step(State(), Request("observe_sequence", params, "r"))
        digest = hashlib.sha1(b"[['a', 'b'], ['c']]").hexdigest()
        self.assertEqual(done.answer["learned_models"], (f"MODEL|{digest}",))
        again = step(done.state, Request("observe_sequence", params, "r"))
        self.assertIs(again.state, done.state)
        other = step(done.state, Request("learn", {}, "r"))
        self.assertEqual(other.answer, {"error_code": "CONFLICT"})

    def test_vectors(self) -> None:
        """What it does not know it does not judge."""
        request = Request("observe", {"vectors": [[1.0]]}, "r")
        self.assertRaises(NotImplementedError, step, State(), request)

    def test_alone(self) -> None:
        """What judges shares no code with what is judged."""
        names = ("layers", "machine", "history", "judging", "trying")
        judges = {f"tests.cluster.{each}" for each in names}
        found = [each for each in modules("tests") if each.name in judges]
        self.assertEqual(len(found), len(judges))
        for each in found:
            theirs = {name for name in each.imports if name.split(".")[0] in ("kato", "tests")}
            self.assertLessEqual(
                {".".join(name.split(".")[:3]) for name in theirs}, judges, each.name
            )


class LayersTests(SynchronousTestCase):
    """Mappings that share what they have in common."""

    @settings(deadline=None, max_examples=50)
    @given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 3)), max_size=80))
    def test_as_a_dict(self, puts: list[tuple[str, int]]) -> None:
        """They hold what a dict would, and the same things have the same key, whatever the way."""
        layers: Layers[int] = Layers()
        plain: dict[str, int] = {}
        for name, value in puts:
            before, held = layers, dict(plain)
            if value:
                layers = layers.put(name, value, hash(value))
                plain[name] = value
            else:
                layers = layers.without(name)
                plain.pop(name, None)
            self.assertEqual(dict(before.items()), held)
        self.assertEqual(dict(layers.items()), plain)
        self.assertEqual(layers.size, len(plain))
        straight: Layers[int] = Layers()
        for name, value in plain.items():
            straight = straight.put(name, value, hash(value))
        self.assertEqual(straight.key, layers.key)
