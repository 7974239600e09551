"""Before times are compared, that all give the same answers: the providers among themselves, and
each model's blocks with difflib's."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from benchmarks.match.measure import MOST, best, dicts, jsons
from benchmarks.match.plainly import Plainly
from benchmarks.match.workloads import Codes, Question, Spelling, Workload
from kato.codec import encode_json
from kato.engine.blocks import Block
from kato.engine.matching import Matcher, Ranking


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
    with difflib's blocks, and that the plain way to the highest potentials, which is timed, leads
    to them.

    @raise Disagreement: where it does not.
    """
    spelling = Spelling(workload.vocabulary)
    named = {matcher.find(spelling.events(codes, workload.width)): codes for codes in models}
    frequencies = [_frequency(matcher, name) for name in named]
    plainly = Plainly([codes.tolist() for codes in named.values()], frequencies, workload.width)
    for question in workload.questions:
        for codes in workload.states(question, count):
            kept = matcher.kept(spelling.state(codes), question.threshold)
            ranking = kept.best("potential", len(matcher))
            state = codes.tolist()
            _same_blocks(ranking, named, state, question.threshold)
            _same_potentials(ranking, plainly.best(state, question.threshold))


def _same_blocks(
    ranking: Ranking, named: Mapping[str | None, Codes], state: list[int], threshold: float
) -> None:
    ours = {name: ranking.blocks(place) for place, name in enumerate(ranking.names)}
    theirs = {
        name: blocks
        for name, codes in named.items()
        if (blocks := _difflib(codes.tolist(), state, threshold))
    }
    if ours != theirs:
        raise Disagreement(f"difflib matches {state} in another way")


def _frequency(matcher: Matcher, name: str | None) -> int:
    learned = None if name is None else matcher.get(name)
    if learned is None:
        raise Disagreement("a model is not found that was added")
    return learned.frequency


def _difflib(model: list[int], state: list[int], threshold: float) -> tuple[Block, ...]:
    """The blocks of a model that is kept."""
    matcher = SequenceMatcher(None, model, state, autojunk=False)
    blocks = tuple(Block(*each) for each in matcher.get_matching_blocks()[:-1])
    similarity = 2 * sum(each.size for each in blocks) / (len(model) + len(state))
    return blocks if similarity >= threshold else ()


def _same_potentials(ranking: Ranking, theirs: Sequence[tuple[float, int]]) -> None:
    """The plain way does not round as carefully."""
    ours = [ranking.told(place)["potential"] for place in range(len(ranking))[:MOST]]
    if len(ours) != len(theirs) or any(
        abs(one - other) > 1e-9 for one, (other, _) in zip(ours, theirs, strict=True)
    ):
        raise Disagreement(f"the highest potentials are {ours}, or {theirs}")
