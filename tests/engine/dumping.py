"""A matcher in Python that can be dumped, for what is done with dumps."""

import json

from kato.engine.python_matcher import PythonMatcher


class DumpingMatcher(PythonMatcher):
    """Provides L{kato.engine.matching.Matcher}; its dump is its models, as JSON behind a magic."""

    MAGIC = b"dumped by a test\n"

    def dump(self) -> bytes:  # type: ignore[override]
        """All models; here that would spare no time, of course."""
        models = {name: self.get(name) for name in self.page(None, len(self))}
        return self.MAGIC + json.dumps(models).encode()

    def load(self, dumped: bytes) -> bool:
        """Take in what L{dump} gave."""
        try:
            if not dumped.startswith(self.MAGIC):
                return False
            models = json.loads(dumped.removeprefix(self.MAGIC))
        except ValueError:
            return False
        for name, (sequence, frequency) in models.items():
            self.add(name, tuple(map(tuple, sequence)), frequency)
        return True


class OtherDumpingMatcher(DumpingMatcher):
    """Another one, which does not know the dumps of the first."""

    MAGIC = b"dumped by another\n"
