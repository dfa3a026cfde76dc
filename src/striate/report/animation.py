"""The window that slides over a map: as a GIF, and as a page stepped with the arrow keys."""

import io
import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from PIL import Image

from striate._errors import ShapeError
from striate.ops import MapTrace
from striate.report.drawing import draw
from striate.report.step import shapes_svg
from striate.report.step_board import Board, board_of
from striate.report.step_layout import Drawn, lay_grid, lay_step, note_of
from striate.report.step_raster import PALETTE, draw_pixels
from striate.report.step_sum import Sum, Term, description, sum_of
from striate.report.svg import element

__all__ = ["MOST_FRAMES", "step_gif", "step_page"]

MOST_FRAMES = 400
"""Steps that an animation has at most."""

_MARGIN = 16  # pixels
_HOLD = 3  # times as long the last frame stands, before the first comes again


def step_gif(trace: MapTrace, *, seconds: int | float = 0.8) -> bytes:
    """Return a GIF of the window that slides over the map, a frame a step, without end.

    Args:
        trace: What `ops.trace_map` returns, with at most `MOST_FRAMES` steps.
        seconds: How long a frame stands, in seconds; the last one three times as long.

    Raises:
        ShapeError: Too many steps, or a time that a GIF cannot hold.

    >>> import torch
    >>> from striate.ops import trace_map
    >>> step_gif(trace_map(torch.eye(3), torch.ones(2, 2)))[:6]
    b'GIF89a'
    """
    _check(trace)
    if not 0.02 <= seconds <= 60:
        raise ShapeError(f"seconds is {seconds}; a frame stands for 0.02 to 60")
    board, sums = board_of(trace), [sum_of(step) for step in trace.steps]
    drawn = [lay_step(board, i, total, _later(board, i)) for i, total in enumerate(sums)]
    size = (
        round(max(each.width for each in drawn)) + 2 * _MARGIN,
        round(max(each.height for each in drawn)) + 2 * _MARGIN,
    )
    frames = [draw_pixels(each, size, _MARGIN) for each in drawn]
    frames = [each.quantize(palette=PALETTE, dither=Image.Dither.NONE) for each in frames]
    times = [round(1000 * seconds)] * len(frames)
    times[-1] *= _HOLD
    file = io.BytesIO()
    frames[0].save(
        file, "GIF", save_all=True, append_images=frames[1:], duration=times, loop=0,
        optimize=True,  # what stands still is not written again
    )  # fmt: skip
    return file.getvalue()


def step_page(trace: MapTrace) -> str:
    """Return a page on which the window is stepped over the map, as one HTML file.

    It makes no request. Arrow keys, buttons, a slider, a press on an output square and a finger
    drawn sideways step; what comes of each step is said to screen readers.

    Args:
        trace: What `ops.trace_map` returns, with at most `MOST_FRAMES` steps.

    Raises:
        ShapeError: Too many steps.
    """
    _check(trace)
    board, sums = board_of(trace), [sum_of(step) for step in trace.steps]
    weights = _shared_weights(sums)
    frames = [_frame(board, i, total, shared=weights is not None) for i, total in enumerate(sums)]
    data = json.dumps({"frames": frames, "weights": weights}, separators=(",", ":"))
    return draw(
        "step.html",
        title=f"{description(trace)} · Striate",
        sections=(),
        styles=("theme", "step", "walk"),
        program="step.js",
        heading=description(trace).replace(" × ", "\u00a0×\u00a0"),
        steps=len(trace.steps),
        said=sums[0].said,
        formula=sums[0].formula,
        note=note_of(board),
        maps=_maps(board),
        # A script's text ends at the first `</`, whatever it is part of.
        data=Markup(data.replace("<", "\\u003c")),
    )


def _check(trace: MapTrace) -> None:
    if len(trace.steps) > MOST_FRAMES:
        raise ShapeError(
            f"an animation has at most {MOST_FRAMES} steps, but the trace has {len(trace.steps)}; "
            f"trace fewer: most={MOST_FRAMES}"
        )


def _later(board: Board, index: int) -> list[tuple[int, int]]:
    """Return the output cells that come after a step."""
    return [board.place(step) for step in board.trace.steps[index + 1 :]]


def _maps(board: Board) -> list[Markup]:
    """Return the maps, each as a picture of its own, as they are at the first step."""
    step = board.trace.steps[0]
    row, column = board.place(step)
    window = board.window(step)
    inputs = [(grid.name, lay_grid(grid, window, "input"), "input") for grid in board.inputs]
    output = lay_grid(board.output, ((row,), (column,)), "output", _later(board, 0))
    return [_map(*part) for part in [*inputs, (board.output.name, output, "output")]]


def _map(name: str, drawn: Drawn, role: str) -> Markup:
    width, height = f"{drawn.width:.0f}", f"{drawn.height:.0f}"
    return element(
        "svg", shapes_svg(drawn), viewBox=f"0 0 {width} {height}", width=width, height=height,
        class_="step", role="img", aria_label=name, data_role=role,
    )  # fmt: skip


def _frame(board: Board, index: int, total: Sum, *, shared: bool) -> dict[str, Any]:
    """Return what changes with a step, as the page's script reads it."""
    step = board.trace.steps[index]
    rows, columns = board.window(step)
    row, column = board.place(step)
    return {
        "at": f"{row},{column}",
        "rows": rows,
        "columns": columns,
        "terms": [_term(term, shared=shared) for term in total.terms],
        "left": total.left_out,
        "formula": total.formula,
        "said": total.said,
    }


def _term(term: Term, *, shared: bool) -> dict[str, Any]:
    return {
        "name": term.name.capitalize(),
        "values": term.values,
        "weights": None if shared else term.weights,
        "products": term.products,
        "real": [[int(real) for real in row] for row in term.real],
        "winner": term.winner,
    }


def _shared_weights(sums: Sequence[Sum]) -> list[Any] | None:
    """Return the weights of each plane if they are the same in every step: told once, not often."""
    first = [term.weights for term in sums[0].terms]
    same = all([term.weights for term in total.terms] == first for total in sums)
    return first if same else None
