"""Two memories have the same fingerprint where they hold the same models, and only there: tests of
matchers mix this in."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from kato.engine import Processor
from kato.model import Model
from tests.engine.providers import Provided, law
from tests.engine.restoring import stored
from tests.engine.worlds import Operation, carry_out, histories


def models_of(processor: Processor) -> str:
    """All models, in the order of their names, as they are told."""
    models, _ = processor.list_models(1000, None)
    return json.dumps([each.as_dict() for each in models])


def fingerprint(processor: Processor) -> bytes:
    found = processor.outlook().fingerprint
    assert found is not None
    return found


class FingerprintContract(Provided):
    """A processor whose models have a fingerprint."""

    def live(self, operations: list[Operation]) -> Processor:
        living = Processor("p", matcher=self.make, fingerprinted=True)
        for operation in operations:
            carry_out(living, operation)
        return living

    @law(150)
    @given(histories(20), histories(20), st.integers(0, 20))
    def test_equal_models(self, first: list[Operation], then: list[Operation], cut: int) -> None:
        """After any two histories, which may have a beginning in common, they are equal if and
        only if the models are."""
        one, other = self.live(first), self.live([*first[:cut], *then])
        same = models_of(one) == models_of(other)
        self.assertEqual(fingerprint(one) == fingerprint(other), same)

    @law(80)
    @given(histories(20), histories(12))
    def test_restored(self, operations: list[Operation], then: list[Operation]) -> None:
        """A memory that was stored, and taken from its models or from any index of them, has the
        same as one that lives on, also later on."""
        living = self.live(operations)
        snapshot = stored(living)
        bare = Processor.restore(snapshot, matcher=self.make)
        for index in (None, living.index(), bare.index()):
            restored = Processor.restore(
                replace(snapshot, index=index), matcher=self.make, fingerprinted=True
            )
            self.assertEqual(fingerprint(restored), fingerprint(self.live(operations)))
            self.assertEqual(restored.outgrew_index, index is not None and index == bare.index())
            fresh = self.live(operations)
            for operation in then:
                carry_out(restored, operation)
                carry_out(fresh, operation)
            self.assertEqual(
                fingerprint(restored) == fingerprint(fresh), models_of(restored) == models_of(fresh)
            )

    @law(80)
    @given(histories(16), st.data())
    def test_edited(self, operations: list[Operation], data: st.DataObject) -> None:
        """One who edits what is stored makes it another, whatever of a model is edited."""
        living = self.live(operations)
        snapshot = stored(living)
        models = list(snapshot.models)
        if not models:
            return
        place = data.draw(st.integers(0, len(models) - 1))
        edited = data.draw(st.sampled_from([_oftener, _happier, _longer]))(models[place])
        models[place] = edited
        other = Processor.restore(
            replace(snapshot, models=models), matcher=self.make, fingerprinted=True
        )
        self.assertNotEqual(fingerprint(other), fingerprint(living))

    def test_nobody_asks(self) -> None:
        """There is none where it was said that nobody asks for it."""
        self.assertIsNone(Processor("p", matcher=self.make).outlook().fingerprint)


def _oftener(model: Model) -> Model:
    return replace(model, frequency=model.frequency + 1)


def _happier(model: Model) -> Model:
    return replace(model, emotives=(*model.emotives, {"pride": 0.25}))


def _longer(model: Model) -> Model:
    """Under the same name, as nobody but an editor does it."""
    return replace(model, sequence=(*model.sequence, ("edited",)))
