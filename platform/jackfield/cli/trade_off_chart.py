"""The trade-off between a model's formats as a chart: speed against divergence, reading and writing side by side."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jackfield.errors import InvalidRequest, MissingDependency, StateUnavailable

if TYPE_CHECKING:
    from jackfield.models.tuning.trade_off import Measured
    from jackfield.models.tuning.tuner import Tuning

KINDS = (".svg", ".png", ".pdf")
INK, PALE, CHOSEN = "#333333", "#8a8a8a", "#c2410c"
MARGIN = 0.15
"""Of an axis' span, kept free for labels."""


def require_drawable(path: Path) -> None:
    """Raises InvalidRequest or MissingDependency where no chart could be drawn to a file."""
    if path.suffix.lower() not in KINDS:
        raise InvalidRequest(f"A chart is drawn to a {', '.join(KINDS)} file, not to '{path.name}'.", parameter="plot")
    if not path.absolute().parent.is_dir():
        raise InvalidRequest(f"There is no folder {path.absolute().parent} to draw a chart into.", parameter="plot")
    if find_spec("matplotlib") is None:
        raise MissingDependency("matplotlib is not installed; install it with `pip install 'jackfield[plot]'`.")


def draw(tuning: Tuning, path: Path) -> None:
    """Draw to a file, which is there whole or not at all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    reading, writing = figure.subplots(1, 2, sharex=True)
    _panel(reading, tuning, "prefill", lambda each: each.speed.prefill)
    _panel(writing, tuning, "decode", lambda each: each.speed.decode)
    figure.suptitle(f"Formats of {tuning.model} on this machine", color=INK)
    scratch = path.with_name(f".{path.name}.partial")
    try:
        figure.savefig(scratch, format=path.suffix[1:].lower(), dpi=150)
        scratch.replace(path)
    except OSError as error:
        scratch.unlink(missing_ok=True)
        raise StateUnavailable(f"The chart {path} cannot be written: {error.strerror or error}.") from error


def _panel(axes: Any, tuning: Tuning, what: str, speed: Callable[[Measured], float]) -> None:
    """One kind of speed: a point a format, a dashed line for the file as pulled."""
    found = tuning.measurements
    axes.axhline(speed(found.as_pulled), color=PALE, linestyle="--", linewidth=1)
    axes.annotate(
        f"as pulled ({found.as_pulled.summary.partition(',')[0]})",
        (1, speed(found.as_pulled)),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=PALE,
        fontsize=9,
    )
    for each in found.formats:
        chosen = found.chosen is not None and each.name == found.chosen.name
        at = each.divergence.mean, speed(each)
        axes.scatter(*at, color=CHOSEN if chosen else INK, s=44 if chosen else 28, zorder=3)
        axes.annotate(
            each.name, at, xytext=(6, 5), textcoords="offset points", fontsize=9, color=CHOSEN if chosen else INK
        )
    axes.margins(MARGIN, MARGIN)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.set_title(f"{what}, tokens a second", fontsize=10, color=INK, loc="left")
    axes.set_xlabel("KL divergence from the file as pulled, nats", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)
