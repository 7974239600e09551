"""Processors that know something, and questions to them."""

import random
from typing import Any

from tests.live.server import Connection

EVENTS = 8
"""So many events has a model, of two symbols each."""
STATE = 3
"""So many has a state of which predictions are told."""

_BATCH = 500


class World:
    """Draws events at random, the same ones each time."""

    def __init__(self, vocabulary: int, *, seed: int = 0) -> None:
        """@param vocabulary: how many symbols there are."""
        self._chance = random.Random(seed)
        self._vocabulary = vocabulary

    def observation(self) -> dict[str, Any]:
        """An event of two symbols."""
        return {"strings": [f"s{self._chance.randrange(self._vocabulary)}" for _ in range(2)]}

    def learn(self, connection: Connection, processor: str, models: int) -> None:
        """Have a new processor learn so many."""
        genes = {"max_sequence_length": EVENTS, "stm_mode": "CLEAR"}
        connection.send("PUT", f"/{processor}", {"genes": genes})
        path = f"/{processor}/observe-sequence?brief=true"
        for _ in range(models // _BATCH):
            observations = [self.observation() for _ in range(_BATCH * EVENTS)]
            connection.post(path, {"observations": observations})
        genes = {"max_sequence_length": 0}
        connection.post(f"/{processor}/genes/change", {"genes": genes})
        known = connection.get(f"/{processor}/status")["models"]
        if known != models:
            raise SystemExit(f"{known} models were learned, not {models}")
