"""The worked cases on the engine alone (SPEC 7)."""

import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.commands import Command
from kato.engine import Processor
from kato.genes import Genes, parse_genes
from kato.turn import take_turn
from tests.conformance import cases, same
from tests.engine.providers import OnNative, OnPython, Provided
from tests.engine.worlds import sent


class Conformance(Provided):
    """A new processor with the case's genes, then its steps in order."""

    def test_cases(self) -> None:
        """Every case gives what it must."""
        names = []
        for case in cases():
            names.append(case["name"])
            genes = Genes(**parse_genes(case["genes"]))
            processor = Processor("p", genes=genes, matcher=self.make)
            for step in case["steps"]:
                self.step(processor, case["name"], dict(step))
        self.assertGreater(len(set(names)), 200)

    def step(self, processor: Processor, name: str, step: dict[str, Any]) -> None:
        operation, expected = step.pop("op"), step.pop("expect")
        command = Command.parse(operation, step, "p")
        answer = sent(take_turn(processor, command, now=0.0, make_id=lambda: "made").reply)
        given = {key: answer.get(key) for key in expected}
        self.assertTrue(same(given, expected), f"{name}, {operation}: {given} is not {expected}")


class PythonConformanceTests(OnPython, Conformance):
    """With models matched in Python."""


class NativeConformanceTests(OnNative, Conformance):
    """With models matched by the kernel."""


del Conformance  # it is no test by itself


class CasesTests(SynchronousTestCase):
    """The file of the cases."""

    def test_missing(self) -> None:
        """Without the file of cases there is an error that tells where it should be."""
        path = self.mktemp()
        self.patch(os, "environ", {**os.environ, "KATO_CONFORMANCE": path})
        with self.assertRaises(FileNotFoundError) as caught:
            next(cases())
        self.assertIn(path, str(caught.exception))
