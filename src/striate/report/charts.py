"""Line charts as SVG: axes, grid, lines with their own dash and marker, and a summary in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from striate.report.curves import every
from striate.report.scales import Scale, labels, span, ticks, widened
from striate.report.svg import element, polyline, rounded

__all__ = ["FRAME", "Frame", "Line", "Mark", "frame", "key", "line_chart"]


@dataclass(frozen=True)
class Frame:
    """The size of a chart, in units that are pixels where it is drawn as wide as it is."""

    width: int
    height: int

    left, right, top, bottom = 46, 10, 24, 38

    @property
    def x(self) -> tuple[int, int]:
        """Where the horizontal axis starts and ends."""
        return self.left, self.width - self.right

    @property
    def y(self) -> tuple[int, int]:
        """Where the vertical axis starts, which is below, and ends."""
        return self.height - self.bottom, self.top


FRAME = Frame(380, 236)
"""Two of them stand side by side on a wide screen, and one fills that of a phone."""

_MARKERS = 30  # of a line at most


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a chart.

    Attributes:
        name: What it is, for the legend and the readout.
        x: Places, rising.
        y: Values; None breaks the line.
        look: 1 to 8: colour, dash and marker, from the style sheet.
        faint: Whether it is only the ground of another: thin, pale, not read out, not measured.
        markers: Whether points are marked; of many only some.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float | None]
    look: int = 1
    faint: bool = False
    markers: bool = False


@dataclass(frozen=True)
class Mark:
    """One point of a chart that is ringed."""

    x: float
    y: float


def line_chart(
    lines: Sequence[Line],
    *,
    x_name: str,
    y_name: str,
    summary: str,
    kind: str = "number",
    y_range: tuple[float | None, float | None] = (None, None),
    whole_x: bool = False,
    marks: Sequence[Mark] = (),
    high: float | None = None,
    size: Frame = FRAME,
) -> Markup:
    """Return the lines on common axes.

    Args:
        lines: What is drawn, the first lowest.
        x_name: Name and unit of the horizontal axis.
        y_name: Name and unit of the vertical axis.
        summary: The chart in words.
        kind: How values are written: `number` or `percent`.
        y_range: Values that the vertical axis may not pass, such as 1 for a share.
        whole_x: Whether only whole numbers are marked on the horizontal axis.
        marks: Points to ring.
        high: Where the vertical axis ends though lines go on above it.
        size: How large it is.
    """
    x, y = _scales(lines, y_range, high, size)
    across, up = ticks(x.low, x.high, 6, whole=whole_x), ticks(y.low, y.high)
    return element(
        "svg",
        *frame(
            size,
            [(x(v), text) for v, text in zip(across, labels(across), strict=True)],
            [(y(v), text) for v, text in zip(up, labels(up, kind), strict=True)],
            x_name=x_name,
            y_name=y_name,
        ),
        _plot([_drawn(line, x, y) for line in lines], size),
        *[element("circle", cx=x(m.x), cy=y(m.y), r=5.5, class_="ring") for m in marks],
        class_="chart",
        viewBox=f"0 0 {size.width} {size.height}",
        role="img",
        aria_label=summary,
        data_kind=kind,
        data_frame=f"{size.x[0]} {size.y[1]} {size.x[1]} {size.y[0]}",
        data_domain=f"{x.low:g} {x.high:g} {y.low:g} {y.high:g}",
        data_x=x_name,
    )


def key(line: Line) -> Markup:
    """Return the sample of a line that stands in a legend."""
    parts = [element("path", d="M1 7H31", class_=_class(line))]
    if line.markers:
        parts.append(element("circle", cx=16, cy=7, r=3, class_=f"dot look-{line.look}"))
    return element("svg", *parts, class_="key", viewBox="0 0 32 14", aria_hidden="true")


def frame(
    size: Frame,
    across: Sequence[tuple[float, str]],
    up: Sequence[tuple[float, str]],
    *,
    x_name: str,
    y_name: str,
) -> list[Markup]:
    """Return the axes of a chart: places and texts of the ticks, a grid, names."""
    left, right = size.x
    base = size.y[0]
    parts = [element("text", y_name, x=4, y=12, class_="axis-name")]
    for place, text in up:
        parts.append(element("path", d=f"M{left} {rounded(place)}H{right}", class_="grid"))
        parts.append(element("text", text, x=left - 6, y=place + 3.8, text_anchor="end"))
    parts.append(element("path", d=f"M{left} {base}H{right}", class_="base"))
    for place, text in across:
        parts.append(element("path", d=f"M{rounded(place)} {base}v4", class_="base"))
        parts.append(element("text", text, x=place, y=base + 16, text_anchor="middle"))
    middle, foot = (left + right) / 2, size.height - 5
    name = element("text", x_name, x=middle, y=foot, text_anchor="middle", class_="axis-name")
    return [*parts, name]


def _scales(
    lines: Sequence[Line],
    y_range: tuple[float | None, float | None],
    high: float | None,
    size: Frame,
) -> tuple[Scale, Scale]:
    clear = [line for line in lines if not line.faint] or list(lines)
    xs = span(x for line in lines for x in line.x) or (0.0, 1.0)
    ys = span(y for line in clear for y in line.y) or (0.0, 1.0)
    top = ys[1] if high is None else min(high, ys[1])
    low, top = widened(min(ys[0], top), top, floor=y_range[0], ceiling=y_range[1])
    right = xs[1] if xs[1] > xs[0] else xs[0] + 1
    return Scale(xs[0], right, *size.x), Scale(low, top, *size.y)


def _class(line: Line) -> str:
    return f"line look-{line.look}{' faint' if line.faint else ''}"


def _plot(drawn: Sequence[Markup], size: Frame) -> Markup:
    """Return the lines within the frame; an inner svg cuts off what lies outside."""
    room = 6  # for the width of lines and markers on the edge
    box = {
        "x": size.x[0] - room,
        "y": size.y[1] - room,
        "width": size.x[1] - size.x[0] + 2 * room,
        "height": size.y[0] - size.y[1] + 2 * room,
    }
    return element("svg", *drawn, **box, viewBox=" ".join(str(v) for v in box.values()))


def _drawn(line: Line, x: Scale, y: Scale) -> Markup:
    places = [(x(a), None if b is None else y(b)) for a, b in zip(line.x, line.y, strict=True)]
    told = (
        {}
        if line.faint
        else {
            "data_name": line.name,
            "data_xs": " ".join(f"{a:.6g}" for a in line.x),
            "data_ys": " ".join("-" if b is None else f"{b:.5g}" for b in line.y),
        }
    )
    path = element("path", d=polyline(places), class_=_class(line), **told)
    if not line.markers:
        return path
    dots = [
        element("circle", cx=places[i][0], cy=places[i][1], r=2.6, class_=f"dot look-{line.look}")
        for i in every(len(places), _MARKERS)
        if places[i][1] is not None
    ]
    return element("g", path, *dots)
