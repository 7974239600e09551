"""A long history that is the same in every process, and all that a processor answers to it:
C{python -m tests.engine.fixed_history} prints the answers as JSON, one a line."""

import random
import sys
from collections.abc import Iterator
from typing import Any

from kato.codec import encode_json
from kato.engine import Processor
from kato.genes import RANKINGS
from tests.engine.worlds import READS, Operation, carry_out

STEPS = 250
SYMBOLS = ["a", "b", "c", "d", "e", "é", "𝔸", ""]


def history(chance: random.Random) -> Iterator[Operation]:
    """Operations with many ties among models, and everything that comes in sets somewhere."""
    for number in range(STEPS):
        operation = chance.choices(
            ["observe", "learn", "change_genes", "update_model", "delete_model"],
            [60, 20, 10, 6, 2],
        )[0]
        params: dict[str, Any] = {}
        if operation == "observe":
            params = _observation(chance, number)
        elif operation == "change_genes":
            params = {"genes": _genes(chance)}
        elif operation != "learn":
            params = {"model_name": chance.randrange(4)}
        if operation == "update_model":
            params["frequency"] = chance.randrange(1, 4)
        yield operation, params, f"r{number}" if chance.random() < 0.1 else None


def _observation(chance: random.Random, number: int) -> dict[str, Any]:
    return {
        "strings": chance.choices(SYMBOLS, k=chance.randrange(4)),
        "vectors": [
            [chance.randrange(3) / 2, chance.randrange(3) / 2] for _ in range(chance.randrange(3))
        ],
        "emotives": {name: chance.random() for name in chance.sample(["joy", "fear", "é"], 2)},
        "metadata": {"number": number, "words": chance.sample(SYMBOLS, 3)},
        **({"unique_id": f"u{number % 6}"} if chance.random() < 0.1 else {}),
    }


def _genes(chance: random.Random) -> dict[str, Any]:
    return {
        "classifier": chance.choice(["CVC", "DVC"]),
        "rank_by": chance.choice(RANKINGS),
        "recall_threshold": chance.choice([0.0, 0.1, 0.3]),
        "max_predictions": chance.choice([1, 3, 100]),
        "max_sequence_length": chance.choice([0, 0, 4]),
        "stm_mode": chance.choice(["TAIL", "CLEAR", "ROLLING"]),
        "sort": chance.random() < 0.8,
    }


def main() -> None:
    """Print what is answered to each operation, and all that can be asked after it."""
    processor = Processor("p")
    for number, operation in enumerate(history(random.Random(1))):
        print(encode_json(carry_out(processor, operation, float(number))).decode())
        for name, params in READS:
            print(encode_json(carry_out(processor, (name, params, None))).decode())


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    main()
