"""One row of the layer table, and the memory of the whole."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from striate.anatomy.seen import SeenAxis

__all__ = ["LayerRow", "Memory"]


@dataclass(frozen=True, kw_only=True)
class LayerRow:
    """One call.

    Attributes:
        name: As `Call.name` has it.
        kind: One of `KINDS`; of another call a word such as `arithmetic`, `join` or `other`; of a
            module with parameters that no call uses, `other`.
        output_shape: Shape of the output, batch first; empty if there is none, as of a module
            that the forward pass does not call.
        parameters: Numbers in the weights and biases that this row is the first to use.
        trainable: Those of them that ask for a gradient.
        shared: Whether the call uses parameters that an earlier row has counted.
        multiply_adds: Of the whole batch in evaluation mode, biases not counted.
        activation_bytes: Bytes of new memory that the call's output takes, for the whole batch; 0
            for a view and for a call in place. None if it is not known.
        backward_bytes: Bytes that the call is the first to keep for the backward pass in training
            mode, parameters aside. None if it is not known.
        receptive_field: What one cell of the output sees, an entry an axis of an input behind the
            channels; empty if it sees none.
        mode: `training` or `evaluation` for a call that the other mode does not make.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    parameters: int
    trainable: int
    shared: bool
    multiply_adds: int
    activation_bytes: int | None = None
    backward_bytes: int | None = None
    receptive_field: tuple[SeenAxis, ...] = ()
    mode: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain numbers and strings; a stride of one half is `[1, 2]`."""
        fields = [
            asdict(seen) | {"stride": [*seen.stride.as_integer_ratio()]}
            for seen in self.receptive_field
        ]
        return asdict(self) | {"output_shape": [*self.output_shape], "receptive_field": fields}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "LayerRow":
        """Return the row that `to_json` wrote, or an earlier version that knew less."""
        return cls(
            name=str(values["name"]),
            kind=str(values["kind"]),
            output_shape=tuple(int(length) for length in values["output_shape"]),
            parameters=int(values["parameters"]),
            trainable=int(values["trainable"]),
            shared=bool(values["shared"]),
            multiply_adds=int(values["multiply_adds"]),
            activation_bytes=maybe(values.get("activation_bytes")),
            backward_bytes=maybe(values.get("backward_bytes")),
            receptive_field=tuple(_seen(seen) for seen in values.get("receptive_field", ())),
            mode=str(values.get("mode", "")),
        )


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes that a network takes, for one batch.

    Attributes:
        weights: Of all parameters.
        buffers: Of what a network holds besides, such as running means.
        inputs: Of the batch.
        inference: The most that lives at once in a forward pass without gradients: weights,
            buffers, batch, and the activations that are still needed.
        gradients: Of the trainable parameters' gradients.
        backward: Kept by the forward pass in training mode for the backward pass, parameters
            aside; the sum of the rows. None if the network does not run in training mode.
        training: The most that lives at once in a forward and backward pass: weights, buffers,
            batch, activations, gradients. An optimiser's state comes on top. None if that pass
            cannot be made without values.
    """

    weights: int
    buffers: int
    inputs: int
    inference: int
    gradients: int
    backward: int | None
    training: int | None

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Memory":
        """Return what `asdict` made."""
        sure = {
            name: int(values[name])
            for name in ("weights", "buffers", "inputs", "inference", "gradients")
        }
        return cls(**sure, backward=maybe(values["backward"]), training=maybe(values["training"]))


def maybe(value: Any) -> int | None:
    """Return a number as int, None as None."""
    return None if value is None else int(value)


def _seen(values: Mapping[str, Any]) -> SeenAxis:
    numerator, denominator = values["stride"]
    return SeenAxis(
        input=int(values["input"]),
        axis=int(values["axis"]),
        size=int(values["size"]),
        stride=Fraction(int(numerator), int(denominator)),
        offset=int(values["offset"]),
        whole=bool(values["whole"]),
        exact=bool(values["exact"]),
    )
