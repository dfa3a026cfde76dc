"""Which layers a caller means: by module, name, pattern or kind."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from torch import nn

from striate._errors import NetworkError
from striate.anatomy.kinds import (
    KINDS,
    OTHER_KINDS,
    function_names,
    is_function_name,
    other_names,
)

__all__ = ["Layer", "Selection", "check_network", "select"]

Layer = str | nn.Module | type[nn.Module]


@dataclass(frozen=True)
class Selection:
    """What was meant: modules, kinds of calls, single functional calls and patterns of them."""

    modules: dict[str, nn.Module] = field(default_factory=dict)
    kinds: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    patterns: list[re.Pattern[str]] = field(default_factory=list)


def select(
    network: nn.Module, layers: Layer | Iterable[Layer], *, others: bool = False
) -> Selection:
    """Return the layers of `network` that `layers` means.

    Each is one of, in this order:

    * a module of the network, or a class of modules (`nn.Conv2d`: all of them);
    * a dotted name, as `named_modules` gives it (`""` is the network itself);
    * a kind, one of `KINDS`: every call of it, functional ones too;
    * a pattern: `*` stands for any part of one name, `**` for any names (`stages.*`, `**.conv`);
      where no module's name fits and it ends like a function's (`**.relu`, `**relu*`), it is of
      functional calls;
    * the name of a functional call (`stages.0.relu#2`), as `calls` gives it.

    Args:
        network: Network that has the layers.
        layers: One or several.
        others: Whether kinds, patterns and names may be of calls that are no layers: of
            `OTHER_KINDS`, such as `cat` and `arithmetic`.

    Raises:
        NetworkError: A layer is not in the network; the nearest names are given.
    """
    check_network(network)
    chosen = Selection()
    for layer in _listed(layers):
        if isinstance(layer, str):
            _add_named(chosen, network, layer, others=others)
        elif isinstance(layer, nn.Module | type):
            _add_module(chosen, network, layer)
        else:
            raise NetworkError(
                f"{layer!r} is no layer; give a module, a class or a name: {_known(network)}"
            )
    return chosen


def _listed(layers: Layer | Iterable[Layer]) -> Iterable[Layer]:
    one = isinstance(layers, str | nn.Module | type) or not isinstance(layers, Iterable)
    return [layers] if one else layers  # pyright: ignore[reportReturnType]


def check_network(network: object) -> None:
    """Refuse what is no network.

    Raises:
        NetworkError: It is a name, a class or something else; the remedy is given.
    """
    if isinstance(network, nn.Module):
        return
    if isinstance(network, str):
        remedy = f"build it first: from striate import zoo; zoo.build({network!r})"
        raise NetworkError(f"the network is the name {network!r}, no module; {remedy}")
    if isinstance(network, type):
        name = network.__name__
        raise NetworkError(f"the network is the class {name}; make one of it: {name}(...)")
    kind = type(network).__name__
    raise NetworkError(f"the network is of type {kind}; it must be a torch.nn.Module")


def _add_module(chosen: Selection, network: nn.Module, layer: nn.Module | type) -> None:
    if isinstance(layer, nn.Module):
        found = {name: m for name, m in network.named_modules() if m is layer}
        what = f"this {type(layer).__name__} is no module of the network"
    else:
        found = {name: m for name, m in network.named_modules() if isinstance(m, layer)}
        what = f"the network has no {layer.__name__}"
    if not found:
        raise NetworkError(f"{what}; {_known(network)}")
    chosen.modules.update(found)


def _add_named(chosen: Selection, network: nn.Module, name: str, *, others: bool) -> None:
    every = dict(network.named_modules(remove_duplicate=False))
    if name in every:
        _add_module(chosen, network, every[name])
    elif name in KINDS or (others and name in OTHER_KINDS):
        chosen.kinds.add(name)
    elif any(sign in name for sign in "*?["):
        pattern = _pattern(name)
        found = {n: m for n, m in network.named_modules() if n and pattern.fullmatch(n)}
        if not found and _of_functions(name, others=others):
            chosen.patterns.append(pattern)
        elif not found:
            raise NetworkError(f"no layer fits {name!r}; {_known(network, name)}")
        chosen.modules.update(found)
    elif _is_call(name, every, others=others):
        chosen.calls.add(name)
    else:
        raise NetworkError(f"the network has no layer {name!r}; {_known(network, name)}")


def _is_call(name: str, modules: dict[str, nn.Module], *, others: bool) -> bool:
    """Whether `name` has the form of a functional call's: module, function, number."""
    base, _, number = name.partition("#")
    if "#" in name and not number.isdecimal():
        return False
    path, _, word = (base.removesuffix(".other") if others else base).rpartition(".")
    known = is_function_name(word) or (others and word in other_names())
    return (base in modules and bool(number)) or (path in modules and known)


def _of_functions(name: str, *, others: bool) -> bool:
    """Whether a pattern ends like the name of a function: with letters that one could have."""
    last = re.split(r"\.|\*\*", name)[-1].partition("#")[0]
    fits = _pattern(last).fullmatch
    words = function_names() | (other_names() if others else frozenset())
    return any(sign.isalpha() for sign in last) and any(fits(w) for w in words)


def _pattern(name: str) -> re.Pattern[str]:
    r"""Return the expression for `*`, `**`, `?` and `[abc]`; a dot is never met but by `**`.

    >>> _pattern("stages.*").pattern
    'stages\\.[^.]*'
    """
    parts: Sequence[str] = re.split(r"(\*\*|\*|\?|\[[^]]+\])", name)
    signs = {"**": ".*", "*": "[^.]*", "?": "[^.]"}
    return re.compile(
        "".join(
            signs.get(p, p.replace("[!", "[^") if p.startswith("[") else re.escape(p))
            for p in parts
        )
    )


def _known(network: nn.Module, name: str = "") -> str:
    """Return a half sentence with the names nearest to `name`, or the first there are."""
    names = [n for n, _ in network.named_modules() if n]
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) if name else []
    if near:
        return f"did you mean {' or '.join(repr(n) for n in near)}?"
    more = ", …" if len(names) > 8 else ""
    return f"there are {', '.join(names[:8])}{more}" if names else "it has no layers inside"
