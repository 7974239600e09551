"""Find what is wrong in the log of nightly backups, and say what.

Needs a running server; docs/examples/anomalies.md tells the story::

    ./kato-manager.sh start
    .venv/bin/pip install '.[examples]'
    .venv/bin/python examples/log_anomalies.py

The jobs of the first weeks are learned, each as a sequence of its steps.  Each later job is held
against those that it is most like: C{missing} is what should have been there, C{extras} what
should not.

The log is made up, by the functions under "The log" below.
"""

import argparse
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from random import Random

from kato.client import Client, KatoError, NoAnswer, Prediction, Processor

GENES = {"rank_by": "similarity", "max_predictions": 2, "recall_threshold": 0.3}
"""Only the two most similar jobs count."""

Job = Sequence[str]
"""The steps of a job, in their order."""


# The log


def usual(chance: Random) -> list[str]:
    """A job in which nothing is wrong; copying may take several tries."""
    full, dump, upload = (chance.random() < share for share in (0.25, 0.4, 0.5))
    [tries] = chance.choices((0, 1, 2, 3), (80, 12, 5, 3))
    [more] = chance.choices((0, 1, 2), (88, 9, 3))
    return [
        *(["lock", "dump database"] if dump else ["lock"]),
        *("mount", "full snapshot" if full else "snapshot"),
        *["copy timed out"] * tries,
        *("copy", "verify"),
        *(["prune"] if full else []),
        *([*["upload timed out"] * more, "upload"] if upload else []),
        *("unmount", "unlock"),
        *(["mail report"] if full or tries + more > 1 else []),
    ]


def left_out(job: list[str], chance: Random) -> list[str]:
    """A step is left out."""
    gone = chance.randrange(1, len(job) - 1)
    return job[:gone] + job[gone + 1 :]


def swapped(job: list[str], chance: Random) -> list[str]:
    """Two steps come in the wrong order."""
    first = chance.randrange(2, len(job) - 2)
    return [*job[:first], job[first + 1], job[first], *job[first + 2 :]]


def foreign(job: list[str], chance: Random) -> list[str]:
    """A step that does not belong there."""
    place = chance.randrange(1, len(job))
    return [*job[:place], chance.choice(("read /etc/shadow", "disable log")), *job[place:]]


def broken_off(job: list[str], chance: Random) -> list[str]:
    """The end does not come."""
    return job[: chance.randrange(2, len(job) - 1)]


def doubled(job: list[str], chance: Random) -> list[str]:
    """A step is done twice."""
    place = chance.randrange(1, len(job))
    return [*job[:place], job[place - 1], *job[place:]]


def mixed_up(job: list[str], chance: Random) -> list[str]:
    """The snapshot of the other kind of job; all around it is as it was."""
    other = {"snapshot": "full snapshot", "full snapshot": "snapshot"}
    return [other.get(step, step) for step in job]


FAULTS = (left_out, swapped, foreign, broken_off, doubled, mixed_up)


def log(learned: int, judged: int) -> tuple[list[str], Mapping[str, str]]:
    """The lines of a log, and what is wrong with which of its jobs.

    @param learned: how many jobs come first, with which nothing is wrong.
    @param judged: how many come then, with a fault in every fifth.
    """
    chance = Random(5)
    lines: list[str] = []
    faults: dict[str, str] = {}
    for number in range(learned + judged):
        name = f"job-{number:03}"
        job = usual(chance)
        if number >= learned and number % 5 == 0:
            fault = FAULTS[number // 5 % len(FAULTS)]
            job = fault(job, chance)
            faults[name] = fault.__name__.replace("_", " ")
        lines += [f"{name} {step}" for step in job]
    return lines, faults


# The story


def jobs(lines: Iterable[str]) -> Mapping[str, Job]:
    """The steps of each job of a log, whose lines are like C{job-008 unlock}."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        name, step = line.split(" ", 1)
        found[name].append(step)
    return found


def learn(p: Processor, known: Iterable[Job]) -> None:
    """Learn each job as a sequence."""
    for job in known:
        p.observe_sequence([[step] for step in job], learn_at_end=True, brief=True)


def most_like(p: Processor, job: Job) -> Sequence[Prediction]:
    """What the most similar jobs say to this one, the nearest first."""
    p.observe_sequence([[step] for step in job], brief=True)
    predictions = p.predictions()
    p.clear_short_term_memory()
    return predictions


def differences(near: Prediction) -> Counter[str]:
    """What a known job did and this one did not, and the other way round."""
    apart = [step for event in (*near.past, *near.future) for step in event]
    not_done = (f"not done: {step}" for step in (*near.missing, *apart))
    return Counter([*not_done, *(f"not expected: {step}" for step in near.extras)])


def wrong(nearest: Iterable[Prediction]) -> str:
    """What is wrong with a job, in words: that on which all these known jobs agree."""
    first, *others = map(differences, nearest)
    for each in others:
        first &= each
    return ", ".join(sorted(first.elements()))


# How good that is


def pairs(job: Job) -> set[tuple[str, str]]:
    """All pairs of a step and the next, with the job's beginning and end."""
    return set(zip(["begin", *job], [*job, "end"], strict=True))


def plain_alarms(known: Iterable[Job], judged: Mapping[str, Job]) -> Iterator[tuple[str, set[str]]]:
    """What simpler ways find: jobs like none before, and steps that never followed each other."""
    seen = {tuple(job) for job in known}
    usual_pairs = {pair for job in seen for pair in pairs(job)}
    yield "never seen so", {name for name, job in judged.items() if tuple(job) not in seen}
    yield "new pair", {name for name, job in judged.items() if not pairs(job) <= usual_pairs}


def compare(ways: Mapping[str, set[str]], faults: Mapping[str, str], judged: Iterable[str]) -> None:
    """Tell of each kind of fault how many jobs have it, and how many each way finds."""
    kinds = {name: faults.get(name, "nothing wrong") for name in judged}
    print(f"{'alarms':<15}{'jobs':>5}{''.join(f'{name:>15}' for name in ways)}")
    for kind, count in sorted(Counter(kinds.values()).items()):
        found = (sum(kinds[name] == kind for name in alarms) for alarms in ways.values())
        print(f"{kind:<15}{count:>5}{''.join(f'{each:>15}' for each in found)}")


def main() -> None:
    """Learn good jobs, and judge later ones."""
    parser = argparse.ArgumentParser(description="Find what is wrong in a log.")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--processor", default="example-log", help="is made to forget first")
    parser.add_argument("--limit", type=int, default=300, help="how many jobs to learn, and judge")
    arguments = parser.parse_args()
    lines, faults = log(arguments.limit, arguments.limit)
    every = jobs(lines).items()
    known = [job for _, job in islice(every, arguments.limit)]
    judged = dict(islice(every, arguments.limit, None))
    with Client(arguments.url, key=os.environ.get("KATO_API_KEY")) as kato:
        p = kato.processor(arguments.processor)
        p.create(GENES)
        p.clear_all_memory()
        learn(p, known)
        print(f"Learned {len(known)} jobs, which are {p.status().models} different ones.\n")
        verdicts = {name: most_like(p, job) for name, job in judged.items()}
    alarms = {name: wrong(nearest[:1]) for name, nearest in verdicts.items() if wrong(nearest[:1])}
    sure = {name for name, nearest in verdicts.items() if wrong(nearest)}
    ways = {"KATO": set(alarms), "KATO, if sure": sure, **dict(plain_alarms(known, judged))}
    compare(ways, faults, judged)
    print("\nThe first alarms, and what was done to the log there:")
    for name, why in [*alarms.items()][:8]:
        print(f"  {name}  {faults.get(name, 'nothing'):<12} {why}")


if __name__ == "__main__":
    try:
        main()
    except NoAnswer as error:
        raise SystemExit(f"{error} (a server is started by ./kato-manager.sh start)") from None
    except KatoError as error:
        raise SystemExit(f"{error.error_code}: {error}") from None
