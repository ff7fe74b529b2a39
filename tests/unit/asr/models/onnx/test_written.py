"""Graphs that are written from a model's file once."""

import numpy as np
import pytest
from onnx import TensorProto

from vivavoce.asr.models.onnx.graph_writer import GraphBuilder
from vivavoce.asr.models.onnx.written import open_written
from vivavoce.errors import ModelError


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    path = tmp_path / "weights"
    path.write_text("3")
    return path


def tripled(source, build, written):
    def write(source, target):
        written.append(source)
        graph = GraphBuilder("product")
        value = graph.input("value", TensorProto.FLOAT, ["n"])
        product = graph.node("Mul", value, graph.scalar(float(source.read_text())))
        graph.output(product, "product", TensorProto.FLOAT, ["n"])
        graph.save(target)

    session = open_written("product", build, source, write)
    return session.run(None, {"value": np.ones(1, np.float32)})[0].tolist()


def test_it_is_written_once_for_each_file_and_build(source):
    written = []
    assert [tripled(source, build, written) for build in (1, 1, 2)] == [[3]] * 3
    source.write_text("4")
    assert tripled(source, 2, written) == [4]
    assert len(written) == 3


def test_a_file_that_is_no_model_leaves_nothing_behind(source):
    def refuse(source, target):
        target.write_text("a part")
        raise ModelError(f"{source.name} is no model")

    for _ in range(2):
        with pytest.raises(ModelError, match="weights is no model"):
            open_written("product", 1, source, refuse)
