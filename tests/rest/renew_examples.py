"""C{python -m tests.rest.renew_examples}: ask again all that the description's examples ask, and
write down what is answered now."""

import json
from dataclasses import asdict
from pathlib import Path

from kato.protocols.rest import openapi
from kato.protocols.rest.openapi.examples import session
from tests.rest.asking import asked
from tests.rest.system import System


def renewed() -> str:
    """The examples as they are answered now, an operation a line."""
    system = System()
    lines = []
    for example in session():
        [answer] = system.ask(asked(example.operation, example.params, example.processor))
        line = {**asdict(example), "answer": answer.json}
        lines.append(json.dumps({key: value for key, value in line.items() if value is not None}))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    path = Path(openapi.__file__).with_name("examples.jsonl")
    path.write_text(renewed(), encoding="utf-8")
