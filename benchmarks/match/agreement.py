"""Before times are compared, that all give the same answers: the providers among themselves, and
each model's blocks with difflib's."""

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import chain

from benchmarks.match.measure import best, dicts, jsons
from benchmarks.match.workloads import Codes, Question, Spelling, Workload
from kato.codec import encode_json
from kato.engine.blocks import Block
from kato.engine.matching import Matcher


class Disagreement(SystemExit):
    """What was to be measured is wrong."""


def agree(ours: Matcher, theirs: Matcher, workload: Workload, count: int) -> None:
    """See that two providers that hold the same models tell the same of C{count} states a question:
    how many are kept, all fields of the best, and the forecast.

    @raise Disagreement: where they do not.
    """
    spelling = Spelling(workload.vocabulary)
    for question in workload.questions:
        for state in map(spelling.state, workload.states(question, count)):
            if _told(ours, state, question) != _told(theirs, state, question):
                raise Disagreement(f"{workload.name}: the providers tell two things of {state}")


def _told(matcher: Matcher, state: Sequence[str], question: Question) -> tuple[object, ...]:
    ranking = best(matcher, state, question)
    told = dicts(ranking)
    if [each + b"}" for each in jsons(ranking)] != list(map(encode_json, told)):
        raise Disagreement(f"{matcher.kind}: the JSON of {state} differs from its dicts")
    kept = matcher.kept(state, question.threshold)
    return len(kept), list(ranking.names), told, kept.forecast(10)


def agree_with_difflib(
    matcher: Matcher, workload: Workload, models: Sequence[Codes], count: int
) -> None:
    """See that a matcher that holds these models and no others keeps those that difflib says, each
    with difflib's blocks.

    @raise Disagreement: where it does not.
    """
    spelling = Spelling(workload.vocabulary)
    sequences = {spelling.events(codes, workload.width) for codes in models}
    named = {matcher.find(sequence): list(chain(*sequence)) for sequence in sequences}
    for question in workload.questions:
        for state in map(spelling.state, workload.states(question, count)):
            ranking = matcher.kept(state, question.threshold).best("potential", len(matcher))
            ours = {name: ranking.blocks(place) for place, name in enumerate(ranking.names)}
            theirs = {
                name: blocks
                for name, flat in named.items()
                if (blocks := _difflib(flat, state, question.threshold))
            }
            if ours != theirs:
                raise Disagreement(f"{workload.name}: difflib matches {state} in another way")


def _difflib(model: list[str], state: Sequence[str], threshold: float) -> tuple[Block, ...]:
    """The blocks of a model that is kept."""
    matcher = SequenceMatcher(None, model, state, autojunk=False)
    blocks = tuple(Block(*each) for each in matcher.get_matching_blocks()[:-1])
    similarity = 2 * sum(each.size for each in blocks) / (len(model) + len(state))
    return blocks if similarity >= threshold else ()
