"""Schedules: learning rate and momentum as pure functions of the share of training done."""

import math

from striate.train.recipe import Recipe

__all__ = ["FINAL", "rate_and_momentum"]

FINAL = 1e-3  # the schedules end at this share of the highest rate, so that no step is lost


def rate_and_momentum(recipe: Recipe, done: float) -> tuple[float, float]:
    """Return learning rate and momentum when the share `done` (0 to 1) of training is behind.

    * `one-cycle`: the rate rises linearly from 1/25 of the highest to the highest in the first
      `warm_up` of training and falls linearly to 1/1000 of it; momentum runs the other way, from
      `momentum` down to `least_momentum` and back.
    * `cosine`: a linear rise in `warm_up`, then half a cosine; momentum is constant.
    * `constant`: both constant.

    Source:
        Smith, "A disciplined approach to neural network hyper-parameters", arXiv:1803.09820;
        Loshchilov and Hutter, arXiv:1608.03983 (cosine).

    >>> recipe = Recipe(learning_rate=1.0, warm_up=0.25)
    >>> rate_and_momentum(recipe, 0.25)
    (1.0, 0.85)
    """
    highest = recipe.learning_rate or 0.0
    done = min(max(done, 0.0), 1.0)
    if recipe.schedule == "constant":
        return highest, recipe.momentum
    up = recipe.warm_up
    rising = done < up
    way = done / up if rising else (done - up) / (1 - up) if up < 1 else 1.0
    if recipe.schedule == "cosine":
        share = way if rising else (1 + math.cos(math.pi * way)) / 2
        return highest * max(share, FINAL), recipe.momentum
    share = 1 / 25 + (1 - 1 / 25) * way if rising else 1 + (FINAL - 1) * way
    swing = recipe.momentum - recipe.least_momentum
    momentum = recipe.momentum - swing * way if rising else recipe.least_momentum + swing * way
    return highest * share, momentum
