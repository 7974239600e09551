"""SPEC 3 read plainly: every prediction of every model, with difflib, slowly.

Nothing here is taken from the engine, so the two can be held against each other.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

Events = Sequence[Sequence[str]]


class Known(NamedTuple):
    """A model as the oracle is told of it."""

    name: str
    sequence: Events
    frequency: int
    emotives: Sequence[dict[str, float]] = ()


def blocks(flat: Sequence[str], state: Sequence[str]) -> list[tuple[int, int, int]]:
    """What difflib finds, without its empty last block."""
    matcher = SequenceMatcher(None, flat, state, autojunk=False)
    return [(a, b, size) for a, b, size in matcher.get_matching_blocks() if size]


def flattened(events: Iterable[Sequence[str]]) -> list[str]:
    """The symbols of events, in order."""
    return [symbol for event in events for symbol in event]


class Oracle:
    """Predicts from models that it is given, and remembers nothing."""

    def __init__(self, models: Sequence[Known], state: Sequence[str], threshold: float) -> None:
        self.models = models
        self.state = list(state)
        self.total = sum(model.frequency for model in models)
        self.mass = sum(m.frequency * len(set(flattened(m.sequence))) for m in models)
        self.having: Counter[str] = Counter()
        for model in models:
            for symbol in set(flattened(model.sequence)):
                self.having[symbol] += model.frequency
        self.symbols = len(self.having)
        self.kept = []
        for model in models:
            flat = flattened(model.sequence)
            found = blocks(flat, self.state)
            matched = sum(size for _, _, size in found)
            if found and 2 * matched / (len(flat) + len(self.state)) >= threshold:
                self.kept.append((model, found))
        self.kept_frequency = sum(model.frequency for model, _ in self.kept)

    def probability(self, symbol: str) -> float:
        return self.having[symbol] / self.mass if self.mass else 0.0

    def log_n(self, value: float) -> float:
        return math.log(value) / math.log(self.symbols)

    def predictions(self, rank_by: str, most: int) -> list[dict[str, Any]]:
        """The best, best first."""
        sign = 1 if rank_by == "fragmentation" else -1
        ranked = sorted(
            self.every, key=lambda each: (sign * each[rank_by], -each["frequency"], each["name"])
        )
        return ranked[:most]

    @cached_property
    def every(self) -> list[dict[str, Any]]:
        """The predictions of all kept models, in their order."""
        return [self.prediction(model, found) for model, found in self.kept]

    def prediction(self, model: Known, found: list[tuple[int, int, int]]) -> dict[str, Any]:
        flat = flattened(model.sequence)
        owner = [i for i, event in enumerate(model.sequence) for _ in event]
        in_model = [a + i for a, _, size in found for i in range(size)]
        in_state = [b + i for _, b, size in found for i in range(size)]
        first, last = owner[in_model[0]], owner[in_model[-1]] + 1
        events = [list(event) for event in model.sequence]
        present = flattened(events[first:last])
        k, x = len(in_model), len(self.state) - len(in_model)
        matched, used = set(in_model), set(in_state)
        numbers = self.numbers(model, present, k, x, len(flat), len(found))
        return {
            "type": "prototypical",
            "name": model.name,
            "frequency": model.frequency,
            "matches": [flat[i] for i in in_model],
            "missing": [
                flat[i] for i in range(len(flat)) if first <= owner[i] < last and i not in matched
            ],
            "extras": [s for i, s in enumerate(self.state) if i not in used],
            "past": events[:first],
            "present": events[first:last],
            "future": events[last:],
            **{name: round(float(value), 12) + 0.0 for name, value in numbers.items()},
            "emotives": emotives(model.emotives),
        }

    def numbers(
        self, model: Known, present: list[str], k: int, x: int, length: int, found: int
    ) -> dict[str, float]:
        p = [self.probability(symbol) for symbol in present]
        counts = Counter(present)
        shares = [counts[symbol] / len(present) for symbol in present]
        many = self.symbols >= 2
        evidence, confidence = k / length, k / len(present)
        snr = (2 * k - x) / (2 * k + x)
        itfdf = 1 - self.distance(present) * model.frequency / self.kept_frequency
        return {
            "similarity": 2 * k / (length + len(self.state)),
            "evidence": evidence,
            "confidence": confidence,
            "snr": snr,
            "fragmentation": found - 1,
            "entropy": math.fsum(-each * math.log2(each) for each in p),
            "hamiltonian": math.fsum(-q * self.log_n(q) for q in shares) if many else 0.0,
            "grand_hamiltonian": math.fsum(
                -self.probability(s) * self.log_n(self.probability(s)) for s in set(present)
            )
            if many
            else 0.0,
            "confluence": model.frequency / self.total * (1 - math.prod(p)),
            "itfdf_similarity": itfdf,
            "potential": (evidence + confidence) * snr + itfdf + 1 / found,
        }

    def distance(self, present: Sequence[str]) -> float:
        here, now = Counter(self.state), Counter(present)
        every = set(here) | set(now)
        a = {s: self.probability(s) * here[s] for s in every}
        b = {s: self.probability(s) * now[s] for s in every}
        dot = math.fsum(a[s] * b[s] for s in every)
        lengths = math.sqrt(math.fsum(v * v for v in a.values())) * math.sqrt(
            math.fsum(v * v for v in b.values())
        )
        return 1 - dot / lengths

    def forecast(self) -> list[dict[str, Any]]:
        """Every entry, best first."""
        votes = []
        for (model, found), told in zip(self.kept, self.every, strict=True):
            if told["future"]:
                weight = model.frequency * max(told["potential"], 0.0) ** 8
                reaches = found[-1][1] + found[-1][2] == len(self.state)
                votes.append((tuple(told["future"][0]), weight, model.frequency, reaches))
        if any(reaches for *_, reaches in votes):
            votes = [vote for vote in votes if vote[3]]
        whole = math.fsum(weight for _, weight, _, _ in votes)
        if whole == 0:
            return []
        entries: list[dict[str, Any]] = [
            {
                "event": list(event),
                "share": round(math.fsum(v[1] for v in votes if v[0] == event) / whole, 12) + 0.0,
                "models": sum(v[0] == event for v in votes),
                "frequency": sum(v[2] for v in votes if v[0] == event),
            }
            for event in {vote[0] for vote in votes}
        ]
        entries.sort(key=lambda entry: (-entry["share"], entry["event"]))
        return entries


def emotives(entries: Sequence[dict[str, float]]) -> dict[str, float]:
    """The average per name over the entries that have it, as a prediction shows it."""
    return {name: round(value, 12) + 0.0 for name, value in averages(entries).items()}


def averages(entries: Sequence[dict[str, float]]) -> dict[str, float]:
    """The average per name over the entries that have it."""
    names = sorted({name for entry in entries for name in entry})
    return {name: average([entry[name] for entry in entries if name in entry]) for name in names}


def average(values: Sequence[float]) -> float:
    """The sum, rounded once, divided by the count; exact where the sum is beyond float64."""
    try:
        return math.fsum(values) / len(values)
    except OverflowError:
        return float(sum(map(Fraction, values)) / len(values))
