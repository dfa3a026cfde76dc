"""Responses as colours: about zero, from zero, or as a photo; and the bar that explains them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, UInt8
from PIL import Image, ImageDraw

from striate._errors import KernelError
from striate.report.heat import BLUE_ORANGE, INFERNO, colours
from striate.report.lettering import FAINT, PAPER, draw_text
from striate.report.wording import number

__all__ = ["LOOKS", "Scale", "colour_bar", "look_of", "response_picture", "scale_for"]

LOOKS = ("signed", "magnitude", "photo")

_BEYOND = 0.002  # share of pixels that may lie past the scale's end: a few must not pale the rest
# Of the largest answer there can be: less is rounding, or a derivative cut off at its ends.
_ROUNDING = 1e-4
_LEVELS = 1024  # of a colour scale: more than 8-bit colours tell apart
_BAR = 14  # pixels


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How numbers become colours.

    Attributes:
        look: `signed`: blue below 0, nearly white at 0, orange above. `magnitude`: from black at 0
            to bright. `photo`: from black at 0 to white.
        largest: The number at the scale's end; what lies beyond is drawn as it.
    """

    look: str
    largest: float

    @property
    def ends(self) -> tuple[float, float]:
        """The numbers at both ends."""
        return (-self.largest if self.look == "signed" else 0.0), self.largest

    def shares(self, values: Float[np.ndarray, "*axes"]) -> Float[np.ndarray, "*axes"]:
        """Return `values` as places 0..1 between the ends, cut off there."""
        low, high = self.ends
        return np.clip((values - low) / (high - low), 0.0, 1.0)


def look_of(weights: Float[np.ndarray, "kh kw"] | Complex[np.ndarray, "kh kw"]) -> str:
    """Return how responses to a kernel are best seen.

    A complex kernel answers with a magnitude. One without negative weights, or whose weights sum
    to 1, returns a changed photo. Any other has answers of both signs.
    """
    if np.iscomplexobj(weights):
        return "magnitude"
    if (weights >= 0).all() or abs(float(weights.sum()) - 1) < 1e-5:
        return "photo"
    return "signed"


def scale_for(
    weights: Float[np.ndarray, "kh kw"] | Complex[np.ndarray, "kh kw"],
    values: Sequence[Float[np.ndarray, "_ _ _"]],
    look: str | None = None,
) -> Scale:
    """Return one scale for all `values`, the responses of photos to one kernel.

    A photo's white is the answer to a white image, the sum of the weights. Other scales end where
    0.2 % of the pixels lie beyond.

    Args:
        weights: The kernel.
        values: Responses; photos are in 0..1.
        look: One of `LOOKS`; None chooses by the kernel.

    Raises:
        KernelError: There is no such look.
    """
    look = look or look_of(weights)
    if look not in LOOKS:
        raise KernelError(f"show is {look!r}; it must be {', '.join(LOOKS)}")
    total = 0.0 if np.iscomplexobj(weights) else float(weights.sum())
    if look == "photo" and total > 1e-5:
        return Scale(look=look, largest=total)
    sizes = np.concatenate([np.abs(plane).ravel() for plane in values] or [np.zeros(1)])
    end = float(np.quantile(sizes, 1 - _BEYOND)) or float(sizes.max(initial=0.0))
    most = float(np.abs(weights).sum()) or 1.0
    return Scale(look=look, largest=end if end > _ROUNDING * most else most)


def response_picture(
    values: Float[np.ndarray, "planes h w"], scale: Scale
) -> UInt8[np.ndarray, "h w 3"]:
    """Return a picture of responses, a pixel each.

    One plane goes through the colours of the scale. Three are red, green and blue: on a signed
    scale the middle grey is 0 in all of them, else black is.
    """
    shares = scale.shares(values.astype(np.float64))
    if values.shape[0] == 3:
        return np.round(255 * np.moveaxis(shares, 0, 2)).astype(np.uint8)
    if scale.look == "photo":
        return np.round(255 * shares[0]).astype(np.uint8)[..., None].repeat(3, axis=2)
    # Colours are looked up: to interpolate each pixel of a large photo takes seconds.
    table = colours(_stops(scale), np.linspace(0.0, 1.0, _LEVELS + 1))
    return table[np.round(shares[0] * _LEVELS).astype(np.intp)]


def colour_bar(scale: Scale, height: int, width: int = 76) -> UInt8[np.ndarray, "height width 3"]:
    """Return an upright bar of the scale's colours with the numbers at its ends, and 0."""
    image = Image.new("RGB", (width, height), PAPER)
    shares = np.linspace(1.0, 0.0, height)[:, None].repeat(_BAR, axis=1)
    image.paste(Image.fromarray(colours(_stops(scale), shares)), (0, 0))
    draw = ImageDraw.Draw(image)
    low, high = scale.ends
    places = [(high, 0, "la"), (low, height - 1, "ld")]
    if low < 0:
        places.append((0.0, height // 2, "lm"))
    for value, y, anchor in places:
        draw_text(draw, (_BAR + 6, y), number(value), size=13, anchor=anchor, colour=FAINT)
    return np.asarray(image)


def _stops(scale: Scale) -> Sequence[str]:
    return {"signed": BLUE_ORANGE, "magnitude": INFERNO}.get(scale.look, ("000000", "ffffff"))
