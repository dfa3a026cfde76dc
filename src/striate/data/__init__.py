"""Images and labels: sources, splits, preparation, augmentation."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.data.augmentation import Augmentation as Augmentation
    from striate.data.augmentation import augment as augment
    from striate.data.image_set import ImageSet as ImageSet
    from striate.data.image_set import Split as Split
    from striate.data.known_sets import known as known
    from striate.data.loading import load as load
    from striate.data.preprocessing import Preprocessing as Preprocessing

# Loaded when first touched (PEP 562), so that the list of sets does not wait for torch. A name here
# must not be that of a module of this room: importing the module would put it in the name's place.
_HOMES = {
    "Augmentation": "augmentation",
    "ImageSet": "image_set",
    "Preprocessing": "preprocessing",
    "Split": "image_set",
    "augment": "augmentation",
    "known": "known_sets",
    "load": "loading",
}

__all__ = [*_HOMES]  # noqa: PLE0604 - names of strings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'striate.data' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"striate.data.{_HOMES[name]}"), name)
    globals()[name] = value  # next time without this function
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
