"""What is in a network, and what passes through it: capture, layer table, activation statistics."""

from striate.anatomy.activations import ActivationRecord
from striate.anatomy.calls import Call, calls
from striate.anatomy.capture import Captured, capture
from striate.anatomy.hooks import preserved
from striate.anatomy.inputs import image_axes
from striate.anatomy.kinds import KINDS
from striate.anatomy.layer_row import LayerRow, Memory
from striate.anatomy.layer_table import SORTS, LayerTable
from striate.anatomy.seen import SeenAxis
from striate.anatomy.statistics import ActivationStatistics, sample
from striate.anatomy.table import table
from striate.anatomy.tracing import LayerCall, layer_call, trace_layer

__all__ = [
    "KINDS",
    "SORTS",
    "ActivationRecord",
    "ActivationStatistics",
    "Call",
    "Captured",
    "LayerCall",
    "LayerRow",
    "LayerTable",
    "Memory",
    "SeenAxis",
    "calls",
    "capture",
    "image_axes",
    "layer_call",
    "preserved",
    "sample",
    "table",
    "trace_layer",
]
