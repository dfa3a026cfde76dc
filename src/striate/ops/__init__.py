"""Functions on plain numbers: sizes and padding. No torch."""

from striate.ops.arithmetic import Window, chain_output_size, least_size, output_size, padding_same

__all__ = ["Window", "chain_output_size", "least_size", "output_size", "padding_same"]
