"""What `filter_photos` was asked for, checked; photos read for it, and their responses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8
from torch import Tensor

from striate._errors import DataError, KernelError, ShapeError
from striate._events import Moved, Progress
from striate.data.decoding import BrokenImageError
from striate.data.photo import read_photo
from striate.files import printable
from striate.jobs.found import FoundFile
from striate.ops.borders import PADDING_MODES
from striate.ops.filtering import COLOURS, Filter
from striate.report.responses import LOOKS

__all__ = ["FilterPlan"]


@dataclass(frozen=True, kw_only=True)
class FilterPlan:
    """Photos, filters and how they are drawn; fields as in `filter_photos`.

    Attributes:
        failed: Filled on the way with a line for each photo that could not be read or filtered;
            an ordered set.
    """

    files: Sequence[FoundFile]
    filters: Sequence[Filter]
    colour: str
    size: int | None
    padding_mode: str | None
    show: str | None
    plain: bool
    progress: Progress
    failed: dict[str, None] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            StriateError: No kernel, no photo, or an option that is none.
        """
        if not self.filters:
            raise KernelError("there is no kernel to filter with; name one such as sobel-x, or all")
        if not self.files:
            raise DataError("there is no photo to filter; name files or folders of images")
        choices = {"colour": COLOURS, "padding_mode": PADDING_MODES, "show": LOOKS}
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed and not (value is None and name != "colour"):
                raise DataError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")
        if self.size is not None and not 1 <= self.size <= 20_000:
            raise DataError(f"size is {self.size}; it must be 1 to 20000 pixels")
        if self.plain and len(self.filters) > 1:
            raise KernelError(
                f"plain shows one response, but there are {len(self.filters)} kernels; "
                "leave one, or leave plain out for a grid"
            )

    def nothing(self) -> DataError:
        """Return the error that says why there is nothing to show: the first failure, and more."""
        first, *others = self.failed
        return DataError(first + (f" (and {len(others)} more like it)" if others else ""))

    def photos(self, side: int | None) -> Iterator[tuple[FoundFile, UInt8[Tensor, "c h w"]]]:
        """Yield the photos that can be read, none of them longer than `side`."""
        total = len(self.files)
        for done, file in enumerate(self.files):
            self.progress(Moved(task="filter", done=done, total=total, unit="photos"))
            try:
                photo = read_photo(file.path, largest=side)
            except BrokenImageError as error:
                self.failed[str(error)] = None
            else:
                yield file, photo
        self.progress(Moved(task="filter", done=total, total=total, unit="photos"))

    def answer(
        self, entry: Filter, file: FoundFile, photo: UInt8[Tensor, "c h w"]
    ) -> Float[np.ndarray, "planes h w"]:
        """Return the response of a photo in 0..1 to one filter.

        Raises:
            ShapeError: The photo is too small for the kernel and its border.
        """
        image = photo[None].float() / 255
        try:
            answer = entry.respond(image, colour=self.colour, padding_mode=self.padding_mode)
        except ShapeError as error:
            raise ShapeError(f"{printable(file.path)}, {entry.name}: {error}") from error
        return answer[0].numpy()
