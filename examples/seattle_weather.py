"""Four years of weather in Seattle: learn three, and forecast every day of the fourth.

Needs a running server and the extra C{examples}; docs/examples/weather.md tells the story::

    ./kato-manager.sh start
    .venv/bin/pip install '.[examples]'
    .venv/bin/python examples/seattle_weather.py

Each day is one event of two symbols: what the weather was, and how warm it became.  The processor
learns every window of three days by itself, as the days come.  In the last year each day is
forecast before it is observed, so nothing is judged by what it has seen.
"""

import argparse
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise

from vega_datasets import data

from kato.client import Client, Expected, KatoError, NoAnswer, Processor

GENES = {"max_sequence_length": 3, "stm_mode": "ROLLING", "recall_threshold": 0.4}
"""Learn every window of three days, and listen only to what is like the last ones."""

Day = tuple[str, str]
"""A day as an event: its symbols, in their order."""

Way = Callable[[Day], Day | None]
"""A way to forecast, which is asked today and says tomorrow, or nothing."""


def warmth(degrees: float) -> str:
    """The day's highest temperature, in degrees Celsius, in a word."""
    return "cold" if degrees < 12 else "mild" if degrees < 20 else "warm"


def years() -> Mapping[int, Sequence[Day]]:
    """The daily weather of 2012 to 2015 that the package vega_datasets carries."""
    found: dict[int, list[Day]] = defaultdict(list)
    for row in data.seattle_weather().itertuples():
        weather, warm = sorted((row.weather, warmth(row.temp_max)))
        found[row.date.year].append((weather, warm))
    return found


def weather_of(day: Iterable[str]) -> str:
    """The weather of a day, without how warm it was."""
    return next(symbol for symbol in day if symbol not in ("cold", "mild", "warm"))


def likeliest(forecast: Iterable[Expected]) -> str:
    """The weather with the largest share in a forecast, however warm it becomes."""
    shares: dict[str, float] = defaultdict(float)
    for expected in forecast:
        shares[weather_of(expected.event)] += expected.share
    return max(sorted(shares), key=shares.__getitem__, default="nothing")


def plain_ways(known: Sequence[Day]) -> Mapping[str, Way]:
    """Ways to forecast that anybody would try first."""
    after: dict[Day, Counter[Day]] = defaultdict(Counter)
    for today, tomorrow in pairwise(known):
        after[today][tomorrow] += 1
    commonest = Counter(known).most_common(1)[0][0]
    return {
        "what mostly followed such a day": lambda day: max(
            sorted(after[day]), key=after[day].__getitem__, default=None
        ),
        "as today": lambda day: day,
        f"always {' '.join(commonest)}": lambda _: commonest,
    }


def judge(p: Processor, ways: Mapping[str, Way], year: Sequence[Day], today: Day) -> None:
    """Forecast day by day in each way, and tell how often each was right."""
    weathers: Counter[str] = Counter()
    days: Counter[str] = Counter()
    p.change_genes({"track_accuracy": True})
    for tomorrow in year:
        weathers["KATO"] += likeliest(p.forecast(limit=100)) == weather_of(tomorrow)
        for name, way in ways.items():
            expected = way(today)
            weathers[name] += expected is not None and weather_of(expected) == weather_of(tomorrow)
            days[name] += expected == tomorrow
        p.observe(tomorrow, brief=True)
        today = tomorrow
    accuracy = p.status().told["accuracy"]
    days["KATO"] = accuracy["top_1"]
    print(f"Right on {len(year)} days of the last year:    weather  and warmth")
    for name in ("KATO", *ways):
        shares = (f"{right[name] / len(year):6.1%}" for right in (weathers, days))
        print(f"  {name:<39}", "      ".join(shares))
    print(f"  {'among the first five of KATO':<51} {accuracy['top_5'] / len(year):6.1%}")


def tell_tomorrow(p: Processor, today: Day) -> None:
    """What is to be expected, and the best reason for it."""
    print(f"\nTomorrow, after {' '.join(today)}:")
    for expected in p.forecast(limit=5):
        print(f"  {expected.share:6.1%}  {' '.join(expected.event):<13} {expected.models} models")
    best = next(each for each in p.predictions() if each.future)
    print(
        f"\nThe best reason, with potential {best.potential:.3f}, was seen {best.frequency} times:"
    )
    for name, events in (("now", best.present), ("then", best.future)):
        print(f"  {name:<4}  {' | '.join(map(' '.join, events))}")


def main() -> None:
    """Learn three years, forecast the fourth, and tell how good that was."""
    parser = argparse.ArgumentParser(description="Forecast the weather of Seattle with KATO.")
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--processor", default="example-weather", help="is made to forget first")
    parser.add_argument("--limit", type=int, default=366, help="use only so many days of a year")
    arguments = parser.parse_args()
    *before, last = (days[: arguments.limit] for days in years().values())
    known = [day for year in before for day in year]
    with Client(arguments.url, key=os.environ.get("KATO_API_KEY")) as kato:
        p = kato.processor(arguments.processor)
        p.create({**GENES, "track_accuracy": False})
        p.clear_all_memory()
        p.observe_sequence(known, brief=True)
        print(f"Learned {p.status().models} windows of three days from {len(known)} days.\n")
        judge(p, plain_ways(known), last, known[-1])
        tell_tomorrow(p, last[-1])


if __name__ == "__main__":
    try:
        main()
    except NoAnswer as error:
        raise SystemExit(f"{error} (a server is started by ./kato-manager.sh start)") from None
    except KatoError as error:
        raise SystemExit(f"{error.error_code}: {error}") from None
