"""What the training loop costs over a bare forward, backward and step, each extra on its own line.

    taskset -c 0,1 .venv/bin/python benchmarks/loop_overhead.py [--model small_resnet] [--rounds 9]

Every round runs all variants in turn in one process, over the same epoch of fashion-mini; the table
shows medians over the rounds of seconds and of the ratio to the bare loop of the same round.

* bare: batches normalised beforehand; forward, loss, backward, step, nothing else
* bare + slicing: the same, batches sliced from uint8 and normalised in the loop
* loop: striate's loop with statistics, EMA and augmentation off, checkpoints not written
* + augmentation, + EMA, + statistics: the loop with one of them on (statistics at 7 points in this
  epoch, as 128 points in a run of 18 epochs have them)
"""

import argparse
import copy
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from striate import zoo
from striate.data import ImageSet, load
from striate.infer import autocast, keep_large_blocks
from striate.train import Recipe
from striate.train.batches import Batches
from striate.train.fit import place
from striate.train.loop import Trainer
from striate.train.optimizers import build_optimizer

OFF = {"statistics": 0, "ema": 0.0, "flip": False, "shift": 0}
CPU = torch.device("cpu")


def bare(network: nn.Module, images: ImageSet, recipe: Recipe, *, slicing: bool) -> float:
    """Return the seconds of one epoch, written by hand."""
    batches = Batches(images, recipe, CPU)
    optimizer = build_optimizer(network, recipe)
    ready = [] if slicing else [(b.images, b.labels) for b in batches.epoch(1)]
    order = torch.randperm(len(batches.labels))
    network.train()
    started = time.perf_counter()
    for step in range(len(batches)):
        if slicing:
            chosen = order[step * batches.size : (step + 1) * batches.size]
            inputs = images.preprocessing.normalize(batches.images[chosen])
            labels = batches.labels[chosen]
        else:
            inputs, labels = ready[step]
        _step(network, inputs, labels, optimizer, recipe)
    return time.perf_counter() - started


def _step(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    optimizer: torch.optim.Optimizer,
    recipe: Recipe,
) -> None:
    with autocast(CPU, recipe.precision):
        scores = network(inputs)
    loss = F.cross_entropy(scores.float(), labels, label_smoothing=recipe.label_smoothing)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def loop(network: nn.Module, images: ImageSet, recipe: Recipe) -> float:
    """Return the seconds of one epoch in striate's loop, validation apart."""
    trainer = Trainer(
        network, images, recipe,
        progress=lambda _: None, save=lambda _: None, stop=lambda: False,
    )  # fmt: skip
    trainer.validation = None
    started = time.perf_counter()
    trainer.run()
    return time.perf_counter() - started


def variants(images: ImageSet, recipe: Recipe) -> dict[str, Callable[[nn.Module], float]]:
    """Return what is timed, by name."""
    augmented = replace(recipe, flip=True, shift=2)
    return {
        "bare": lambda n: bare(n, images, recipe, slicing=False),
        "bare + slicing": lambda n: bare(n, images, recipe, slicing=True),
        "loop": lambda n: loop(n, images, recipe),
        "loop + augmentation": lambda n: loop(n, images, augmented),
        "loop + EMA": lambda n: loop(n, images, replace(recipe, ema=0.99)),
        "loop + statistics": lambda n: loop(n, images, replace(recipe, statistics=7)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--model", default="small_resnet")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--precision", default="bfloat16")
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    keep_large_blocks()
    images = load("fashion-mini")
    recipe = Recipe.from_toml({**OFF, "epochs": 1, "precision": arguments.precision})
    recipe = recipe.resolved(images)
    torch.manual_seed(0)
    network = zoo.build(arguments.model, in_channels=1, classes=10, size=28)
    place(network, CPU)
    timed = variants(images, recipe)
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for turn in range(arguments.rounds + 1):
        for name, run in timed.items():
            taken = run(copy.deepcopy(network))
            if turn:  # the first round warms up
                seconds[name].append(taken)
    print(f"{arguments.model}, {arguments.precision}, {arguments.rounds} rounds, 2 threads\n")
    print("| variant | seconds an epoch | ratio to bare | least to most |")
    print("|---|---|---|---|")
    for name, values in seconds.items():
        ratios = [v / b for v, b in zip(values, seconds["bare"], strict=True)]
        spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
        print(f"| {name} | {median(values):.3f} | {median(ratios):.3f} | {spread} |")


if __name__ == "__main__":
    main()
