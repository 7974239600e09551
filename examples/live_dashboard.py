"""Watch it think: four years of weather in Seattle, day by day, into a running server.

Needs a running server and the extra C{examples}::

    ./kato-manager.sh start
    .venv/bin/pip install '.[examples]'
    .venv/bin/python examples/live_dashboard.py --speed 5

Then open the address that it prints.  Each day is one event of two symbols, what the weather was
and how warm it became, with two emotives: C{warmth}, which is 0 at 15 degrees, and C{gloom}, which
grows with the rain.  The processor learns every window of three days by itself, as the days come
(genes C{max_sequence_length} and C{stm_mode} ROLLING), so it expects more and better before your
eyes.  What it knows already it keeps; C{--anew} lets it forget that first.

Each day is sent with a C{unique_id}: where the server was away for a moment a day is sent again,
and is observed once.
"""

import argparse
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from vega_datasets import data

WINDOW = 3
MOST = 1e6
PATIENCE = 60.0
"""Seconds after which a server that went away is given up."""


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the data; degrees are Celsius, rain is in millimetres."""

    date: str
    weather: str
    degrees: float
    rain: float

    @property
    def warmth(self) -> str:
        """How warm it became, in a word."""
        return "cold" if self.degrees < 12 else "mild" if self.degrees < 20 else "warm"

    def observation(self, run: str) -> dict[str, Any]:
        """The day as it is observed, under an id of its own in each run."""
        return {
            "strings": [self.weather, self.warmth],
            "emotives": {
                "warmth": round((self.degrees - 15) / 15, 3),
                "gloom": round(min(self.rain / 20, 1), 3),
            },
            "unique_id": f"{run} {self.date}",
            "metadata": {"date": self.date, "degrees": self.degrees, "rain": self.rain},
        }


def days() -> list[Day]:
    """The daily weather of 2012 to 2015 that the package vega_datasets carries."""
    rows = data.seattle_weather().itertuples()
    return [
        Day(f"{row.date:%Y-%m-%d}", row.weather, float(row.temp_max), float(row.precipitation))
        for row in rows
    ]


class Away(Exception):
    """No server answers; says why."""


def connection(url: str) -> http.client.HTTPConnection:
    """A connection to the server at an address."""
    address = urlsplit(url)
    kinds: dict[str, type[http.client.HTTPConnection]] = {
        "http": http.client.HTTPConnection,
        "https": http.client.HTTPSConnection,
    }
    try:
        return kinds[address.scheme](address.hostname or "", address.port)
    except (KeyError, ValueError, http.client.InvalidURL):
        raise SystemExit(f"--url: expected one like http://127.0.0.1:8000, got {url!r}") from None


class Kato:
    """One processor, over one connection that is kept alive."""

    def __init__(self, url: str, processor: str, key: str | None) -> None:
        self._http = connection(url)
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["X-API-Key"] = key
        self._processor = processor

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request; gives the answer, or ends with what is wrong.

        @raise Away: where there is none, but may be one later.
        """
        target = f"/{self._processor}{path}"
        sent = None if body is None else json.dumps(body)
        try:
            self._http.request(method, target, sent, self._headers)
            response = self._http.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException) as error:
            self._http.close()
            raise Away(error) from None
        except ValueError:
            raise SystemExit(f"{method} {target}: this is no KATO") from None
        if response.status == http.client.SERVICE_UNAVAILABLE:
            raise Away(answer["message"])
        if answer["status"] != "okay":
            raise SystemExit(f"{method} {target}: {answer['message']}")
        return answer

    def insist(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request that may come twice; where the server is away, wait for it."""
        until = time.monotonic() + PATIENCE
        told = False
        while True:
            try:
                return self.ask(method, path, body)
            except Away as error:
                if time.monotonic() > until:
                    raise
                if not told:
                    print(f"the server is away ({error}), waiting for it", file=sys.stderr)
                    told = True
                time.sleep(0.5)


def prepare(kato: Kato, *, anew: bool) -> None:
    """Let it learn by itself, and not believe that the last day of a former run was yesterday."""
    genes = {"max_sequence_length": WINDOW, "stm_mode": "ROLLING", "recall_threshold": 0.4}
    kato.ask("PUT", "", {"genes": genes})
    kato.ask("POST", "/clear-all-memory" if anew else "/clear-short-term-memory")


def paced(every: Sequence[Day], speed: float) -> Iterator[Day]:
    """The days, so many a second; 0: as fast as they are observed."""
    began = time.monotonic()
    for number, day in enumerate(every):
        yield day
        if speed:
            time.sleep(max(0.0, began + (number + 1) / speed - time.monotonic()))


def guess(forecast: Sequence[dict[str, Any]], weathers: set[str]) -> tuple[str, float]:
    """The weather that is expected most, and with which share."""
    shares = dict.fromkeys(sorted(weathers), 0.0)
    for entry in forecast:
        for symbol in weathers.intersection(entry["event"]):
            shares[symbol] += entry["share"]
    best = max(shares, key=shares.__getitem__)
    return (best, shares[best]) if shares[best] else ("nothing", 0.0)


def replay(kato: Kato, every: Sequence[Day], speed: float) -> Iterator[bool]:
    """Observe day by day, and print what was expected of each; gives whether that was right."""
    run = uuid4().hex
    weathers = {day.weather for day in every}
    for day in paced(every, speed):
        expected, share = guess(kato.insist("GET", "/forecast?limit=100")["forecast"], weathers)
        kato.insist("POST", "/observe?brief=true", day.observation(run))
        right = expected == day.weather
        print(
            f"{day.date}  {day.weather:<8} {day.warmth}  expected {expected:<8} {share:4.0%}"
            f"{'  right' if right else ''}",
            flush=True,
        )
        yield right


def key_of(path: Path | None) -> str | None:
    """The server's key: from a file, or from the environment."""
    if path is None:
        return os.environ.get("KATO_API_KEY")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SystemExit(f"--api-key-file: {error}") from None


def at_least(least: float, kind: type[float]) -> Callable[[str], Any]:
    """Reads a number that is no less."""

    def parsed(text: str) -> float:
        number = kind(text)
        if not least <= number <= MOST:
            raise argparse.ArgumentTypeError(f"expected a number from {least:g} on, got {text}")
        return number

    return parsed


def parser() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    made = argparse.ArgumentParser(description="Replay the weather of Seattle into KATO.")
    made.add_argument("--url", default="http://127.0.0.1:8000", help="where the server is")
    made.add_argument("--processor", default="seattle", help="who observes it")
    made.add_argument("--speed", type=at_least(0, float), default=2.0, help="days a second; 0: all")
    made.add_argument(
        "--days", type=at_least(1, int), default=None, help="only so many, the first ones"
    )
    made.add_argument("--anew", action="store_true", help="forget first what is known")
    made.add_argument(
        "--api-key-file", type=Path, default=None, help="a file with the server's key"
    )
    return made


def main() -> None:
    """Replay, and tell how often the weather was what was expected."""
    arguments = parser().parse_args()
    kato = Kato(arguments.url, arguments.processor, key_of(arguments.api_key_file))
    scores = []
    try:
        prepare(kato, anew=arguments.anew)
        print(f"watch it at {arguments.url.rstrip('/')}/#{arguments.processor}", flush=True)
        for right in replay(kato, days()[: arguments.days], arguments.speed):
            scores.append(right)
    except Away as error:
        raise SystemExit(
            f"no server answers at {arguments.url} ({error}); try ./kato-manager.sh start"
        ) from None
    except KeyboardInterrupt:
        print()
    if scores:
        print(f"right on {sum(scores)} of {len(scores)} days")


if __name__ == "__main__":
    main()
