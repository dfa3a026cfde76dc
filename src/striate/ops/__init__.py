"""Functions on plain numbers and tensors: arithmetic, padding, convolution, pooling, kernels."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from striate.ops.arithmetic import Window as Window
    from striate.ops.arithmetic import axis_padding as axis_padding
    from striate.ops.arithmetic import chain_output_size as chain_output_size
    from striate.ops.arithmetic import least_size as least_size
    from striate.ops.arithmetic import output_size as output_size
    from striate.ops.arithmetic import padding_same as padding_same
    from striate.ops.arithmetic import transposed_output_size as transposed_output_size
    from striate.ops.axis_facts import AxisFacts as AxisFacts
    from striate.ops.comparisons import Comparison as Comparison
    from striate.ops.comparisons import Connected as Connected
    from striate.ops.comparisons import Connections as Connections
    from striate.ops.comparisons import StackComparison as StackComparison
    from striate.ops.comparisons import connections as connections
    from striate.ops.comparisons import separable_against_full as separable_against_full
    from striate.ops.comparisons import stacked_against_single as stacked_against_single
    from striate.ops.convolution import conv1d as conv1d
    from striate.ops.convolution import conv2d as conv2d
    from striate.ops.convolution import conv3d as conv3d
    from striate.ops.counting import Cost as Cost
    from striate.ops.counting import convolution_cost as convolution_cost
    from striate.ops.counting import convolution_multiply_adds as convolution_multiply_adds
    from striate.ops.counting import convolution_parameters as convolution_parameters
    from striate.ops.counting import depthwise_cost as depthwise_cost
    from striate.ops.counting import fully_connected_cost as fully_connected_cost
    from striate.ops.counting import locally_connected_cost as locally_connected_cost
    from striate.ops.counting import memory_bytes as memory_bytes
    from striate.ops.counting import separable_cost as separable_cost
    from striate.ops.counting import transposed_cost as transposed_cost
    from striate.ops.filtering import Filter as Filter
    from striate.ops.filtering import filter_image as filter_image
    from striate.ops.filtering import gabor_magnitude as gabor_magnitude
    from striate.ops.filtering import grey as grey
    from striate.ops.filtering import standardise as standardise
    from striate.ops.gabor_kernels import GaborKernel as GaborKernel
    from striate.ops.gabor_kernels import gabor as gabor
    from striate.ops.gabor_kernels import gabor_bank as gabor_bank
    from striate.ops.global_pooling import adaptive_avg_pool as adaptive_avg_pool
    from striate.ops.global_pooling import adaptive_max_pool as adaptive_max_pool
    from striate.ops.global_pooling import global_avg_pool as global_avg_pool
    from striate.ops.global_pooling import global_max_pool as global_max_pool
    from striate.ops.gradients import input_gradient as input_gradient
    from striate.ops.gradients import weight_gradient as weight_gradient
    from striate.ops.k_max import dynamic_k as dynamic_k
    from striate.ops.k_max import k_max_pool as k_max_pool
    from striate.ops.kernels import KERNELS as KERNELS
    from striate.ops.kernels import KernelCard as KernelCard
    from striate.ops.kernels import kernel as kernel
    from striate.ops.layer_facts import ConvolutionFacts as ConvolutionFacts
    from striate.ops.layer_facts import convolution_facts as convolution_facts
    from striate.ops.locally_connected import locally_connected2d as locally_connected2d
    from striate.ops.matrix import convolution_matrix as convolution_matrix
    from striate.ops.matrix import transposed_convolution_matrix as transposed_convolution_matrix
    from striate.ops.normalization import local_response_norm as local_response_norm
    from striate.ops.notation import parse_filters as parse_filters
    from striate.ops.notation import parse_kernel as parse_kernel
    from striate.ops.operations import Convolution as Convolution
    from striate.ops.operations import Pooling as Pooling
    from striate.ops.operations import operation_of as operation_of
    from striate.ops.padding import padding_pairs as padding_pairs
    from striate.ops.padding import per_axis as per_axis
    from striate.ops.pooling import avg_pool as avg_pool
    from striate.ops.pooling import max_pool as max_pool
    from striate.ops.pooling import min_pool as min_pool
    from striate.ops.pooling_by_rank import avg_pool1d as avg_pool1d
    from striate.ops.pooling_by_rank import avg_pool2d as avg_pool2d
    from striate.ops.pooling_by_rank import avg_pool3d as avg_pool3d
    from striate.ops.pooling_by_rank import max_pool1d as max_pool1d
    from striate.ops.pooling_by_rank import max_pool2d as max_pool2d
    from striate.ops.pooling_by_rank import max_pool3d as max_pool3d
    from striate.ops.pooling_by_rank import min_pool1d as min_pool1d
    from striate.ops.pooling_by_rank import min_pool2d as min_pool2d
    from striate.ops.pooling_by_rank import min_pool3d as min_pool3d
    from striate.ops.receptive_fields import ReceptiveField as ReceptiveField
    from striate.ops.receptive_fields import receptive_field as receptive_field
    from striate.ops.receptive_fields import (
        transposed_receptive_field as transposed_receptive_field,
    )
    from striate.ops.separable import depthwise_conv2d as depthwise_conv2d
    from striate.ops.separable import separable_conv2d as separable_conv2d
    from striate.ops.trace import trace_input as trace_input
    from striate.ops.trace import trace_output as trace_output
    from striate.ops.trace_records import Cell as Cell
    from striate.ops.trace_records import Feed as Feed
    from striate.ops.trace_records import InputTrace as InputTrace
    from striate.ops.trace_records import OutputTrace as OutputTrace
    from striate.ops.trace_steps import MapTrace as MapTrace
    from striate.ops.trace_steps import trace_map as trace_map
    from striate.ops.transposed import conv_transpose1d as conv_transpose1d
    from striate.ops.transposed import conv_transpose2d as conv_transpose2d
    from striate.ops.transposed import conv_transpose3d as conv_transpose3d

# Loaded when first touched (PEP 562), so that the arithmetic does not wait for torch. A name here
# must not be that of a module of this room: importing the module would put it in the name's place.
_HOMES = {
    "arithmetic": (
        "Window axis_padding chain_output_size least_size output_size padding_same "
        "transposed_output_size"
    ),
    "axis_facts": "AxisFacts",
    "comparisons": (
        "Comparison Connected Connections StackComparison connections separable_against_full "
        "stacked_against_single"
    ),
    "convolution": "conv1d conv2d conv3d",
    "counting": (
        "Cost convolution_cost convolution_multiply_adds convolution_parameters "
        "depthwise_cost fully_connected_cost locally_connected_cost memory_bytes "
        "separable_cost transposed_cost"
    ),
    "filtering": "Filter filter_image gabor_magnitude grey standardise",
    "gabor_kernels": "GaborKernel gabor gabor_bank",
    "global_pooling": "adaptive_avg_pool adaptive_max_pool global_avg_pool global_max_pool",
    "gradients": "input_gradient weight_gradient",
    "k_max": "dynamic_k k_max_pool",
    "kernels": "KERNELS KernelCard kernel",
    "layer_facts": "ConvolutionFacts convolution_facts",
    "locally_connected": "locally_connected2d",
    "matrix": "convolution_matrix transposed_convolution_matrix",
    "normalization": "local_response_norm",
    "notation": "parse_filters parse_kernel",
    "operations": "Convolution Pooling operation_of",
    "padding": "padding_pairs per_axis",
    "pooling": "avg_pool max_pool min_pool",
    "pooling_by_rank": (
        "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d min_pool1d "
        "min_pool2d min_pool3d"
    ),
    "receptive_fields": "ReceptiveField receptive_field transposed_receptive_field",
    "separable": "depthwise_conv2d separable_conv2d",
    "trace": "trace_input trace_output",
    "trace_records": "Cell Feed InputTrace OutputTrace",
    "trace_steps": "MapTrace trace_map",
    "transposed": "conv_transpose1d conv_transpose2d conv_transpose3d",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [*_HOME_OF]  # noqa: PLE0604 - names of strings


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'striate.ops' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"striate.ops.{_HOME_OF[name]}"), name)
    globals()[name] = value  # next time without this function
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
