"""The turn detector, on a model of the same shape as the shipped one."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from support.voices import RATE, tone
from vivavoce.asr.models import load_turn_detector


@pytest.fixture
def loudness_model(tmp_path):
    """A model of the same shape as smart-turn's, whose output is the maximum of the last second."""
    nodes = [
        helper.make_node("Slice", ["input_features", "start", "end", "axis"], ["last"]),
        helper.make_node("ReduceMax", ["last"], ["loudest"], axes=[1, 2], keepdims=0),
        helper.make_node("Reshape", ["loudest", "shape"], ["column"]),
        helper.make_node("Sigmoid", ["column"], ["logits"]),
    ]
    constants = {"start": [700], "end": [800], "axis": [2], "shape": [-1, 1]}
    graph = helper.make_graph(
        nodes,
        "loudness",
        [helper.make_tensor_value_info("input_features", TensorProto.FLOAT, ["n", 80, 800])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1])],
        [helper.make_tensor(name, TensorProto.INT64, [len(it)], it) for name, it in constants.items()],
    )
    path = tmp_path / "turns.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
    return path


def test_only_the_last_eight_seconds_of_a_turn_count(loudness_model):
    detector = load_turn_detector(str(loudness_model))
    ending, dying = tone(200, 1.0), np.concatenate([tone(200, 1.0), np.zeros(2 * RATE, np.float32)])
    loud, quiet = detector.end_probabilities([ending, dying])
    assert loud > quiet
    long = np.concatenate(
        [np.random.default_rng(0).normal(0, 1, 4 * RATE).astype(np.float32), tone(200, 8.0)]
    )
    both, alone = detector.end_probabilities([long, dying]), detector.end_probabilities([long[-8 * RATE :]])
    assert both == [*alone, quiet]
