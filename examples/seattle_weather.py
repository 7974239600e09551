"""Four years of weather in Seattle: learn windows of days, and forecast tomorrow.

Needs a running server and the extra C{examples}::

    ./kato-manager.sh start
    .venv/bin/pip install '.[examples]'
    .venv/bin/python examples/seattle_weather.py

Each day is one event of two symbols: what the weather was, and how warm it became.  The processor
learns every window of three days by itself, as the days come (genes C{max_sequence_length} and
C{stm_mode} ROLLING).  On each day of the last year the forecast is asked for before the day is
observed, so it never knows what it is judged by.
"""

import argparse
import http.client
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tqdm import tqdm
from vega_datasets import data

WINDOW = 3
PROCESSOR = "seattle"


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the data."""

    date: str
    weather: str
    warmth: str

    @property
    def symbols(self) -> list[str]:
        """The day as an event."""
        return [self.weather, self.warmth]


def warmth(degrees: float) -> str:
    """The day's highest temperature, in degrees Celsius, in a word."""
    return "cold" if degrees < 12 else "mild" if degrees < 20 else "warm"


def days() -> list[Day]:
    """The daily weather of 2012 to 2015 that the package vega_datasets carries."""
    rows = data.seattle_weather().itertuples()
    return [Day(f"{row.date:%Y-%m-%d}", row.weather, warmth(row.temp_max)) for row in rows]


class Kato:
    """The few requests that this example makes, over one connection that is kept alive."""

    def __init__(self, url: str, key: str | None) -> None:
        address = urlsplit(url)
        self._http = http.client.HTTPConnection(address.hostname or "", address.port or 80)
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["X-API-Key"] = key

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request; gives the answer, or ends with what is wrong."""
        sent = None if body is None else json.dumps(body)
        try:
            self._http.request(method, f"/{PROCESSOR}{path}", sent, self._headers)
            answer: dict[str, Any] = json.loads(self._http.getresponse().read())
        except OSError as error:
            raise SystemExit(f"no server answers ({error}); try ./kato-manager.sh start") from None
        if answer["status"] != "okay":
            raise SystemExit(f"{method} /{PROCESSOR}{path}: {answer['message']}")
        return answer


def prepare(kato: Kato) -> None:
    """Begin with an empty memory that learns by itself."""
    genes = {"max_sequence_length": WINDOW, "stm_mode": "ROLLING", "recall_threshold": 0.4}
    kato.ask("PUT", "", {"genes": genes})
    kato.ask("POST", "/clear-all-memory")


def train(kato: Kato, known: Sequence[Day]) -> None:
    """Let the processor observe all days, a month at a time."""
    for start in tqdm(range(0, len(known), 30), desc="learning", unit="month"):
        month = [{"strings": day.symbols} for day in known[start : start + 30]]
        kato.ask("POST", "/observe-sequence?brief=true", {"observations": month})


def guess(forecast: Sequence[dict[str, Any]], weathers: set[str]) -> str:
    """The weather with the largest share in a forecast."""
    shares: Counter[str] = Counter()
    for entry in forecast:
        for symbol in weathers.intersection(entry["event"]):
            shares[symbol] += entry["share"]
    return max(sorted(shares), key=shares.__getitem__, default="nothing")


def judge(kato: Kato, known: Sequence[Day], last_year: Sequence[Day]) -> Iterator[tuple[str, int]]:
    """How many days of the last year each way to forecast gets right."""
    weathers = {day.weather for day in known}
    commonest = Counter(day.weather for day in known).most_common(1)[0][0]
    right: Counter[str] = Counter()
    yesterday = known[-1]
    for day in tqdm(last_year, desc="forecasting", unit="day"):
        forecast = kato.ask("GET", "/forecast?limit=100")["forecast"]
        right["KATO's forecast"] += guess(forecast, weathers) == day.weather
        right["as today"] += yesterday.weather == day.weather
        right[f"always {commonest}, the most common"] += commonest == day.weather
        kato.ask("POST", "/observe?brief=true", {"strings": day.symbols})
        yesterday = day
    yield from right.items()


def explain(kato: Kato) -> None:
    """Show the best prediction with a future, in words."""
    predictions = kato.ask("GET", "/predictions")["predictions"]
    best = next(each for each in predictions if each["future"])
    print("\nThe best prediction with a future, explained:")
    print(f"  {best['name']} was learned {best['frequency']} times")
    for name in ("past", "present", "future"):
        print(f"  {name:<8} {' | '.join(' '.join(event) for event in best[name]) or '-'}")
    matched, extra = len(best["matches"]), len(best["extras"])
    length = matched + len(best["missing"]) + sum(map(len, best["past"] + best["future"]))
    print(f"  matches  {' '.join(best['matches'])}")
    print(f"  extras   {' '.join(best['extras']) or '-'}")
    print(f"  evidence {best['evidence']:.3f}: {matched} of the model's {length} symbols match")
    print(
        f"  snr      {best['snr']:.3f}: "
        f"(2 x {matched} - {extra}) / (2 x {matched} + {extra}) matches against extras"
    )
    print(f"  potential {best['potential']:.3f}, by which it is ranked")


def main() -> None:
    """Learn three years, forecast the fourth, and tell how good that was."""
    parser = argparse.ArgumentParser(description="Forecast the weather of Seattle with KATO.")
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--days", type=int, default=None, help="use only the last days")
    arguments = parser.parse_args()
    every = days()
    last_year = [day for day in every if day.date >= "2015"]
    known = [day for day in every if day.date < "2015"]
    if arguments.days is not None:
        known, last_year = known[-arguments.days :], last_year[: arguments.days]
    kato = Kato(arguments.url, os.environ.get("KATO_API_KEY"))
    prepare(kato)
    train(kato, known)
    scores = list(judge(kato, known, last_year))
    print(f"\nTomorrow, after {last_year[-1].date} ({', '.join(last_year[-1].symbols)}):")
    for entry in kato.ask("GET", "/forecast?limit=5")["forecast"]:
        print(f"  {entry['share']:6.1%}  {', '.join(entry['event']):<16} {entry['models']} models")
    explain(kato)
    print(f"\nRight on {len(last_year)} days of the last year:")
    for name, right in scores:
        print(f"  {right / len(last_year):6.1%}  {name}")


if __name__ == "__main__":
    main()
