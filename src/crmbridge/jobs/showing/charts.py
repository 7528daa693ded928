"""Draws charts as SVG to embed in a page; extra `charts` (matplotlib)."""

import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

HOW = "Charts are drawn where matplotlib is: pip install 'crmbridge[charts]'."
"""Told in a report without charts."""

_COLOURS = ("#2f6db3", "#c26a2e", "#4c9a63", "#8a5fb0")
_MOST_LABEL = 28

Series = Mapping[str, Sequence[float | None]]


def can_draw() -> bool:
    """Whether the extra is installed."""
    return find_spec("matplotlib") is not None


def bars(labels: Sequence[str], series: Series, unit: str) -> str:
    """Horizontal bars, one group for each label from the top, as SVG; "" without the extra.

    Args:
        series: name -> a value for each label; None is no bar.
        unit: of the values, written at the axis.
    """
    if not labels or not can_draw():
        return ""
    figure, axes = _figure(0.9 + 0.32 * len(labels) * max(len(series) * 0.6, 1))
    height = 0.8 / len(series)
    for number, (name, values) in enumerate(series.items()):
        places = [at + (number - (len(series) - 1) / 2) * height for at in range(len(labels))]
        known = [0.0 if value is None else float(value) for value in values]
        axes.barh(places, known, height, label=name, color=_COLOURS[number % len(_COLOURS)])
    axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.set_xlabel(unit)
    return _svg(figure, axes, len(series))


def lines(labels: Sequence[str], series: Series, unit: str) -> str:
    """Lines over labels in order, as SVG; gaps where a value is None; "" without the extra."""
    if not labels or not can_draw():
        return ""
    figure, axes = _figure(2.8)
    for number, (name, values) in enumerate(series.items()):
        known = [float("nan") if value is None else float(value) for value in values]
        colour = _COLOURS[number % len(_COLOURS)]
        axes.plot(range(len(labels)), known, marker="o", ms=3.5, label=name, color=colour)
    step = max(1, len(labels) // 12)
    shown = range(0, len(labels), step)
    axes.set_xticks(list(shown), [_short(labels[at]) for at in shown])
    axes.set_ylabel(unit)
    return _svg(figure, axes, len(series))


def _figure(height: float):  # type: ignore[no-untyped-def]  # matplotlib only when asked for
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, min(height, 9.0)), layout="constrained")
    axes = figure.add_subplot()
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(labelsize=8)
    return figure, axes


def _svg(figure, axes, series: int) -> str:  # type: ignore[no-untyped-def]
    """The figure as an SVG element, the same for the same numbers: no time, no random ids."""
    import matplotlib as mpl

    if series > 1:
        axes.legend(frameon=False, fontsize=8)
    out = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "crmbridge", "svg.fonttype": "none"}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(out, format="svg", metadata=nothing)
    text = out.getvalue()
    return text[text.index("<svg") :]


def _short(text: str) -> str:
    return text if len(text) <= _MOST_LABEL else f"{text[: _MOST_LABEL - 1]}…"
