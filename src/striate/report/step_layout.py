"""Where the squares, words and frames of a step stand, whatever they are drawn with."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from striate.ops import MapTrace
from striate.report.step_board import LEVELS, Board, Grid, Square, square_width
from striate.report.step_sum import Sum, Term, description
from striate.report.wording import count

__all__ = ["HEIGHT", "Box", "Drawn", "Frame", "Label", "lay_grid", "lay_step", "note_of"]

HEIGHT = 30
"""Height of a square, in pixels at the size at which the picture is drawn."""

SIZES = {"title": 17, "said": 13.5, "name": 12, "axis": 10.5, "note": 12, "sign": 20, "sum": 16}
"""Height of the letters of each kind of label, in pixels."""

_LETTER = 0.66  # of a letter's height, its width on average: wide rather than narrow
_HEAD = 40  # room for a name and the columns' coordinates
_SIDE = 24  # room for the rows' coordinates
_GAP, _LINE = 36, 20
_PADDING = {
    "zeros": "zeros", "reflect": "the cells reflected", "replicate": "the edge repeated",
    "circular": "the far side",
}  # fmt: skip

Places = tuple[Collection[int], Collection[int]]


@dataclass(frozen=True)
class Box:
    """A square with a number in it; `look` are words that the style knows, `at` its coordinates."""

    x: int | float
    y: int | float
    width: int | float
    text: str
    look: str
    at: tuple[int, int] | None = None

    @property
    def inset(self) -> int | float:
        """How far its lines stand inside: dashes of neighbours would close one another's gaps."""
        words = self.look.split()
        return 2.5 if {"padding", "between", "none"} & set(words) else 0.0


@dataclass(frozen=True)
class Label:
    """A line of text, its middle at `y`; it begins at `x`, or has its middle there."""

    x: int | float
    y: int | float
    text: str
    look: str

    @property
    def middle(self) -> bool:
        """Whether `x` is its middle."""
        return self.look in ("axis", "sign")


@dataclass(frozen=True)
class Frame:
    """The frame around a window; `look` is `input` or `output`."""

    x: int | float
    y: int | float
    width: int | float
    height: int | float
    look: str


@dataclass(frozen=True)
class Drawn:
    """Shapes, and the room they take in pixels."""

    shapes: tuple[Box | Label | Frame, ...]
    width: int | float
    height: int | float

    def moved(self, x: int | float, y: int | float) -> "Drawn":
        """Return it further to the right and below."""
        shapes = tuple(replace(shape, x=shape.x + x, y=shape.y + y) for shape in self.shapes)
        return Drawn(shapes, self.width + x, self.height + y)


def lay_step(
    board: Board, index: int, total: Sum, later: Collection[tuple[int, int]] = ()
) -> Drawn:
    """Return the whole picture of one step.

    Args:
        board: Maps.
        index: Which step of the trace.
        total: Its sum.
        later: Output cells whose number is not shown yet.
    """
    step = board.trace.steps[index]
    row, column = board.place(step)
    inputs = [lay_grid(grid, board.window(step), "input") for grid in board.inputs]
    output = lay_grid(board.output, ((row,), (column,)), "output", later)
    terms = [_term(term) for term in total.terms]
    parts = [_head(board.trace, total), _beside([*inputs, output]), *terms, _foot(board, total)]
    return _below([part for part in parts if part.height])


def lay_grid(grid: Grid, hit: Places, role: str, later: Collection[tuple[int, int]] = ()) -> Drawn:
    """Return a map with its coordinates, the squares of `hit` marked and framed.

    Args:
        grid: The map, or a part of it.
        hit: Rows and columns that are marked, by their coordinates.
        role: `input` or `output`.
        later: Squares whose number is not shown yet.
    """
    width, rows, columns = grid.square, grid.rows, grid.columns
    shapes: list[Box | Label | Frame] = [Label(_SIDE, 9, grid.name, "name")]
    for i, column in enumerate(columns):
        shapes.append(Label(_SIDE + (i + 0.5) * width, 30, _minus(column), "axis"))
    for i, row in enumerate(rows):
        top = float(_HEAD + i * HEIGHT)
        if not grid.flat:
            shapes.append(Label(_SIDE / 2, top + HEIGHT / 2, _minus(row), "axis"))
        for j, column in enumerate(columns):
            marked = row in hit[0] and column in hit[1]
            look = f"{_look(grid.squares[i][j])} {role}{' hit' if marked else ''}"
            look += " later" if (row, column) in later else ""
            shapes.append(
                Box(_SIDE + j * width, top, width, grid.squares[i][j].text, look, (row, column))
            )
    frame = _frame(grid, hit, width, role)
    width, height = _SIDE + len(columns) * width + 2, _HEAD + len(rows) * HEIGHT + 2.0
    return Drawn((*shapes, *frame), width, height)


def note_of(board: Board) -> str:
    """Return what the dashed squares are, and what is not drawn."""
    step = board.trace.steps[0]
    looks = {s.look for grid in board.inputs for row in grid.squares for s in row}
    words: list[str] = []
    if "padding" in looks:
        mode = step.settings.get("padding_mode", "zeros")
        pooled = step.kind.endswith("pooling")
        words.append("Dashed: padding." if pooled else f"Dashed: padding, {_PADDING[mode]}.")
    if "between" in looks:
        words.append("Dashed between cells: the zeros that the stride puts there.")
    if len(board.inputs) < board.planes:
        first = "one is" if len(board.inputs) == 1 else f"{len(board.inputs)} are"
        words.append(f"Of the {count(board.planes)} planes that are read, {first} drawn.")
    if not (board.output.whole and all(grid.whole for grid in board.inputs)):
        words.append("Of each large map the part around the window.")
    return " ".join(words)


def _term(term: Term) -> Drawn:
    """Return the numbers under the window, the weights and the products side by side."""
    shapes: list[Box | Label | Frame] = []
    head = 0.0
    if term.name:
        shapes.append(Label(0, 9, term.name.capitalize(), "name"))
        head = 24.0
    x, height = 0.0, len(term.values) * HEIGHT
    for sign, rows in zip(("", "×", "="), (term.values, term.weights, term.products), strict=True):
        if rows is None:
            continue
        if sign:
            shapes.append(Label(x + 18, head + height / 2, sign, "sign"))
            x += 36
        width = square_width(max(len(text) for row in rows for text in row))
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                look = "sq term" if term.real[i][j] or sign == "×" else "sq term none"
                if not sign:
                    look += " won" if term.winner == (i, j) else " hit"
                shapes.append(Box(x + j * width, head + i * HEIGHT, width, text, look))
        x += len(rows[0]) * width
    return Drawn(tuple(shapes), x + 2, head + height + 2)


def _head(trace: MapTrace, total: Sum) -> Drawn:
    return _lines([(description(trace), "title", 30), (total.said, "said", 18)])


def _foot(board: Board, total: Sum) -> Drawn:
    lines = [(total.left_out, "note", 18), (total.formula, "sum", 28), (note_of(board), "note", 18)]
    return _lines([line for line in lines if line[0]])


def _lines(lines: Sequence[tuple[str, str, int]]) -> Drawn:
    shapes, y, width = [], 0.0, 0.0
    for text, look, height in lines:
        shapes.append(Label(0, y + height / 2, text, look))
        y += height
        width = max(width, _LETTER * SIZES[look] * len(text))
    return Drawn(tuple(shapes), width, y)


def _look(square: Square) -> str:
    words = ["sq", square.look]
    if square.look == "cell":
        words.append(f"v{min(square.level, LEVELS)}")
    return " ".join(words)


def _frame(grid: Grid, hit: Places, width: int | float, role: str) -> list[Frame]:
    """Return the frame around the first and the last square that are marked."""
    rows = [grid.rows.index(row) for row in hit[0] if row in grid.rows]
    columns = [grid.columns.index(column) for column in hit[1] if column in grid.columns]
    if not rows or not columns:
        return []
    return [
        Frame(
            _SIDE + min(columns) * width,
            float(_HEAD + min(rows) * HEIGHT),
            (max(columns) - min(columns) + 1) * width,
            float((max(rows) - min(rows) + 1) * HEIGHT),
            role,
        )
    ]


def _beside(drawn: Iterable[Drawn]) -> Drawn:
    shapes, x, height = [], 0.0, 0.0
    for part in drawn:
        shapes += part.moved(x, 0).shapes
        x, height = x + part.width + _GAP, max(height, part.height)
    return Drawn(tuple(shapes), x - _GAP, height)


def _below(drawn: Iterable[Drawn]) -> Drawn:
    shapes, y, width = [], 0.0, 0.0
    for part in drawn:
        shapes += part.moved(0, y).shapes
        y, width = y + part.height + _LINE, max(width, part.width)
    return Drawn(tuple(shapes), width, y - _LINE)


def _minus(number: int) -> str:
    return str(number).replace("-", "−")
