"""One family a file; importing this enters all of them in `CARDS`."""

from striate.zoo.papers import lenet, mlp, pooled, resnet, small_resnet, strided

__all__ = ["lenet", "mlp", "pooled", "resnet", "small_resnet", "strided"]
