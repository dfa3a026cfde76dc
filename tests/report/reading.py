"""A page read back as a tree, strictly: every element closed where it should be."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({"meta", "link", "br", "img", "input"})


@dataclass
class Node:
    """One element: its attributes and what is in it."""

    tag: str
    attributes: dict[str, str]
    children: list["Node | str"] = field(default_factory=list)

    def all(self, tag: str = "", **attributes: str) -> list["Node"]:
        """Return the elements below of that tag that have these words in these attributes."""
        return [
            node
            for node in self.nodes()
            if (not tag or node.tag == tag)
            and all(
                word in node.attributes.get(name.rstrip("_").replace("_", "-"), "").split()
                for name, word in attributes.items()
            )
        ]

    def one(self, tag: str = "", **attributes: str) -> "Node":
        (node,) = self.all(tag, **attributes)
        return node

    def nodes(self) -> Iterator["Node"]:
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child.nodes()

    @property
    def text(self) -> str:
        """What it says, with white space as a browser collapses it."""
        return re.sub(r"\s+", " ", self.raw.replace("\u202f", " ")).strip()

    @property
    def raw(self) -> str:
        """What it says, with white space as it is written."""
        return "".join(c if isinstance(c, str) else c.raw for c in self.children)

    @property
    def values(self) -> list[float]:
        """The numbers of the `data` elements in it."""
        return [float(node.attributes["value"]) for node in self.all("data")]

    def cells(self) -> list[list[str]]:
        """Return a table row by row."""
        return [
            [cell.text for cell in row.nodes() if cell.tag in ("td", "th")]
            for row in self.all("tr")
        ]


def parse(page: str) -> Node:
    """Return the tree of a page; raises where elements are not nested as they should be."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1, f"not closed: {[node.tag for node in reader.open[1:]]}"
    return reader.open[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice: {names}"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in _VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)
