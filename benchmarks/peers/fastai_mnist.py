"""fastai with the data in memory: the book's `simple_cnn` with batch norm, and `fit_one_cycle`.

    .venv-peers/bin/python benchmarks/peers/fastai_mnist.py --seed 0

The network is chapter 13's: five 3x3 convolutions of stride 2 (the first 5x5), ReLU, then batch
norm; `--width` is the channels of the first. A batch is one indexing of a float tensor in memory,
since fastai's way through single items would cost more than the training. Settings were chosen
on the test images, in the peer's favour.
"""

import numpy as np
import torch
from fastai.basics import CrossEntropyLossFlat, DataLoader, DataLoaders, Learner, accuracy, set_seed
from fastai.callback.schedule import Learner as _  # noqa: F401  (adds fit_one_cycle to Learner)
from side import THREADS, Result, Stopwatch, parser, read
from torch import Tensor, nn

RECIPES = {  # width, epochs, batch size, greatest learning rate
    "mnist": (8, 4, 512, 0.05),
    "fashion-mnist": (16, 5, 512, 0.05),
}


class TensorLoader(DataLoader):
    """A fastai DataLoader whose items are numbers, and whose batch is one indexing of tensors."""

    def __init__(self, images: Tensor, labels: Tensor, **options: object) -> None:
        self.images, self.labels = images, labels
        super().__init__(range(len(images)), **options)

    def create_item(self, s: int) -> int:
        """Return the number itself."""
        return s

    def create_batch(self, b: list[int]) -> tuple[Tensor, Tensor]:
        """Return the images and labels of those numbers."""
        return self.images[b], self.labels[b]


def conv(ni: int, nf: int, ks: int = 3, *, act: bool = True) -> nn.Sequential:
    convolution = nn.Conv2d(ni, nf, ks, stride=2, padding=ks // 2)
    return nn.Sequential(convolution, *([nn.ReLU()] if act else []), nn.BatchNorm2d(nf))


def simple_cnn(width: int) -> nn.Sequential:
    return nn.Sequential(
        conv(1, width, ks=5),
        conv(width, 2 * width),
        conv(2 * width, 4 * width),
        conv(4 * width, 8 * width),
        conv(8 * width, 10, act=False),
        nn.Flatten(),
    )


def tensors(images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    pixels = torch.from_numpy(images.copy()).unsqueeze(1).float() / 255
    return pixels, torch.from_numpy(labels.astype("int64"))


def main() -> None:
    arguments = parser(__doc__, epochs=0)
    arguments.add_argument("--width", type=int)
    arguments.add_argument("--batch", type=int)
    arguments.add_argument("--rate", type=float)
    chosen = arguments.parse_args()
    width, epochs, batch, rate = RECIPES[chosen.data]
    width, epochs = chosen.width or width, chosen.epochs or epochs
    batch, rate = chosen.batch or batch, chosen.rate or rate
    torch.set_num_threads(THREADS)
    set_seed(chosen.seed)
    train_images, train_labels, test_images, test_labels = read(chosen.data)
    loaders = DataLoaders(
        TensorLoader(*tensors(train_images, train_labels), bs=batch, shuffle=True, drop_last=True),
        TensorLoader(*tensors(test_images, test_labels), bs=1000),
    )
    learner = Learner(
        loaders, simple_cnn(width), loss_func=CrossEntropyLossFlat(), metrics=accuracy
    )
    with learner.no_bar(), learner.no_logging(), Stopwatch() as watch:
        learner.fit_one_cycle(epochs, rate)
    Result(
        peer="fastai",
        data=chosen.data,
        watch=watch,
        accuracy=float(learner.recorder.values[-1][-1]),
        epochs=epochs,
        parameters=sum(parameter.numel() for parameter in learner.model.parameters()),
        backend="torch",
        threads=THREADS,
        seed=chosen.seed,
    ).tell("fastai", "torch")


if __name__ == "__main__":
    main()
