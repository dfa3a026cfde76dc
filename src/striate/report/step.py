"""One step of a convolution or a pooling as a picture: input, window, sum, output."""

from importlib import resources

from markupsafe import Markup

from striate._errors import ShapeError
from striate.ops import MapTrace
from striate.report.step_board import board_of
from striate.report.step_layout import HEIGHT, Box, Drawn, Frame, Label, lay_step
from striate.report.step_sum import description, sum_of
from striate.report.svg import element

__all__ = ["shapes_svg", "step_svg"]

_MARGIN = 20
_NAMES = "http://www.w3.org/2000/svg"


def step_svg(trace: MapTrace, index: int = 0, *, standalone: bool = True) -> str:
    """Return the picture of one step of `trace` as SVG.

    The input is drawn with its padding and the window in it, of a large map the part around the
    windows, of many channels the first three; under it the numbers under the window, the weights
    and the products, and their sum; at its side the output.

    Args:
        trace: What `ops.trace_map` returns.
        index: Which of its steps.
        standalone: Whether it is a file of its own, which brings its colours along, light or dark
            as the reader's system is. Else it takes those of the page around it, which needs the
            style sheet `step.css`.

    Raises:
        ShapeError: There is no such step.

    >>> import torch
    >>> from striate.ops import trace_map
    >>> step_svg(trace_map(torch.eye(3), torch.ones(2, 2)))[:4]
    '<svg'
    """
    if not 0 <= index < len(trace.steps):
        raise ShapeError(f"index is {index}; the trace has {len(trace.steps)} steps, from 0")
    total = sum_of(trace.steps[index])
    drawn = lay_step(board_of(trace), index, total).moved(_MARGIN, _MARGIN)
    style = [element("style", Markup(_style()))] if standalone else []
    ground = [element("rect", width="100%", height="100%", class_="paper")] if standalone else []
    width, height = f"{drawn.width + _MARGIN:.0f}", f"{drawn.height + _MARGIN:.0f}"
    picture = element(
        "svg",
        *style,
        *ground,
        shapes_svg(drawn),
        xmlns=_NAMES,
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        class_="step",
        role="img",
        aria_label=f"{description(trace)}. {total.said} {total.formula}.",
    )
    return f"{picture}\n" if standalone else str(picture)


def shapes_svg(drawn: Drawn) -> Markup:
    """Return the shapes of a drawing as elements of SVG, to be styled by `step.css`."""
    return element("g", *map(_shape, drawn.shapes))


def _shape(shape: Box | Label | Frame) -> Markup:
    if isinstance(shape, Label):
        return element("text", shape.text, x=shape.x, y=shape.y, class_=f"label {shape.look}")
    if isinstance(shape, Frame):
        return element(
            "rect", x=shape.x, y=shape.y, width=shape.width, height=shape.height, rx=3,
            class_=f"frame {shape.look}",
        )  # fmt: skip
    edge = shape.inset
    box = {"x": shape.x + edge, "y": shape.y + edge, "width": shape.width - 2 * edge}
    return element(
        "g",
        element("rect", **box, height=HEIGHT - 2 * edge),
        element("text", shape.text, x=shape.x + shape.width / 2, y=shape.y + HEIGHT / 2),
        class_=shape.look,
        data_at=None if shape.at is None else f"{shape.at[0]},{shape.at[1]}",
    )


def _style() -> str:
    folder = resources.files("striate.report") / "templates" / "style"
    return "".join((folder / f"{name}.css").read_text("utf-8") for name in ("theme", "step"))
