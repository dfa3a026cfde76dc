"""Striate: a workbench for convolutional networks on images.

Four lines train a network, test it and show the report:

    import striate
    run = striate.fit("fashion-mini", epochs=5)
    print(run.metrics["test"]["accuracy"])
    run.show()
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate._errors import StriateError as StriateError
    from striate.data import ImageSet as ImageSet
    from striate.data import load as load
    from striate.jobs import filter_photos as filter_photos
    from striate.jobs import find_rate as find_rate
    from striate.jobs import fit as fit
    from striate.jobs import predict as predict
    from striate.jobs import resume as resume
    from striate.jobs import step as step
    from striate.jobs import step_layer as step_layer
    from striate.jobs import write_report as write_report
    from striate.runs import Run as Run
    from striate.train import Recipe as Recipe

__version__ = "0.1.0"

# Loaded when first touched (PEP 562), so that `import striate` does not wait for torch.
_HOMES = {
    "ImageSet": "striate.data",
    "Recipe": "striate.train",
    "Run": "striate.runs",
    "StriateError": "striate._errors",
    "filter_photos": "striate.jobs",
    "find_rate": "striate.jobs",
    "fit": "striate.jobs",
    "load": "striate.data",
    "predict": "striate.jobs",
    "resume": "striate.jobs",
    "step": "striate.jobs",
    "step_layer": "striate.jobs",
    "write_report": "striate.jobs",
}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - names of strings


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'striate' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # next time without this function
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
