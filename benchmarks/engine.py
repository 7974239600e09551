"""C{python -m benchmarks engine}: learning, observing and predicting, beside difflib over all
models in the same run."""

import random
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from statistics import median
from time import perf_counter

from kato.engine import Observation, Processor

EVENTS, WIDTH, STATE = 8, 2, 3
WORLDS = ((50, (0, 1_000, 10_000)), *((n, (0, 1_000, 10_000, 100_000)) for n in (500, 5_000)))
"""Vocabularies, each with the numbers of models at which is measured: with few symbols nearly every
model shares some with the state, with many symbols few do."""
QUERIES = 25
SAMPLED = 5_000
"""Over so many models difflib is timed; with more of them, its time is scaled up."""

Sequence_ = tuple[tuple[str, ...], ...]


def main() -> None:
    """Print one table."""
    print(
        f"models of {EVENTS} events with {WIDTH} symbols each, states of {STATE} such events,\n"
        f"threshold 0.1; medians over {QUERIES} different states, so nothing is cached\n\n"
        f"{'vocabulary':>10} {'models':>8} {'kept':>6} {'learn µs':>9} {'observe µs':>11}"
        f" {'predict ms':>11} {'forecast ms':>12} {'difflib ms':>11} {'ratio':>6}"
    )
    for vocabulary, sizes in WORLDS:
        _measure(vocabulary, sizes)
    print(
        f"""
kept: models that are predicted, of which the best 100 are shown.
learn: a learning of {EVENTS} events that were observed before it; observe: one event.
forecast: asked after the predictions, which have found the kept models.
difflib: ratio() and matching blocks of every model, timed over {SAMPLED:,} models at the
most and scaled to their number; it ranks nothing and computes no other number.
ratio: of difflib's time to that of predict."""
    )


def _measure(vocabulary: int, sizes: Sequence[int]) -> None:
    """Print the rows of one vocabulary."""
    chance = random.Random(1)
    sequences = [_sequence(chance, EVENTS, vocabulary) for _ in range(max(sizes))]
    states = [_sequence(chance, STATE, vocabulary) for _ in range(QUERIES)]
    processor = Processor("p")
    learned = 0
    for size in sizes:
        taken = [_learn(processor, each) for each in sequences[learned:size]]
        learned = size
        observing = _observing(processor, states)
        predicting, forecasting = _asking(processor, states)
        kept = _kept(processor, states)
        row = f"{vocabulary:>10,} {size:>8,} {kept:>6,} {median(taken or [0.0]) * 1e6:>9.1f}"
        row += f" {observing * 1e6:>11.2f} {predicting * 1e3:>11.2f} {forecasting * 1e3:>12.2f}"
        if size:
            compared = _difflib(sequences[:size], states)
            row += f" {compared * 1e3:>11.1f} {compared / predicting:>5.0f}x"
        print(row)


def _sequence(chance: random.Random, events: int, vocabulary: int) -> Sequence_:
    return tuple(
        tuple(sorted(f"s{chance.randrange(vocabulary)}" for _ in range(WIDTH)))
        for _ in range(events)
    )


def _learn(processor: Processor, sequence: Sequence_) -> float:
    _observe(processor, sequence)
    return _timed(processor.learn)


def _observing(processor: Processor, states: Sequence[Sequence_]) -> float:
    """Seconds for one observation, which makes no predictions."""
    taken = []
    for state in [*states] * 40:
        observations = [Observation(strings=event) for event in state]
        began = perf_counter()
        for observation in observations:
            processor.observe(observation)
        taken.append((perf_counter() - began) / len(state))
        processor.clear_short_term_memory()
    return median(taken)


def _asking(processor: Processor, states: Sequence[Sequence_]) -> tuple[float, float]:
    """Seconds for predictions, and for a forecast after them, about another state each time."""
    predicting, forecasting = [], []
    for state in states:
        _observe(processor, state)
        predicting.append(_timed(processor.predictions))
        forecasting.append(_timed(processor.forecast))
        processor.clear_short_term_memory()
    return median(predicting), median(forecasting)


def _timed(ask: Callable[[], object]) -> float:
    began = perf_counter()
    ask()
    return perf_counter() - began


def _kept(processor: Processor, states: Sequence[Sequence_]) -> int:
    """How many models a state keeps, which are no more than may be shown here."""
    most = processor.change_genes({"max_predictions": 10_000}).max_predictions
    counts = []
    for state in states:
        _observe(processor, state)
        counts.append(len(processor.predictions()))
        processor.clear_short_term_memory()
    processor.change_genes({"max_predictions": most})
    return int(median(counts))


def _observe(processor: Processor, state: Sequence_) -> None:
    for event in state:
        processor.observe(Observation(strings=event))


def _difflib(sequences: Sequence[Sequence_], states: Sequence[Sequence_]) -> float:
    """Seconds that difflib takes for one state over all models."""
    models = [[symbol for event in each for symbol in event] for each in sequences[:SAMPLED]]
    taken = []
    for state in states[:3]:
        flat = [symbol for event in state for symbol in event]
        matcher = SequenceMatcher(None, autojunk=False)
        matcher.set_seq2(flat)
        began = perf_counter()
        for model in models:
            matcher.set_seq1(model)
            matcher.get_matching_blocks()
            matcher.ratio()
        taken.append(perf_counter() - began)
    return median(taken) * len(sequences) / len(models)


if __name__ == "__main__":
    main()
