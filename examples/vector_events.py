"""Free words as events: a help desk learns what to do after what people say, in their own words.

Needs a running server and the extra C{examples}; docs/examples/vectors.md tells the story::

    ./kato-manager.sh start
    .venv/bin/pip install '.[examples]'
    .venv/bin/python examples/vector_events.py

Each sentence becomes a vector of 256 numbers, by a real model that the package wordllama carries.
Vectors stand in the same sequences as the strings which say what the desk did.  What is said next
time in other words has vectors nearby, so it is recognized, with all that followed.

The dialogues are made up, by the tables below.
"""

import argparse
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import wordllama
from numpy.typing import NDArray

from kato.client import Client, Expected, KatoError, NoAnswer, Observation, Processor

Vectors = Mapping[str, NDArray[np.float64]]
"""The vector of each sentence."""

TOPICS: Mapping[tuple[str, str], Sequence[str]] = {
    ("send reset link", "unlock account"): (
        "I forgot my password",
        "how can I reset my password",
        "my password does not work",
        "I cannot sign in any more",
        "my login is refused",
        "the passphrase seems to be wrong",
    ),
    ("restart router", "send technician"): (
        "the internet is down",
        "my router has lost the connection",
        "the network is very slow",
        "the wifi keeps dropping",
        "I cannot get on the web",
        "the modem shows no signal",
    ),
    ("ask carrier", "send again"): (
        "my parcel has not arrived",
        "the delivery is late",
        "when will my order be delivered",
        "where is my package",
        "the shipment never came",
        "the courier did not show up",
    ),
    ("send copy", "call accounting"): (
        "I need a copy of my invoice",
        "please send me the invoice again",
        "the invoice for last month is missing",
        "I did not get a receipt",
        "where is my bill",
        "how much do I have to pay",
    ),
    ("clean nozzles", "replace printer"): (
        "the printer prints only blank pages",
        "my printer does not print black",
        "the print is smeared with ink",
        "the colors on paper look pale",
        "all my pages have stripes",
        "the cartridge is leaking",
    ),
}
"""What the desk does at first, and what it does if that did not help; and what people say."""

REPLIES: Mapping[bool, Sequence[str]] = {
    True: (
        "great, it works now, thank you",
        "thank you, that solved it",
        "perfect, thanks a lot",
        "thanks, that was a great help",
        "great, thank you very much",
    ),
    False: (
        "it still does not work",
        "no, I still have the same problem",
        "the problem is still there",
        "sorry, still no change",
        "that is still not working",
    ),
}
"""What people say to it, if it helped and if not: it is the same for all topics."""


@dataclass(frozen=True, slots=True)
class Dialogue:
    """What was said and done, in its order: sentence, action, sentence, action."""

    said: str
    done: str
    reply: str
    then: str


def dialogues() -> tuple[Sequence[Dialogue], Sequence[Dialogue]]:
    """Dialogues to learn, and others in sentences of which none was learned."""
    known: list[Dialogue] = []
    others: list[Dialogue] = []
    for ((first, second), sentences), helped in product(TOPICS.items(), REPLIES):
        replies, last = REPLIES[helped], "close" if helped else second
        learned = zip(sentences[:3], replies[:3], strict=True)
        known += [Dialogue(sentence, first, reply, last) for sentence, reply in learned]
        later = product(sentences[3:], replies[3:])
        others += [Dialogue(sentence, first, reply, last) for sentence, reply in later]
    return known, others


def embed(every: Sequence[Dialogue]) -> Vectors:
    """The vectors of all sentences, by the model inside the package: nothing is downloaded."""
    inside = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(cache_dir=inside, disable_download=True)
    sentences = sorted({sentence for each in every for sentence in (each.said, each.reply)})
    vectors = np.asarray(model.embed(sentences, norm=True), np.float64)
    return dict(zip(sentences, vectors, strict=True))


class Desk:
    """Learns dialogues in a processor, and is asked what to do."""

    def __init__(self, p: Processor, vectors: Vectors, neighbors: int) -> None:
        self._p = p
        self._vectors = vectors
        p.create({"vector_neighbors": neighbors})
        p.clear_all_memory()

    def heard(self, sentence: str) -> Observation:
        """A sentence as it is observed: as a vector, without its words."""
        return Observation(vectors=[self._vectors[sentence].tolist()])

    def learn(self, known: Sequence[Dialogue]) -> None:
        """Learn each dialogue as a sequence of vectors and strings."""
        for each in known:
            said, reply = self.heard(each.said), self.heard(each.reply)
            events = [said, Observation([each.done]), reply, Observation([each.then])]
            self._p.observe_sequence(events, learn_at_end=True, brief=True)

    def actions(self, each: Dialogue) -> tuple[str, str]:
        """What is to be done after the first sentence, and, once the right thing was, after the
        reply."""
        self._p.observe_sequence([self.heard(each.said)], brief=True)
        first = self._p.forecast(limit=1)
        self._p.observe([each.done], brief=True)
        self._p.observe_sequence([self.heard(each.reply)], brief=True)
        second = self._p.forecast(limit=1)
        self._p.clear_short_term_memory()
        return best(first), best(second)


def best(forecast: Sequence[Expected]) -> str:
    """The event that is expected most."""
    return " ".join(forecast[0].event) if forecast else "nothing"


Likeness = Callable[[str, str], float]
"""How alike two sentences are."""


def nearest(known: Sequence[Dialogue], alike: Likeness, each: Dialogue) -> tuple[str, str]:
    """What a search for the one dialogue that is most alike says, without any order of events."""
    first = max(known, key=lambda other: alike(other.said, each.said))
    second = max(
        known, key=lambda other: alike(other.said, each.said) + alike(other.reply, each.reply)
    )
    return first.done, second.then


def by_words(one: str, other: str) -> float:
    """The share of words that two sentences have in common."""
    words, others = set(one.split()), set(other.split())
    return len(words & others) / len(words | others)


def show(name: str, guessed: Sequence[tuple[str, str]], others: Sequence[Dialogue]) -> None:
    """Tell how often both guesses were right."""
    pairs = list(zip(guessed, others, strict=True))
    first = sum(guess[0] == each.done for guess, each in pairs) / len(pairs)
    second = sum(guess[1] == each.then for guess, each in pairs) / len(pairs)
    print(f"{name:<38}{first:>10.1%}{second:>13.1%}")


def main() -> None:
    """Learn dialogues, and tell what to do in others."""
    parser = argparse.ArgumentParser(description="Learn from what people say in their own words.")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--processor", default="example-vectors", help="is made to forget first")
    parser.add_argument("--limit", type=int, default=60, help="how many dialogues to judge")
    arguments = parser.parse_args()
    known, others = dialogues()
    vectors = embed([*known, *others])
    logging.disable()  # importing wordllama turns on the log of every request
    others = others[: arguments.limit]
    print(f"{len(known)} dialogues learned, {len(others)} others judged")
    print(f"{'right about what to do after':<38}{'sentence':>10}{'reply':>13}")
    with Client(arguments.url, key=os.environ.get("KATO_API_KEY")) as kato:
        for neighbors in (1, 2, 3):
            desk = Desk(kato.processor(arguments.processor), vectors, neighbors)
            desk.learn(known)
            name = f"KATO, vector_neighbors {neighbors}"
            show(name, [desk.actions(each) for each in others], others)
    ways: Mapping[str, Likeness] = {
        "the dialogue with the nearest vectors": lambda a, b: float(vectors[a] @ vectors[b]),
        "the dialogue with most words in common": by_words,
    }
    for name, alike in ways.items():
        show(name, [nearest(known, alike, each) for each in others], others)


if __name__ == "__main__":
    try:
        main()
    except NoAnswer as error:
        raise SystemExit(f"{error} (a server is started by ./kato-manager.sh start)") from None
    except KatoError as error:
        raise SystemExit(f"{error.error_code}: {error}") from None
