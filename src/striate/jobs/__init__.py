"""What a user asks for, one job a file."""

from striate.jobs.filter import Filtered, filter_photos
from striate.jobs.find_rate import find_rate
from striate.jobs.fit import fit
from striate.jobs.layers import layers
from striate.jobs.predict import Prediction, predict
from striate.jobs.resume import resume
from striate.jobs.step import Stepped, step, step_layer
from striate.jobs.write_report import write_report

__all__ = [
    "Filtered",
    "Prediction",
    "Stepped",
    "filter_photos",
    "find_rate",
    "fit",
    "layers",
    "predict",
    "resume",
    "step",
    "step_layer",
    "write_report",
]
