"""How right a network is: confusion, scores a class, calibration."""

from striate.metrics.calibration import Calibration, CalibrationBin, calibration, fit_temperature
from striate.metrics.confusion import ClassScores, accuracy, class_scores, confusion
from striate.metrics.outputs import probabilities

__all__ = [
    "Calibration",
    "CalibrationBin",
    "ClassScores",
    "accuracy",
    "calibration",
    "class_scores",
    "confusion",
    "fit_temperature",
    "probabilities",
]
