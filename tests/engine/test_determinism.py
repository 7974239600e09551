"""The same operations are answered the same, to the last byte, in every process."""

import os
import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from tests.source import ROOT


class DeterminismTests(SynchronousTestCase):
    """Processes that hash differently."""

    def answers(self, seed: str) -> list[bytes]:
        """What a new process with this hash seed answers to the fixed history."""
        ended = subprocess.run(
            [sys.executable, "-m", "tests.engine.fixed_history"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        return ended.stdout.splitlines()

    def test_hash_seeds(self) -> None:
        """How a process hashes strings shows in no answer.  The history is one in which it could:
        models are learned, ranked with ties, and vote, and vectors are compared."""
        answers = [self.answers(seed) for seed in ("1", "2")]
        for first, second in zip(*answers, strict=True):
            self.assertEqual(first, second)
        told = b"\n".join(answers[0])
        for word in (b'"prototypical"', b'"share"', b"VECTOR|", b'"model_name":"MODEL|'):
            self.assertGreater(told.count(word), 20, word)
