"""What an installed KATO can do at least, run from elsewhere: python - KIND <smoke.py.

KIND says who is to match models: native, the compiled kernel, or python.  Learns, predicts, and has
a server answer one request.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import kato
from kato.engine import Observation, Processor
from kato.engine.matchers import best_provider


def predicts(kind: str) -> None:
    """The engine predicts, and the right provider matches."""
    processor = Processor("p")
    for word in ("a", "b", "c"):
        processor.observe(Observation(strings=(word,)))
    processor.learn()
    for word in ("a", "b"):
        processor.observe(Observation(strings=(word,)))
    assert processor.predictions()[0]["future"] == [["c"]]
    assert (best_provider().kind, processor.matcher) == (kind, kind), best_provider()


def answers() -> None:
    """A server starts, answers, and stops."""
    with tempfile.TemporaryDirectory() as home:
        manager = [sys.executable, "-P", "-m", "kato.manager"]
        environment = {**os.environ, "KATO_HOME": home}
        subprocess.run([*manager, "start"], env=environment, check=True, stdout=subprocess.DEVNULL)
        try:
            [server] = json.loads(Path(home, "instances.json").read_text())
            request = urllib.request.Request(
                f"{server['url']}/p1/observe", b'{"strings": ["a"]}', method="POST"
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert json.load(answer)["short_term_memory"] == [["a"]]
        finally:
            subprocess.run([*manager, "stop"], env=environment, check=True)


if __name__ == "__main__":
    predicts(sys.argv[1])
    answers()
    version = ".".join(map(str, sys.version_info[:3]))
    print(f"KATO {kato.__version__} works with Python {version}, {sys.argv[1]}")
