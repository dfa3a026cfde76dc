"""Modules that PyTorch lacks."""

from striate.layers.conv_block import NORMS, ORDERS, ConvBlock
from striate.layers.dense_as_convolution import head_as_convolution, linear_as_convolution
from striate.layers.initialisation import initialise_glorot, initialise_he
from striate.layers.locally_connected import LocallyConnected2d
from striate.layers.rbf_output import RBFOutput
from striate.layers.same_conv import SameConv1d, SameConv2d, SameConv3d
from striate.layers.separable_conv import SeparableConv2d
from striate.layers.trainable_pool import TrainablePool2d

__all__ = [
    "NORMS",
    "ORDERS",
    "ConvBlock",
    "LocallyConnected2d",
    "RBFOutput",
    "SameConv1d",
    "SameConv2d",
    "SameConv3d",
    "SeparableConv2d",
    "TrainablePool2d",
    "head_as_convolution",
    "initialise_glorot",
    "initialise_he",
    "linear_as_convolution",
]
