"""The modules of the dashboard, in Node: what they promise, and that they draw and explain what
the engine has matched."""

import json
import math
import random
import re
import subprocess
from difflib import SequenceMatcher
from itertools import chain
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kato.engine import Observation, Processor
from kato.genes import NAMES
from tests.live.server import LONG_PATIENCE, ROOT
from tests.node import need_node, run

HERE = Path(__file__).resolve().parent
STATIC = ROOT / "kato" / "dashboard" / "static"
WORLDS = 60
_LARGEST_LINE = 100
_SUM = re.compile(r"(.+) [=≈] (−?[\d.]+(?:e-\d+)?)")
_LOG = re.compile(r"−?(\S+) log_(\d+) (\S+)")


def world(seed: int) -> dict[str, Any]:
    """What a processor predicts that has learned at random, from few symbols."""
    draw = random.Random(seed)
    processor = Processor("p")
    alphabet = "abcdefg"[: draw.randint(2, 7)]

    def observe(events: int) -> None:
        for _ in range(events):
            strings = tuple(draw.choices(alphabet, k=draw.randint(1, 3)))
            processor.observe(Observation(strings=strings))

    for _ in range(draw.randint(1, 12)):
        observe(draw.randint(1, 6))
        processor.learn()
    observe(draw.randint(1, 7))
    return {
        "stm": processor.short_term_memory(),
        "genes": processor.genes.as_dict(),
        "symbols": processor.symbols,
        "predictions": list(processor.predictions()),
    }


def told(worlds: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Where the predictions of each world are drawn, and how they are explained."""
    done = subprocess.run(
        ["node", str(HERE / "lanes.mjs")],
        input=json.dumps(worlds),
        capture_output=True,
        text=True,
        timeout=LONG_PATIENCE,
        check=True,
    )
    lanes: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return lanes


def worth(text: str) -> float:
    """What a sum comes to, as it is written on the page."""
    plain = _LOG.sub(r"(-\1*log(\3)/log(\2))", text)
    value: float = eval(plain.replace("×", "*").replace("−", "-"), {"log": math.log})
    return value


def symbols(lane: dict[str, Any], mark: str) -> list[str]:
    """The symbols of a lane that have a mark, in the order in which they are drawn."""
    return [symbol for each, symbol, *_ in lane["tokens"] if each == mark]


def _own(ending: str) -> list[Path]:
    """Our own files, less those of others."""
    return [each for each in STATIC.rglob(f"*.{ending}") if each.parent.name != "vendor"]


class ModuleTests(SynchronousTestCase):
    """What needs no page."""

    def test_in_node(self) -> None:
        """All that C{dashboard.test.mjs} and C{docs_page.test.mjs} say holds."""
        need_node()
        run("node", "--test", str(HERE / "dashboard.test.mjs"), str(HERE / "docs_page.test.mjs"))

    def test_lines(self) -> None:
        """The lines of all modules are as long as those of the rest."""
        lines = [
            f"{path.name}: {line}"
            for path in [*_own("js"), *_own("css"), *HERE.glob("*.mjs")]
            for line in path.read_text(encoding="utf-8").splitlines()
            if len(line) > _LARGEST_LINE
        ]
        self.assertEqual(lines, [])

    def test_genes(self) -> None:
        """All genes there are can be edited."""
        text = (STATIC / "genes.js").read_text(encoding="utf-8")
        self.assertEqual(set(re.findall(r'name: "(\w+)"', text)), set(NAMES))


class EngineTests(SynchronousTestCase):
    """Predictions of the engine itself."""

    def setUp(self) -> None:
        need_node()
        self.worlds = [world(seed) for seed in range(WORLDS)]
        pairs = [
            (each, prediction, lane)
            for each, lanes in zip(self.worlds, told(self.worlds), strict=True)
            for prediction, lane in zip(each["predictions"], lanes, strict=True)
        ]
        self.assertGreater(len(pairs), WORLDS)
        self.pairs = pairs

    def test_blocks(self) -> None:
        """The page finds the blocks that Python's C{difflib} finds."""
        for each, prediction, lane in self.pairs:
            model = [prediction[part] for part in ("past", "present", "future")]
            flat = list(chain.from_iterable(chain.from_iterable(model)))
            state = list(chain.from_iterable(each["stm"]))
            found = SequenceMatcher(None, flat, state, autojunk=False).get_matching_blocks()
            self.assertEqual(lane["blocks"], [list(block) for block in found[:-1]])

    def test_marks(self) -> None:
        """Every symbol of a prediction is drawn once, with its mark."""
        for each, prediction, lane in self.pairs:
            self.assertTrue(lane["exact"])
            for part in ("past", "future"):
                flat = list(chain.from_iterable(prediction[part]))
                self.assertEqual(symbols(lane, part), flat)
            self.assertEqual(sorted(symbols(lane, "matched")), sorted(prediction["matches"]))
            self.assertEqual(sorted(symbols(lane, "missing")), sorted(prediction["missing"]))
            before = list(chain.from_iterable(each["stm"]))[: lane["earlier"]]
            extras = before + symbols(lane, "extra")
            self.assertEqual(sorted(extras), sorted(prediction["extras"]))

    def test_places(self) -> None:
        """What was observed, matched or extra, stands at the event in which it was observed; what
        comes, after all of them."""
        for each, _, lane in self.pairs:
            for mark, symbol, kind, event in lane["tokens"]:
                if mark in ("matched", "extra"):
                    self.assertEqual(kind, "event")
                    self.assertIn(symbol, each["stm"][event])
                if mark == "future":
                    self.assertEqual(kind, "after")

    def test_sums(self) -> None:
        """The numbers of an explanation come to what it says, which is the server's."""
        checked = 0
        for _, prediction, lane in self.pairs:
            for name, text in lane["sums"].items():
                parts = _SUM.fullmatch(text)
                if parts is None or re.search("[A-Zp∏Σ,]", parts[1]):
                    continue
                checked += 1
                self.assertApproximates(worth(parts[2]), prediction[name], 6e-5)
                self.assertApproximates(worth(parts[1]), prediction[name], 1e-3, text)
        self.assertGreaterEqual(checked, 8 * len(self.pairs))
