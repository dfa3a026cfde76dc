"""Run folders: made, locked, read, and opened as trained networks."""

from striate.runs.model import NetworkSpec, OpenNetwork, open_network
from striate.runs.record import FORMAT, PARTS, RunRecord, read_record
from striate.runs.run import FILES, Run, is_run
from striate.runs.weights import WeightsCard, load_weights, read_card, save_weights

__all__ = [
    "FILES",
    "FORMAT",
    "PARTS",
    "NetworkSpec",
    "OpenNetwork",
    "Run",
    "RunRecord",
    "WeightsCard",
    "is_run",
    "load_weights",
    "open_network",
    "read_card",
    "read_record",
    "save_weights",
]
