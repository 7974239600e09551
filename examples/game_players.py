"""How well KATO plays rock, paper, scissors against players who have a habit, and one who has none.

Needs a running server; docs/examples/game.md tells of the game itself, which is a page::

    ./kato-manager.sh start
    .venv/bin/pip install '.[examples]'
    .venv/bin/python examples/game_players.py
"""

import argparse
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from random import Random

from kato.client import Client, KatoError, NoAnswer, Processor

MOVES = ("paper", "rock", "scissors")
BEATEN_BY = {"paper": "scissors", "rock": "paper", "scissors": "rock"}

Round = tuple[str, str]
"""What KATO showed, and what the player."""

Player = Callable[[Sequence[Round], Random], str]
"""Chooses a move after these rounds; may throw dice."""


def in_turns(rounds: Sequence[Round], _: Random) -> str:
    """Rock, paper, scissors, rock, and so on."""
    return ("rock", "paper", "scissors")[len(rounds) % 3]


def likes_rock(_: Sequence[Round], chance: Random) -> str:
    """Rock, six times in ten."""
    return chance.choices(MOVES, (2, 6, 2))[0]


def never_twice(rounds: Sequence[Round], chance: Random) -> str:
    """Anything but the same again, as people do who want to look random."""
    return chance.choice([move for move in MOVES if not rounds or move != rounds[-1][1]])


def stays_if_it_won(rounds: Sequence[Round], chance: Random) -> str:
    """The same again after a win, else what would have won; one time in four anything."""
    if not rounds or chance.random() < 0.25:
        return chance.choice(MOVES)
    kato, you = rounds[-1]
    return you if BEATEN_BY[kato] == you else BEATEN_BY[kato]


def at_random(_: Sequence[Round], chance: Random) -> str:
    """Anything."""
    return chance.choice(MOVES)


PLAYERS: Mapping[str, Player] = {
    "rock, paper, scissors in turns": in_turns,
    "likes rock": likes_rock,
    "never the same twice": never_twice,
    "stays if it won, mostly": stays_if_it_won,
    "at random": at_random,
}


def answer(p: Processor, chance: Random) -> str:
    """Beat what is expected, as the page does; anything where nothing is."""
    shares: Counter[str] = Counter()
    for expected in p.forecast(limit=100):
        for move in MOVES:
            if f"you {move}" in expected.event:
                shares[move] += round(expected.share * 10**12)
    return BEATEN_BY[shares.most_common(1)[0][0]] if shares else chance.choice(MOVES)


def won(one: str, other: str) -> int:
    """1 if one move beats the other, -1 if it is beaten, 0 if they are the same."""
    return (BEATEN_BY[other] == one) - (BEATEN_BY[one] == other)


def play(p: Processor, player: Player, count: int) -> tuple[int, int]:
    """Play so many rounds; gives how far KATO is ahead, and who beats the most frequent move."""
    p.create({"max_sequence_length": 3, "stm_mode": "ROLLING"})
    p.clear_all_memory()
    chance = Random(6)
    rounds: list[Round] = []
    lead = simple = 0
    for _ in range(count):
        kato, you = answer(p, chance), player(rounds, chance)
        lead += won(kato, you)
        if rounds:
            [(most, _)] = Counter(you for _, you in rounds).most_common(1)
            simple += won(BEATEN_BY[most], you)
        rounds.append((kato, you))
        p.observe([f"kato {kato}", f"you {you}"], brief=True)
    return lead, simple


def main() -> None:
    """Play against each."""
    parser = argparse.ArgumentParser(description="Play rock, paper, scissors against habits.")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--processor", default="example-players", help="is made to forget first")
    parser.add_argument("--limit", type=int, default=100, help="how many rounds with each")
    arguments = parser.parse_args()
    print(f"{f'ahead after {arguments.limit} rounds':<32}{'KATO':>8}{'most frequent':>16}")
    with Client(arguments.url, key=os.environ.get("KATO_API_KEY")) as kato:
        for name, player in PLAYERS.items():
            lead, simple = play(kato.processor(arguments.processor), player, arguments.limit)
            print(f"{name:<32}{lead:>8}{simple:>16}")


if __name__ == "__main__":
    try:
        main()
    except NoAnswer as error:
        raise SystemExit(f"{error} (a server is started by ./kato-manager.sh start)") from None
    except KatoError as error:
        raise SystemExit(f"{error.error_code}: {error}") from None
