"""The learning-rate range test as a chart: loss over the rate, and the rate to train with."""

import math
from importlib import resources

from markupsafe import Markup

from striate.report import wording
from striate.report.charts import Frame, frame
from striate.report.drawing import draw
from striate.report.scales import Scale, labels, ticks, widened
from striate.report.sections import Section
from striate.report.svg import element, polyline
from striate.train import RateCurve

__all__ = ["rate_page", "rate_svg"]

_SIZE = Frame(640, 360)
_IN_PAGE = Frame(544, 320)  # 34 rem, the widest a chart gets there
_ROOM = 0.25  # above the first loss, in shares of the fall: a blow-up must not flatten the rest


def rate_svg(curve: RateCurve) -> str:
    """Return the curve as an SVG file, in the reader's light or dark colours.

    >>> curve = RateCurve(rates=(0.01, 0.1, 1.0), losses=(2.0, 1.0, 1.5), smoothed=(2.0, 1.4, 1.5),
    ...                   suggested=0.03)
    >>> rate_svg(curve)[:4]
    '<svg'
    """
    folder = resources.files("striate.report") / "templates" / "style"
    style = "".join((folder / f"{name}.css").read_text("utf-8") for name in ("theme", "charts"))
    ground = element("rect", width="100%", height="100%", fill="var(--page)")
    return f"{_chart(curve, _SIZE, element('style', Markup(style)), ground)}\n"


def rate_page(curve: RateCurve, *, network: str, data: str) -> str:
    """Return the curve as one HTML file that opens offline: the chart, what it says, the numbers.

    Args:
        curve: What `striate.find_rate` returned.
        network: What was trained.
        data: What it was trained on.
    """
    rows = list(zip(curve.rates, curve.losses, curve.smoothed, strict=True))
    view = {"chart": _chart(curve, _IN_PAGE), "rows": rows, "rate": f"{curve.suggested:.2g}"}
    return draw(
        "rate.html",
        title=f"Learning rate of {network} on {data} · Striate",
        sections=[
            Section(id="curve", title="Loss over learning rate", view=view),
            Section(id="steps", title="The numbers of every step", view=view),
        ],
        folder="rate",
        network=network,
        data=data,
        rate=f"{curve.suggested:.2g}",
        lowest=f"{curve.rates[0]:.2g}",
        highest=f"{curve.rates[-1]:.2g}",
    )


def _chart(curve: RateCurve, size: Frame, *ground: Markup) -> Markup:
    x, y = _scales(curve, size)
    up = ticks(y.low, y.high)
    return element(
        "svg",
        *ground,
        *frame(
            size,
            [(x(math.log10(rate)), f"{rate:.2g}") for rate in _marked(x.low, x.high)],
            [(y(value), text) for value, text in zip(up, labels(up), strict=True)],
            x_name="learning rate",
            y_name="loss",
        ),
        _lines(curve, x, y),
        *_suggestion(curve, size, x),
        xmlns="http://www.w3.org/2000/svg" if ground else None,
        width=size.width if ground else None,
        height=size.height if ground else None,
        class_="chart",
        viewBox=f"0 0 {size.width} {size.height}",
        role="img",
        aria_label=_summary(curve),
    )


def _scales(curve: RateCurve, size: Frame) -> tuple[Scale, Scale]:
    """Return the axes: the logarithm of the rate, and the loss up to a little over its first."""
    low, high = math.log10(curve.rates[0]), math.log10(curve.rates[-1])
    least, first = min(curve.smoothed), curve.smoothed[0]
    top = first + _ROOM * (first - least) if first > least else max(curve.smoothed)
    bottom, top = widened(min(curve.losses), top)
    return Scale(low, max(high, low + 1e-6), *size.x), Scale(bottom, top, *size.y)


def _marked(low: float, high: float) -> list[float]:
    """Return the rates to mark between two logarithms: powers of ten, or finer where few fit.

    >>> _marked(-2.0, 0.5), _marked(-1.9, -1.2), _marked(-1.7, -1.6)
    ([0.01, 0.1, 1.0], [0.02, 0.05], [0.02, 0.025])
    """
    powers = range(math.floor(low), math.ceil(high) + 1)
    for mantissas in ((1,), (1, 2, 5)):
        rates = [float(f"{m}e{power}") for power in powers for m in mantissas]
        within = [rate for rate in rates if low - 1e-9 <= math.log10(rate) <= high + 1e-9]
        if len(within) >= 2:
            return within[:: math.ceil(len(within) / 9)]
    return [float(f"{10**low:.2g}"), float(f"{10**high:.2g}")]


def _lines(curve: RateCurve, x: Scale, y: Scale) -> Markup:
    """Return raw and smoothed loss; an inner svg cuts off what lies above the axis."""
    left, right = x.start, x.end
    box = {"x": left, "y": y.end, "width": right - left, "height": y.start - y.end}
    paths = [
        element(
            "path",
            element("title", name),
            d=polyline((x(math.log10(r)), y(v)) for r, v in zip(curve.rates, values, strict=True)),
            class_=look,
        )
        for name, values, look in (
            ("loss of each step", curve.losses, "line look-1 faint"),
            ("smoothed loss", curve.smoothed, "line look-1"),
        )
    ]
    return element("svg", *paths, **box, viewBox=" ".join(f"{v:g}" for v in box.values()))


def _suggestion(curve: RateCurve, size: Frame, x: Scale) -> list[Markup]:
    """Return a line at the suggested rate, and its name on the side where there is room."""
    place = x(math.log10(curve.suggested))
    left_half = place < sum(size.x) / 2
    return [
        element("path", d=f"M{place:.1f} {size.y[0]}V{size.y[1]}", class_="ideal"),
        element(
            "text",
            f"suggested: {curve.suggested:.2g}",
            x=place + (6 if left_half else -6),
            y=size.y[1] + 10,
            text_anchor="start" if left_half else "end",
            class_="axis-name",
        ),
    ]


def _summary(curve: RateCurve) -> str:
    least = min(range(len(curve.smoothed)), key=curve.smoothed.__getitem__)
    return (
        f"Loss over the learning rate, from {curve.rates[0]:.2g} to {curve.rates[-1]:.2g}: "
        f"{wording.decimal(curve.smoothed[0])} at first, least at {curve.rates[least]:.2g} with "
        f"{wording.decimal(curve.smoothed[least])}. Suggested: {curve.suggested:.2g}."
    )
