"""Run folders: made, locked, read, and opened as trained networks."""

from striate.runs.model import NetworkSpec, OpenNetwork, open_network, trusted
from striate.runs.record import FORMAT, PARTS, RunRecord, read_record
from striate.runs.repeat import Repeat, read_repeat
from striate.runs.run import FILES, Run, is_run
from striate.runs.weights import WeightsCard, load_weights, read_card, save_weights

__all__ = [
    "FILES",
    "FORMAT",
    "PARTS",
    "NetworkSpec",
    "OpenNetwork",
    "Repeat",
    "Run",
    "RunRecord",
    "WeightsCard",
    "is_run",
    "load_weights",
    "open_network",
    "read_card",
    "read_record",
    "read_repeat",
    "save_weights",
    "trusted",
]
