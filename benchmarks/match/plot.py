"""The scaling as a picture."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.match.scaling import Points
from benchmarks.match.timing import told

_INK = "#3b3b3b"
_GRID = "#e4e4e4"


@dataclass(frozen=True, slots=True)
class _Line:
    label: str
    colour: str
    mark: str
    stroke: str


_LINES = {
    "difflib": _Line("difflib, all models (scaled)", "#8a5a44", "s", "-"),
    "python 0.1": _Line("KATO in Python, threshold 0.1", "#6a4c93", "v", "-"),
    "rapidfuzz": _Line("rapidfuzz, all models (LCS alone)", "#d9822b", "^", "-"),
    "native 0.1": _Line("KATO, threshold 0.1", "#1f6fb4", "o", "-"),
    "native 0.5": _Line("KATO, threshold 0.5", "#1a936f", "D", "-"),
}


def draw(points: Mapping[str, Points], path: Path) -> None:
    """Write a picture of seconds over models, each line named at its end.

    @param points: by the names that L{benchmarks.match.scaling.scale} gives.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 5.4), facecolor="white", layout="constrained")
    for name, line in _LINES.items():
        if name in points:
            _draw(axes, points[name], line)
    _scale(axes)
    axes.set_title(
        "One question, a growing memory",
        loc="left",
        fontsize=14,
        fontweight="bold",
        color=_INK,
        pad=24,
    )
    axes.text(
        *(0, 1.025, "Models of 16 symbols, vocabulary 50,000 (Zipf 1.1), states of 20; one thread"),
        transform=axes.transAxes,
        fontsize=10,
        color=_INK,
    )
    figure.savefig(path, dpi=140)
    plt.close(figure)


def _draw(axes: Any, points: Points, line: _Line) -> None:
    models, seconds = zip(*points, strict=True)
    axes.plot(
        *(models, seconds),
        color=line.colour,
        marker=line.mark,
        linestyle=line.stroke,
        linewidth=2,
        markersize=6,
    )
    axes.annotate(
        f"{told(seconds[-1])}  {line.label}",
        (models[-1], seconds[-1]),
        textcoords="offset points",
        xytext=(10, -4),
        color=line.colour,
        fontsize=10,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )


def _scale(axes: Any) -> None:
    """Axes that are read without counting zeros."""
    axes.set(xscale="log", yscale="log", xlim=(800, 1e8))
    axes.set_xticks([10**n for n in range(3, 7)], ["1,000", "10,000", "100,000", "1,000,000"])
    axes.set_yticks([10.0**n for n in range(-6, 2)], [told(10.0**n) for n in range(-6, 2)])
    axes.set_ylim(2e-6, 40)
    axes.minorticks_off()
    axes.tick_params(colors=_INK, length=0, labelsize=10)
    axes.set_xlabel("models", color=_INK, x=0.3)
    axes.set_ylabel("time for a question", color=_INK)
    axes.grid(True, color=_GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
