"""Each provider of the matching seam, under the one contract."""

from kato.engine.matching import Matcher
from kato.engine.python_matcher import PythonMatcher
from tests.engine import matching


class PythonMatcherTests(matching.MatcherContract):
    """L{PythonMatcher} keeps the contract."""

    def make(self) -> Matcher:
        return PythonMatcher()
