"""The trade-off between a model's formats as a chart: speed against divergence, reading and writing side by side."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jackfield.errors import InvalidRequest, MissingDependency, StateUnavailable

if TYPE_CHECKING:
    from jackfield.models.tuning.measuring import Measurements
    from jackfield.models.tuning.trade_off import Measured
    from jackfield.models.tuning.tuner import Tuning

KINDS = (".svg", ".png", ".pdf")
INK, PALE, CHOSEN = "#333333", "#8a8a8a", "#c2410c"
POINT = 4
"""Pixels from a point's middle to its edge."""
PLACES = (
    (0, 6, "center", "bottom"),
    (0, -6, "center", "top"),
    (7, 0, "left", "center"),
    (-7, 0, "right", "center"),
    (7, 10, "left", "bottom"),
    (7, -10, "left", "top"),
)
"""Of a point's name, in points from it, the best first; the last is taken where none is free."""
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
    figure.suptitle(f"Formats of {tuning.model} on this machine", color=INK)
    panels: tuple[tuple[Any, str, Callable[[Measured], float]], ...] = (
        (reading, "prefill", lambda each: each.speed.prefill),
        (writing, "decode", lambda each: each.speed.decode),
    )
    for axes, what, speed in panels:
        _panel(axes, tuning, what, speed)
    figure.canvas.draw()  # from here on places are known
    for axes, _, speed in panels:
        _label(axes, tuning, speed)
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
        f"as pulled ({found.as_pulled.summary})",
        (1, speed(found.as_pulled)),
        xycoords=("axes fraction", "data"),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        color=PALE,
        fontsize=9,
    )
    for each in found.formats:
        chosen = _is_chosen(each, found)
        axes.scatter(
            each.divergence.mean, speed(each), color=CHOSEN if chosen else INK, s=44 if chosen else 28, zorder=3
        )
    axes.margins(MARGIN, MARGIN)
    axes.set_xlim(left=-axes.get_xlim()[1] / 16)  # room for the name of what hardly diverges
    axes.set_ylim(bottom=0)
    axes.set_title(f"{what}, tokens a second", fontsize=10, color=INK, loc="left")
    axes.set_xlabel("KL divergence from the file as pulled, nats", color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, color="#eeeeee", linewidth=0.8)
    axes.set_axisbelow(True)


def _label(axes: Any, tuning: Tuning, speed: Callable[[Measured], float]) -> None:
    """Name each point where its name lies on no other's, nor on another point."""
    found = tuning.measurements
    spots = {each.name: (each.divergence.mean, speed(each)) for each in found.formats}
    taken = [_around(axes, spot) for spot in spots.values()]
    for each in found.formats:
        colour = CHOSEN if _is_chosen(each, found) else INK
        for x, y, across, along in PLACES:
            label = axes.annotate(
                each.name,
                spots[each.name],
                xytext=(x, y),
                textcoords="offset points",
                ha=across,
                va=along,
                fontsize=9,
                color=colour,
            )
            box = label.get_window_extent()
            if (x, y) == PLACES[-1][:2] or not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            label.remove()


def _around(axes: Any, spot: tuple[float, float]) -> Any:
    """The pixels of a point."""
    from matplotlib.transforms import Bbox

    x, y = axes.transData.transform(spot)
    return Bbox.from_extents(x - POINT, y - POINT, x + POINT, y + POINT)


def _is_chosen(each: Measured, found: Measurements) -> bool:
    return found.chosen is not None and each.name == found.chosen.name
