"""Kernels as a line of text: a name with options, or the weights themselves."""

import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from striate._errors import KernelError
from striate.ops.filtering import Filter
from striate.ops.gabor_kernels import gabor, gabor_bank
from striate.ops.kernels import KERNELS, kernel

__all__ = ["GRADIENTS", "descriptions", "parse_filters", "parse_kernel"]

GRADIENTS = {
    "sobel": ("sobel-x", "sobel-y"),
    "prewitt": ("prewitt-x", "prewitt-y"),
    "scharr": ("scharr-x", "scharr-y"),
    "roberts": ("roberts-1", "roberts-2"),
    "gaussian-gradient": ("gaussian-x", "gaussian-y"),
}
"""Pairs of kernels whose answers make the steepness: sqrt(x^2 + y^2)."""

_GABOR: dict[str, Any] = {
    "frequency": 0.1, "theta": 0.0, "sigma": None, "sigma_x": None, "sigma_y": None,
    "offset": 0.0, "truncate": 3.0, "part": None,
}  # fmt: skip
_BANK: dict[str, Any] = {"frequency": (0.1, 0.4), "theta": (0.0, 45.0), "sigma": (1.0, 3.0)}
_PARTS = ("real", "imaginary", "magnitude")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_kernel(text: str) -> Float[Tensor, "h w"]:
    """Return the kernel that a line describes.

    * `sobel-x`, `gaussian:sigma=2`, `box-blur:size=5`: a key of `KERNELS`, with options.
    * `gabor:frequency=.1,theta=45,part=imaginary`: a part of a Gabor kernel, the real one unless it
      is said; angles in degrees; `sigma` sets `sigma_x` and `sigma_y`.
    * `1,0,-1;2,0,-2;1,0,-1`: weights, rows between semicolons; `1/9` is a fraction.

    Raises:
        KernelError: A name or an option is unknown (the nearest are given), rows are of unlike
            lengths, or something is no number.

    >>> parse_kernel("1,0,-1; 2,0,-2; 1,0,-1").tolist()
    [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]]
    >>> parse_kernel("gaussian:sigma=2,truncate=2").shape
    torch.Size([9, 9])
    """
    name, given = _split(text)
    if name is None:
        return _matrix(text)
    if name == "gabor":
        part = given.setdefault("part", "real")
        if part == "magnitude":
            raise KernelError("part=magnitude has two kernels; take part=real or part=imaginary")
        return _gabor(given)
    if name not in KERNELS:
        raise KernelError(f"there is no kernel {name!r}; {_nearest(name, [*KERNELS, 'gabor'])}")
    return kernel(name, **_typed(name, KERNELS[name].options, given))


def parse_filters(text: str) -> tuple[Filter, ...]:
    """Return the filters that a line describes: what `parse_kernel` takes, and these besides.

    * `sobel`, `prewitt`, `scharr`, `roberts`, `gaussian-gradient`: the steepness of a pair.
    * `gabor:...` without `part`: the magnitude of the response to a standardised image.
    * `gabor-bank:frequency=.1/.4,theta=0/45,sigma=1/3`: a Gabor filter for each combination.
    * `all`: every kernel of `KERNELS`, every pair, and the bank.

    Raises:
        KernelError: As in `parse_kernel`.

    >>> [f.name for f in parse_filters("gabor-bank:frequency=.2,theta=0/90,sigma=2")]
    ['gabor:frequency=0.2,theta=0,sigma=2', 'gabor:frequency=0.2,theta=90,sigma=2']
    >>> len(parse_filters("all")) == len(KERNELS) + len(GRADIENTS) + 8
    True
    """
    name, given = _split(text)
    if name == "all":
        if given:
            raise KernelError("all takes no options; name the kernels that are to have them")
        words = [*KERNELS, *GRADIENTS, "gabor-bank"]
        return tuple(found for word in words for found in parse_filters(word))
    if name == "gabor-bank":
        return _bank(given)
    if name == "gabor" and given.get("part", "magnitude") == "magnitude":
        return (Filter(name=text.strip(), weights=_gabor(given), standardised=True),)
    if name in GRADIENTS:
        across, down = (_with_options(each, given) for each in GRADIENTS[name])
        return (Filter(name=text.strip(), weights=torch.complex(across, down)),)
    known = [*KERNELS, *GRADIENTS, "gabor", "gabor-bank", "all"]
    if name is not None and name not in known:
        raise KernelError(f"there is no kernel {name!r}; {_nearest(name, known)}")
    return (Filter(name=text.strip(), weights=parse_kernel(text)),)


def descriptions() -> dict[str, str]:
    """Return what every name stands for that `parse_filters` knows, with its options.

    >>> descriptions()["gaussian"]
    'blur by a Gaussian of sigma pixels (sigma=1, truncate=4)'
    """
    lines: dict[str, str] = {}
    for name, card in KERNELS.items():
        options = {key: value for key, value in card.options.items() if key != "normalise"}
        shown = ", ".join(f"{option}={value:g}" for option, value in options.items())
        lines[name] = f"{card.what} ({shown})" if shown else card.what
    pairs = {name: f"steepness: {' and '.join(pair)}" for name, pair in GRADIENTS.items()}
    return (
        lines
        | pairs
        | {
            "gabor": "stripes of one width and direction (frequency=0.1, theta=0 degrees, sigma, "
            "sigma_x, sigma_y, offset=0, truncate=3, part=magnitude)",
            "gabor-bank": "a Gabor filter for each of frequency=.1/.4, theta=0/45, sigma=1/3",
            "all": "every one of these",
        }
    )


def _split(text: str) -> tuple[str | None, dict[str, str]]:
    """Return name and options as they are written; no name if the text begins like a number."""
    text = text.strip()
    if not text:
        raise KernelError("a kernel is empty; write a name such as sobel-x, or weights 1,0,-1")
    if text[0] in "0123456789+-.;,":
        return None, {}
    name, _, rest = text.partition(":")
    given: dict[str, str] = {}
    for item in filter(None, (item.strip() for item in rest.split(","))):
        option, sign, value = (part.strip() for part in item.partition("="))
        if not sign or not value:
            raise KernelError(f"{item!r} in kernel {text!r} must be option=value")
        if option in given:
            raise KernelError(f"kernel {text!r} has {option} twice; leave one")
        given[option] = value
    return name.strip().lower(), given


def _matrix(text: str) -> Float[Tensor, "h w"]:
    rows = [row.replace(",", " ").split() for row in text.strip().strip(";").split(";")]
    weights = [[_number(word, f"kernel {text!r}") for word in row] for row in rows]
    for place, row in enumerate(weights, start=1):
        if len(row) != len(weights[0]) or not row:
            raise KernelError(
                f"row {place} of kernel {text!r} has {len(row)} numbers, "
                f"the first {len(weights[0])}; all rows must be of one length"
            )
    return torch.tensor(weights)


def _number(word: str, where: str) -> float:
    try:
        top, _, bottom = word.partition("/")
        number = float(top) / float(bottom or 1)
    except (ValueError, ZeroDivisionError):
        number = math.nan
    if not math.isfinite(number):
        raise KernelError(f"{word!r} in {where} is no number; write 2, -0.5 or 1/9")
    return number


def _with_options(name: str, given: dict[str, str]) -> Float[Tensor, "h w"]:
    return kernel(name, **_typed(name, KERNELS[name].options, given))


def _typed(name: str, options: dict[str, Any], given: dict[str, str]) -> dict[str, Any]:
    """Return the options that are given, each of the kind of its default."""
    typed: dict[str, Any] = {}
    for option, value in given.items():
        if option not in options:
            raise KernelError(f"kernel {name} has no option {option!r}; {_near(option, options)}")
        typed[option] = _READERS[type(options[option])](value, f"{option}={value} of {name}")
    return typed


def _flag(word: str, where: str) -> bool:
    if word.lower() not in _FLAGS:
        raise KernelError(f"{where} must be true or false")
    return _FLAGS[word.lower()]


def _whole(word: str, where: str) -> int:
    if not word.isascii() or not word.isdigit():
        raise KernelError(f"{where} must be a whole number")
    return int(word)


_READERS: dict[type, Callable[[str, str], Any]] = {
    bool: _flag, int: _whole, float: _number, type(None): _number,
}  # fmt: skip


def _gabor(given: dict[str, str]) -> Tensor:
    part = given.get("part", "magnitude")
    if part not in _PARTS:
        raise KernelError(f"part is {part!r}; it must be {', '.join(_PARTS)}")
    numbers = {option: value for option, value in given.items() if option != "part"}
    asked = _GABOR | _typed("gabor", _GABOR, numbers)
    sigma = asked["sigma"]
    weights = gabor(
        asked["frequency"],
        math.radians(asked["theta"]),
        sigma if asked["sigma_x"] is None else asked["sigma_x"],
        sigma if asked["sigma_y"] is None else asked["sigma_y"],
        math.radians(asked["offset"]),
        truncate=asked["truncate"],
    )
    if part == "magnitude":
        return weights
    return (weights.real if part == "real" else weights.imag).clone()


def _bank(given: dict[str, str]) -> tuple[Filter, ...]:
    lists = dict(_BANK)
    for option, value in given.items():
        if option not in _BANK:
            raise KernelError(f"gabor-bank has no option {option!r}; {_near(option, _BANK)}")
        where = f"{option}={value} of gabor-bank"
        lists[option] = tuple(_number(word, where) for word in value.split("/"))
    thetas = [math.radians(theta) for theta in lists["theta"]]
    names = [
        f"gabor:frequency={frequency:g},theta={theta:g},sigma={sigma:g}"
        for theta in lists["theta"]
        for sigma in lists["sigma"]
        for frequency in lists["frequency"]
    ]
    bank = gabor_bank(lists["frequency"], thetas, lists["sigma"])
    return tuple(
        Filter(name=name, weights=entry.weights, standardised=True)
        for name, entry in zip(names, bank, strict=True)
    )


def _nearest(word: str, known: list[str]) -> str:
    near = get_close_matches(word.lower(), known, n=3, cutoff=0.5)
    return (f"nearest: {', '.join(near)}; " if near else "") + "'striate filter --list' has all"


def _near(word: str, known: Any) -> str:
    near = get_close_matches(word.lower(), known, n=3, cutoff=0.5)
    return f"nearest: {', '.join(near)}" if near else f"there are {', '.join(known)}"
