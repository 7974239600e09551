"""How the time of a question grows with the models, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

Points = Sequence[tuple[int, float]]
"""Models, and seconds."""

_LINES = {
    "difflib, all models": ("#8c564b", "s", "-"),
    "rapidfuzz, all models": ("#ff7f0e", "^", "-"),
    "KATO, Python, threshold 0.1": ("#1f77b4", "o", "--"),
    "KATO, native, threshold 0.1": ("#2ca02c", "o", "-"),
    "KATO, native, threshold 0.5": ("#17803d", "D", ":"),
}
"""What is drawn, with its colour, mark and stroke; the legend is in this order."""


def draw(points: Mapping[str, Points], path: Path, title: str) -> None:
    """Write a picture of the times.

    @param points: by the names of L{_LINES}.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5.2), layout="constrained")
    for name, (colour, mark, stroke) in _LINES.items():
        if points.get(name):
            models, seconds = zip(*points[name], strict=True)
            times = [each * 1e3 for each in seconds]
            axes.plot(models, times, color=colour, marker=mark, linestyle=stroke, label=name)
            axes.annotate(
                _told(times[-1]),
                (models[-1], times[-1]),
                textcoords="offset points",
                xytext=(7, -3),
                color=colour,
                fontsize=9,
            )
    axes.set(xscale="log", yscale="log", xlabel="models of 16 symbols", ylabel="ms for a question")
    axes.set_title(title, fontsize=11, loc="left")
    axes.grid(True, which="major", color="#dddddd")
    axes.spines[["top", "right"]].set_visible(False)
    axes.margins(x=0.12)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(path, dpi=130)


def _told(milliseconds: float) -> str:
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.3g} s"
    return f"{milliseconds:.3g} ms" if milliseconds >= 1 else f"{milliseconds * 1000:.0f} µs"
