"""Learning by itself: when, and what of short-term memory is left then (SPEC 2)."""

from kato.genes import Genes


def learns_at(length: int, genes: Genes) -> bool:
    """Whether an event that makes short-term memory C{length} events long is followed by a
    learning."""
    return 0 < genes.max_sequence_length <= length


def left_of(length: int, genes: Genes) -> int:
    """How many of C{length} events, the last ones, stay after such a learning."""
    if genes.max_sequence_length == 1 or genes.stm_mode == "CLEAR":
        return 0
    return 1 if genes.stm_mode == "TAIL" else length - 1
