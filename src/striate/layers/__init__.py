"""Modules that PyTorch lacks."""

from striate.layers.conv_block import NORMS, ORDERS, ConvBlock
from striate.layers.initialisation import initialise_glorot, initialise_he

__all__ = ["NORMS", "ORDERS", "ConvBlock", "initialise_glorot", "initialise_he"]
