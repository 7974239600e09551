"""C{python -m kato.health}, where nobody is well; C{tests.deploy} asks those who are."""

import sys
from io import StringIO

from twisted.trial.unittest import SynchronousTestCase

from kato.health import run


class HealthTests(SynchronousTestCase):
    """What is said, and how it ends."""

    def test_nobody(self) -> None:
        """Where nobody listens there is nobody well; a wrong URL, or none, is said to be one."""
        for words, why in (
            (["http://127.0.0.1:1/ready"], "refused"),
            (["tcp://127.0.0.1/ready"], "expected tcp://HOST:PORT/ready"),
            (["tcp://127.0.0.1:1/somewhere"], "expected tcp://HOST:PORT/ready"),
            (["ftp://127.0.0.1:1/ready"], "expected tcp, http or https"),
            ([], "expected one URL"),
        ):
            said = StringIO()
            self.patch(sys, "stderr", said)
            self.assertEqual(run(words, {}), 1)
            self.assertIn(why, said.getvalue())
            self.assertEqual(said.getvalue().count("\n"), 1)
