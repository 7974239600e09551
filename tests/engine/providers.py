"""The providers of the matching seam, each as a mix-in for tests that are run on all of them."""

import os

from hypothesis import HealthCheck, settings
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from kato.engine.matchers import NotBuilt, Provider, provider
from kato.engine.matching import Matcher


def law(examples: int) -> settings:
    """Settings for a property that is tried on so many examples, on each provider in turn."""
    return settings(
        deadline=None,
        max_examples=examples,
        suppress_health_check=[HealthCheck.differing_executors],
    )


class Provided(SynchronousTestCase):
    """A test that is run on one provider."""

    kind: str

    def setUp(self) -> None:
        self.provider = built(self.kind)

    def make(self) -> Matcher:
        """An empty matcher."""
        return self.provider.make()


class OnPython(Provided):
    """On the provider in Python."""

    kind = "python"


class OnNative(Provided):
    """On the compiled provider; skipped where it was not built, unless the environment's
    C{KATO_REQUIRE_NATIVE} says that it has to be there."""

    kind = "native"


def built(kind: str) -> Provider:
    """The provider of this kind.

    @raise SkipTest: where it was not built, and need not be.
    """
    try:
        return provider(kind, "a test asks for it")
    except NotBuilt as error:
        if os.environ.get("KATO_REQUIRE_NATIVE"):
            raise
        raise SkipTest(str(error)) from error
