"""Training: the recipe, the loop, schedules, checkpoints, and the learning-rate range test."""

from striate.train.checkpoint import differences, surroundings
from striate.train.find_rate import RateCurve, find_rate
from striate.train.fit import decide, fit
from striate.train.loop import Fitted
from striate.train.recipe import Recipe, parse_setting, setting_names

__all__ = [
    "Fitted",
    "RateCurve",
    "Recipe",
    "decide",
    "differences",
    "find_rate",
    "fit",
    "parse_setting",
    "setting_names",
    "surroundings",
]
