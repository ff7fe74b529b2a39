"""Products of graphs that we write."""

import numpy as np
import pytest
from onnx import TensorProto

from vivavoce.asr.models.onnx.graph_writer import GraphBuilder, Rows
from vivavoce.asr.models.onnx.quantised import Dense, quantise, side_by_side
from vivavoce.asr.models.onnx.runtime import open_model

DICE = np.random.default_rng(4)
ROWS = DICE.standard_normal((1, 9, 96)).astype(np.float32) * np.logspace(-3, 3, 9, dtype=np.float32)[:, None]
MATRIX = Dense(DICE.standard_normal((96, 40)).astype(np.float32))


@pytest.fixture(params=["fine", "rows", "float"])
def product(request, tmp_path):
    graph = GraphBuilder("test")
    value = graph.input("value", TensorProto.FLOAT, [1, "rows", 96])
    if request.param == "fine":
        found = graph.fine_product(value, MATRIX)
    else:
        found = graph.product(Rows(value), quantise(MATRIX) if request.param == "rows" else MATRIX)
    graph.output(found, "product", TensorProto.FLOAT, [1, "rows", 40])
    graph.save(tmp_path / "test.onnx")
    session = open_model(tmp_path / "test.onnx")
    return request.param, lambda rows: session.run(None, {"value": rows})[0]


def test_each_product_has_its_precision(product):
    kind, run = product
    exact = ROWS.astype(np.float64) @ MATRIX.values.astype(np.float64)
    size = np.abs(ROWS).max(axis=-1, keepdims=True)
    error = np.abs(run(ROWS) - exact) / size
    assert error.max() < {"fine": 1e-3, "rows": 0.2, "float": 1e-5}[kind]


def test_no_row_of_an_integer_product_depends_on_others(product):
    kind, run = product
    if kind != "float":
        alone = np.concatenate([run(ROWS[:, at : at + 1]) for at in range(9)], axis=1)
        np.testing.assert_array_equal(run(ROWS), alone)
    zeros = ROWS.copy()
    zeros[:, 4] = 0
    np.testing.assert_array_equal(run(zeros)[:, 4], np.zeros((1, 40), np.float32))


def test_matrices_side_by_side():
    other = Dense(DICE.standard_normal((96, 8)).astype(np.float32))
    both = np.concatenate([MATRIX.values, other.values], axis=1)
    np.testing.assert_array_equal(side_by_side([MATRIX, other]).dense(), both)
    quantised = side_by_side([quantise(MATRIX), quantise(other)])
    np.testing.assert_allclose(quantised.dense(), both, atol=0.02)
    order = np.arange(48)[::-1]
    np.testing.assert_array_equal(quantised.reordered(order).dense(), quantised.dense()[:, order])
    np.testing.assert_allclose(quantised.scaled(0.5).dense(), quantised.dense() / 2)
    np.testing.assert_array_equal(quantise(Dense(np.zeros((3, 2), np.float32))).dense(), np.zeros((3, 2)))
