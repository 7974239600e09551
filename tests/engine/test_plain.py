"""The engine against a plain reading of SPEC 1, 2, 4, 5 and 8, whatever is done to it."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kato import accuracy
from kato.engine import Processor, recollection, vectors
from tests.conformance import same
from tests.engine.plain import PlainProcessor
from tests.engine.worlds import READS, Operation, carry_out, histories, name_at

LIMITS = st.tuples(
    st.integers(1, 4),
    st.integers(1, 6),
    st.sampled_from([1, 2, 4, 100]),
    st.sampled_from([3, 20, 100_000]),
)


class PlainTests(SynchronousTestCase):
    """Small limits on ids, events, models and subtractions, so that all of them are reached."""

    @settings(deadline=None, max_examples=200)
    @given(histories(40), LIMITS)
    def test_operations(
        self, operations: list[Operation], limits: tuple[int, int, int, int]
    ) -> None:
        """Each operation is answered as the plain reading says, and leaves what it says."""
        remembers, max_events, max_models, subtractions = limits
        self.patch(recollection, "CAPACITY", remembers)
        self.patch(vectors, "MAX_SUBTRACTIONS", subtractions)
        self.patch(accuracy, "RECENT", 4)
        processor = Processor("p", max_events=max_events, max_models=max_models)
        plain = PlainProcessor(
            remembers=remembers,
            max_events=max_events,
            max_models=max_models,
            subtractions=subtractions,
            recent=4,
        )
        for operation in operations:
            self.compare(processor, plain, operation)
            for name, params in READS:
                self.compare(processor, plain, (name, params, None))

    def compare(self, processor: Processor, plain: PlainProcessor, operation: Operation) -> None:
        name, params, request_id = operation
        if "model_name" in params:
            params = {**params, "model_name": name_at(processor, params["model_name"])}
        expected = plain.carry_out(name, params, request_id)
        answer = carry_out(processor, (name, params, request_id))
        given = {key: answer.get(key, "nothing") for key in expected}
        self.assertTrue(same(given, expected), f"{operation}: {given} is not {expected}")
        self.assertEqual("classifier_bounded" in answer, "classifier_bounded" in expected)
