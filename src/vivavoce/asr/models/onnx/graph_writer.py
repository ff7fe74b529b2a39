"""Writing ONNX graphs: nodes, constants and quantised products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from vivavoce.asr.models.onnx.quantised import Dense, quantise
from vivavoce.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vivavoce.asr.models.onnx.quantised import Floats, Linear, Matrix

__all__ = ["EPSILON", "GraphBuilder", "Products", "Rows"]

EPSILON: Final = 1e-5
_MICROSOFT: Final = "com.microsoft"
_SMALL: Final = 64  # values of an array that is shared with equal ones
# Ops of ONNX Runtime that are not part of the ONNX standard.
_CONTRIB: Final = frozenset({
    "BiasGelu", "FusedMatMul", "MatMulIntegerToFloat", "MultiHeadAttention", "QLinearAdd", "QLinearConv",
    "QuickGelu", "RotaryEmbedding",
})  # fmt: skip

Products: TypeAlias = Literal["rows", "float"]
"""How a product with a quantised matrix is computed.

rows: with activations quantised to 8 bits row by row, and an exact integer product, so that no row depends on
    its neighbours.
float: in float32; three times slower, to check the other.
"""


class Rows:
    """Activations, float32 (…, features), which are quantised once for all products that use them.

    Attributes:
        name: Of the value.
        gelu: Whether it is the output of a Gelu.
        zero: The code of 0.
        unit: Codes between 0 and the peak.
        codes: Name of the codes, uint8 (…, features); None until they are computed.
        peak: Name of the magnitudes that the largest codes stand for, float32 (…, 1); None until then.
    """

    __slots__ = ("codes", "gelu", "name", "peak", "unit", "zero")

    def __init__(self, name: str, *, gelu: bool = False) -> None:
        """Name activations.

        Args:
            name: Of the value.
            gelu: Whether it is the output of a Gelu. Then no value is below -0.17, and most codes stand for
                positive values.
        """
        self.name = name
        self.gelu = gelu
        self.zero, self.unit = (18, 237) if gelu else (128, 127)
        self.codes: str | None = None
        self.peak: str | None = None


class GraphBuilder:
    """Collects nodes and constants, then writes a model."""

    def __init__(self, name: str, products: Products = "rows") -> None:
        """Begin an empty graph.

        Args:
            name: Of the graph.
            products: How `product` computes.
        """
        self._name = name
        self._products: Products = products
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}  # by content if small, else by name
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._count = 0  # nodes with generated names

    # public methods for plain nodes

    def input(self, name: str, element: int, shape: Sequence[int | str]) -> str:
        """Declare an input and return its name."""
        self._inputs.append(helper.make_tensor_value_info(name, element, shape))
        return name

    def output(self, value: str, name: str, element: int, shape: Sequence[int | str]) -> None:
        """Declare a value as an output."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, element, shape))

    def constant(self, value: npt.NDArray[Any]) -> str:
        """Add an array and return its name; equal small arrays are added once."""
        key = ""
        if value.size <= _SMALL:
            key = f"c_{value.dtype}_{value.shape}_{value.tobytes().hex()}"
            if key in self._constants:
                return self._constants[key].name
        name = f"constant_{len(self._constants)}"
        self._constants[key or name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def point(self, value: np.float32 | np.uint8) -> str:
        """A value without axes, which some ops demand; other constants have at least one."""
        name = f"constant_{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.array(value), name)
        return name

    def ints(self, *values: int) -> str:
        """An int64 vector."""
        return self.constant(np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        """A float32 scalar."""
        return self.constant(np.array(value, np.float32))

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output and return the output's name."""
        return self.nodes(op, inputs, 1, **attributes)[0]

    def nodes(self, op: str, inputs: Sequence[str], outputs: int, **attributes: Any) -> list[str]:
        """Append a node with several outputs and return their names."""
        self._count += 1
        names = [f"{op}_{self._count}_{i}" for i in range(outputs)]
        domain = _MICROSOFT if op in _CONTRIB else ""
        self._nodes.append(
            helper.make_node(op, list(inputs), names, name=f"{op}_{self._count}", domain=domain, **attributes)
        )
        return names

    def reshape(self, value: str, *shape: int) -> str:
        """Reshape; 0 keeps an axis, -1 stands for the rest."""
        return self.node("Reshape", value, self.ints(*shape))

    def split(self, value: str, axis: int, *sizes: int) -> list[str]:
        """Split a value along an axis into parts of these sizes."""
        return self.nodes("Split", [value, self.ints(*sizes)], len(sizes), axis=axis)

    # public methods for the parts of a transformer

    def norm(self, value: str, gain: Floats) -> str:
        """Layer norm over the features, with a gain and no bias."""
        return self.node("LayerNormalization", value, self.constant(gain), axis=-1, epsilon=EPSILON)

    def add_norm(self, value: str, skip: str, gain: Floats, bias: Floats | None = None) -> tuple[str, str]:
        """Sum of value, skip and bias, and its layer norm: (norm, sum)."""
        # SkipLayerNormalization would do this in one node, but seven times slower in long batches.
        total = self.node("Add", value, skip)
        if bias is not None:
            total = self.node("Add", total, self.constant(bias))
        return self.norm(total, gain), total

    def product(self, rows: Rows, matrix: Matrix, products: Products | None = None) -> str:
        """``rows @ matrix`` without the matrix's bias; a matrix of floats is never quantised."""
        how = products or self._products
        if how == "float" or isinstance(matrix, Dense):
            return self.node("MatMul", rows.name, self.constant(matrix.dense()))
        weight, zero_point = self._signed(matrix)
        scale = self.constant(matrix.scale)
        codes, peak = self._quantised(rows)
        product = self.node(
            "MatMulIntegerToFloat",
            codes,
            weight,
            self.scalar(1 / rows.unit),
            scale,
            self._byte(rows.zero),
            zero_point,
        )
        return self.node("Mul", product, peak)

    def fine_product(self, value: str, matrix: Dense) -> str:
        """``value @ matrix`` without the matrix's bias: nearly as precise as in floats, with exact sums.

        Each factor is the sum of two of 8 bits, a coarse one and what that leaves; three of the four products
        are computed, since the last is too small. So no row depends on its neighbours. Source of splitting
        factors: K. Ozaki et al., "Error-free transformations of matrix multiplication by using fast routines
        of matrix multiplication and its applications", 2012.

        Args:
            value: Activations, float32 (…, inputs).
            matrix: Its weights.
        """
        coarse = quantise(matrix)
        left = quantise(Dense(matrix.values - coarse.dense()))
        rows = Rows(value)
        codes, peak = self._quantised(rows)
        unit, zero = self.scalar(1 / rows.unit), self._byte(rows.zero)
        rest = self.node(
            "Sub", self.node("Div", value, peak), self.node("DequantizeLinear", codes, unit, zero)
        )
        fine = 1 / (2 * rows.unit * rows.unit)  # the rest of a value is half a unit, at most
        rest_codes = self.node("QuantizeLinear", rest, self.scalar(fine), zero)
        total = self.node(
            "Sum",
            self._integer_product(codes, rows, 1 / rows.unit, coarse),
            self._integer_product(codes, rows, 1 / rows.unit, left),
            self._integer_product(rest_codes, rows, fine, coarse),
        )
        return self.node("Mul", total, peak)

    def window(self, rows: Rows, first: int, end: int, features: int) -> Rows:
        """Some rows and the first features of activations (batch, rows, features); the codes are shared."""
        codes, peak = self._quantised(rows)
        starts, ends, axes = self.ints(first, 0), self.ints(end, features), self.ints(1, 2)
        part = Rows("")
        part.codes = self.node("Slice", codes, starts, ends, axes)
        part.peak = self.node("Slice", peak, self.ints(first), self.ints(end), self.ints(1))
        return part

    def bias(self, matrix: Matrix) -> str:
        """Add the bias of a matrix and return its name.

        Raises:
            ModelError: The matrix has no bias.
        """
        if matrix.bias is None:
            raise ModelError("a matrix of the model must have a bias, and has none")
        return self.constant(matrix.bias)

    def save(self, path: Path) -> None:
        """Write the model."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, list(self._constants.values())
        )
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(_MICROSOFT, 1)]
        onnx.save(
            helper.make_model(graph, opset_imports=opsets, ir_version=10, producer_name="vivavoce"), path
        )

    # private methods

    def _quantised(self, rows: Rows) -> tuple[str, str]:
        """Codes of each row, and the magnitude that the largest code stands for."""
        if rows.codes is None or rows.peak is None:
            if rows.gelu:
                # The floor keeps -0.17 above code 0.
                peak = self.node("ReduceMax", rows.name, self.ints(-1), keepdims=1)
                rows.peak = self.node("Max", peak, self.scalar(2.3))
            else:
                # A row of zeros gives 0/0. Its code has no influence: it is multiplied by the peak, 0.
                rows.peak = self.node("ReduceMax", self.node("Abs", rows.name), self.ints(-1), keepdims=1)
            quotient = self.node("Div", rows.name, rows.peak)
            rows.codes = self.node(
                "QuantizeLinear", quotient, self.scalar(1 / rows.unit), self._byte(rows.zero)
            )
        return rows.codes, rows.peak

    def _integer_product(self, codes: str, rows: Rows, unit: float, matrix: Linear) -> str:
        weight, zero_point = self._signed(matrix)
        return self.node(
            "MatMulIntegerToFloat",
            codes,
            weight,
            self.scalar(unit),
            self.constant(matrix.scale),
            self._byte(rows.zero),
            zero_point,
        )

    def _byte(self, value: int) -> str:
        return self.constant(np.array(value, np.uint8))

    def _signed(self, matrix: Linear) -> tuple[str, str]:
        """Weights and zero points as int8: that kernel is three times as fast, and the shift is exact."""
        zero_point = (matrix.zero_point.astype(np.int16) - 128).astype(np.int8)
        weight = (matrix.quantised.astype(np.int16) - 128).astype(np.int8)
        return self.constant(weight), self.constant(zero_point)
