"""NeMo models with graphs so small that one knows what they write, as folders that onnx-asr opens."""

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

VOCABULARY = ("▁hello", "▁wor", "ld", ".", "▁5", "<blk>")
FEATURES = 80
BLANK = len(VOCABULARY) - 1
FRAME_S = 0.08


def write_ctc(folder, script, *, probability=0.8):
    """Write a CTC model that writes a script whatever it hears.

    Args:
        folder: Is created.
        script: The token of each frame of 80 ms; after its end, blanks follow.
        probability: Of each of these tokens.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rows = np.full((2_000, len(VOCABULARY)), np.log((1 - probability) / BLANK), np.float32)
    rows[np.arange(2_000), [*script, *[BLANK] * (2_000 - len(script))]] = np.log(probability)
    int64 = TensorProto.INT64
    constants = {
        "rows": rows[None],
        "seven": np.array([7], np.int64),
        "eight": np.array([8], np.int64),
        "zero": np.array([0], np.int64),
        "axis": np.array([1], np.int64),
        "two": np.array([2], np.int64),
        "three": np.array([3], np.int64),
    }
    nodes = [
        helper.make_node("Shape", ["audio_signal"], ["shape"]),
        helper.make_node("Slice", ["shape", "two", "three"], ["frames"]),
        helper.make_node("Add", ["frames", "seven"], ["more"]),
        helper.make_node("Div", ["more", "eight"], ["count"]),
        helper.make_node("Slice", ["rows", "zero", "count", "axis"], ["logprobs"]),
    ]
    graph = helper.make_graph(
        nodes,
        "ctc",
        [
            helper.make_tensor_value_info("audio_signal", TensorProto.FLOAT, [1, FEATURES, "time"]),
            helper.make_tensor_value_info("length", int64, [1]),
        ],
        [helper.make_tensor_value_info("logprobs", TensorProto.FLOAT, [1, "frames", len(VOCABULARY)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    _finish(folder, "nemo-conformer-ctc", {"model.onnx": graph})


def write_tdt(folder, script, *, suffix=""):
    """Write a TDT transducer: the encoder numbers its frames, the joint looks the number up.

    Args:
        folder: Is created.
        script: (token, frames to go on) of each frame; after its end, blanks follow.
        suffix: Of the graphs' names, such as ``.int8``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    n, durations = 2_000, 5
    scores = np.full((n, len(VOCABULARY) + durations), -8.0, np.float32)
    for at, (token, step) in enumerate([*script, *[(BLANK, 1)] * (n - len(script))]):
        scores[at, token] = 8.0
        scores[at, len(VOCABULARY) + step] = 8.0
    numbers = np.arange(n, dtype=np.float32)[None, None]
    encoder = helper.make_graph(
        [
            helper.make_node("Add", ["length", "seven"], ["more"]),
            helper.make_node("Div", ["more", "eight"], ["encoded_lengths"]),
            helper.make_node("Slice", ["numbers", "zero", "encoded_lengths", "axis"], ["outputs"]),
        ],
        "encoder",
        [
            helper.make_tensor_value_info("audio_signal", TensorProto.FLOAT, [1, FEATURES, "time"]),
            helper.make_tensor_value_info("length", TensorProto.INT64, [1]),
        ],
        [
            helper.make_tensor_value_info("outputs", TensorProto.FLOAT, [1, 1, "frames"]),
            helper.make_tensor_value_info("encoded_lengths", TensorProto.INT64, [1]),
        ],
        [
            numpy_helper.from_array(value, name)
            for name, value in {
                "numbers": numbers,
                "seven": np.array([7], np.int64),
                "eight": np.array([8], np.int64),
                "zero": np.array([0], np.int64),
                "axis": np.array([2], np.int64),
            }.items()
        ],
    )
    state = [1, "batch", 4]
    joint = helper.make_graph(
        [
            helper.make_node("Cast", ["encoder_outputs"], ["number"], to=TensorProto.INT64),
            helper.make_node("Gather", ["scores", "number"], ["looked"], axis=0),
            helper.make_node("Reshape", ["looked", "shape"], ["outputs"]),
            helper.make_node("Identity", ["input_states_1"], ["output_states_1"]),
            helper.make_node("Identity", ["input_states_2"], ["output_states_2"]),
        ],
        "joint",
        [
            helper.make_tensor_value_info("encoder_outputs", TensorProto.FLOAT, [1, 1, 1]),
            helper.make_tensor_value_info("targets", TensorProto.INT32, [1, 1]),
            helper.make_tensor_value_info("target_length", TensorProto.INT32, [1]),
            helper.make_tensor_value_info("input_states_1", TensorProto.FLOAT, state),
            helper.make_tensor_value_info("input_states_2", TensorProto.FLOAT, state),
        ],
        [
            helper.make_tensor_value_info("outputs", TensorProto.FLOAT, [1, 1, 1, scores.shape[1]]),
            helper.make_tensor_value_info("output_states_1", TensorProto.FLOAT, state),
            helper.make_tensor_value_info("output_states_2", TensorProto.FLOAT, state),
        ],
        [
            numpy_helper.from_array(scores, "scores"),
            numpy_helper.from_array(np.array([1, 1, 1, scores.shape[1]], np.int64), "shape"),
        ],
    )
    graphs = {f"encoder-model{suffix}.onnx": encoder, f"decoder_joint-model{suffix}.onnx": joint}
    _finish(folder, "nemo-conformer-tdt", graphs)


def _finish(folder, kind, graphs):
    for name, graph in graphs.items():
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        save(model, str(folder / name))
    config = {"model_type": kind, "features_size": FEATURES, "subsampling_factor": 8}
    (folder / "config.json").write_text(json.dumps(config))
    lines = [f"{token} {number}\n" for number, token in enumerate(VOCABULARY)]
    (folder / "vocab.txt").write_text("".join(lines), encoding="utf-8")
