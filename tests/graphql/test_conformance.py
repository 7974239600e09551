"""The worked cases of the contract (SPEC 7), through GraphQL."""

from typing import Any

from tests.conformance import cases, same
from tests.graphql.asking import Asking


class ConformanceTests(Asking):
    """GraphQL is one more codec."""

    def test_cases(self) -> None:
        """Every case gives what it must."""
        count = 0
        for number, case in enumerate(cases()):
            processor = f"c{number}"
            made = self.ask("create_processor", processor, genes=case["genes"])
            self.assertEqual(made["created"], True, made)
            for step in case["steps"]:
                self.step(processor, case["name"], dict(step))
            self.ask("delete_processor", processor)
            count += 1
        self.assertGreater(count, 200)

    def step(self, processor: str, name: str, step: dict[str, Any]) -> None:
        """Do a step of a case."""
        operation, expected = step.pop("op"), step.pop("expect")
        answer = self.ask(operation, processor, **step)
        given = {key: answer.get(key) for key in expected}
        self.assertTrue(same(given, expected), f"{name}, {operation}: {given} is not {expected}")
