"""C{python -m benchmarks engine}: learning, observing and predicting, beside difflib over all
models in the same run."""

import random
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from statistics import median
from time import perf_counter

from kato.engine import Observation, Processor

EVENTS, WIDTH, VOCABULARY, STATE = 8, 2, 2000, 3
SIZES = (1_000, 10_000, 100_000)
QUERIES = 25
SAMPLED = 5_000
"""Over so many models difflib is timed; with more of them, its time is scaled up."""

Sequence_ = tuple[tuple[str, ...], ...]


def main() -> None:
    """Print a table for each thing that is measured."""
    chance = random.Random(1)
    sequences = [_sequence(chance, EVENTS) for _ in range(max(SIZES))]
    states = [_sequence(chance, STATE) for _ in range(QUERIES)]
    print(
        f"models of {EVENTS} events with {WIDTH} symbols each, vocabulary {VOCABULARY},\n"
        f"states of {STATE} such events, threshold 0.1; medians of {QUERIES} different states\n"
    )
    print(
        f"{'models':>8} {'learn µs':>9} {'observe µs':>11} {'predict ms':>11} {'forecast ms':>12}"
        f" {'difflib ms':>11} {'ratio':>7}"
    )
    processor = Processor("p")
    learned = 0
    for size in (0, *SIZES):
        taken = [_learn(processor, each) for each in sequences[learned:size]]
        learned = size
        observing = _observing(processor, states)
        predicting = _asking(processor, states, processor.predictions)
        forecasting = _asking(processor, states, processor.forecast)
        compared = _difflib(sequences[:size], states) if size else 0.0
        print(
            f"{size:>8,} {median(taken or [0.0]) * 1e6:>9.1f} {observing * 1e6:>11.2f}"
            f" {predicting * 1e3:>11.2f} {forecasting * 1e3:>12.2f}"
            f" {compared * 1e3:>11.1f} {compared / predicting if size else 0.0:>6.0f}x"
        )
    print(
        f"""
learn: a learning of {EVENTS} events that were observed before it; observe: one event.
difflib: ratio() and matching blocks of every model, timed over {SAMPLED:,} models at the
most and scaled to their number; it ranks nothing and computes no other number."""
    )


def _sequence(chance: random.Random, events: int) -> Sequence_:
    return tuple(
        tuple(sorted(f"s{chance.randrange(VOCABULARY)}" for _ in range(WIDTH)))
        for _ in range(events)
    )


def _learn(processor: Processor, sequence: Sequence_) -> float:
    for event in sequence:
        processor.observe(Observation(strings=event))
    began = perf_counter()
    processor.learn()
    return perf_counter() - began


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


def _asking(processor: Processor, states: Sequence[Sequence_], ask: Callable[[], object]) -> float:
    """Seconds for one question, about another state each time."""
    taken = []
    for state in states:
        for event in state:
            processor.observe(Observation(strings=event))
        began = perf_counter()
        ask()
        taken.append(perf_counter() - began)
        processor.clear_short_term_memory()
    return median(taken)


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
