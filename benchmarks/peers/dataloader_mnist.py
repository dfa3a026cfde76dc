"""The usual torch loop: a Dataset of single images, a DataLoader, a plain network, Adam.

    .venv-peers/bin/python benchmarks/peers/dataloader_mnist.py --seed 0

Two 3x3 convolutions with pools, dropout and two dense layers; every image is made a normalised
float tensor as it is asked for. It fits on the 60,000 training images and tests after each epoch.
"""

import numpy as np
import torch
from side import THREADS, Result, Stopwatch, parser, read
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset


class Digits(Dataset):
    """Single images from an array in memory, normalised one by one."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels = torch.from_numpy(self.images[index].astype(np.float32) / 255)
        return (pixels[None] - 0.1307) / 0.3081, int(self.labels[index])


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(1600, 128),
        nn.ReLU(),
        nn.Dropout(0.25),
        nn.Linear(128, 10),
    )


def test(model: nn.Module, loader: DataLoader) -> float:
    model.eval()
    with torch.no_grad():
        right = sum((model(images).argmax(1) == labels).sum().item() for images, labels in loader)
    return right / len(loader.dataset)


def fit(model: nn.Module, train: DataLoader, held_out: DataLoader, epochs: int) -> float:
    """Train, testing after each epoch, and return the last test's accuracy."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.7)
    accuracy = 0.0
    for _ in range(epochs):
        model.train()
        for images, labels in train:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        scheduler.step()
        accuracy = test(model, held_out)
    return accuracy


def main() -> None:
    chosen = parser(__doc__, epochs=6).parse_args()
    torch.set_num_threads(THREADS)
    torch.manual_seed(chosen.seed)
    train_images, train_labels, test_images, test_labels = read(chosen.data)
    train = DataLoader(Digits(train_images, train_labels), batch_size=64, shuffle=True)
    held_out = DataLoader(Digits(test_images, test_labels), batch_size=1000)
    model = network()
    with Stopwatch() as watch:
        accuracy = fit(model, train, held_out, chosen.epochs)
    Result(
        peer="DataLoader loop",
        data=chosen.data,
        watch=watch,
        accuracy=accuracy,
        epochs=chosen.epochs,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        backend="torch",
        threads=THREADS,
        seed=chosen.seed,
    ).tell("torch")


if __name__ == "__main__":
    main()
