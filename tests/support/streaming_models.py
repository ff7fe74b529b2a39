"""Small Moonshine streaming models with random weights, and a look inside."""

import numpy as np
from benchmarks.random_models import TINY, changed

from vivavoce.asr.models.onnx.runtime import open_model

EVEN = changed(
    TINY,
    {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "sliding_windows": [[16, 4], [16, 0], [16, 4], [16, 4]],
    },
    vocab_size=512,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=2,
    head_dim=16,
    max_position_embeddings=256,
)
"""A small model whose encoder and decoder have the same width."""

UNEVEN = changed(
    EVEN,
    {"hidden_size": 40, "head_dim": 24, "num_hidden_layers": 3, "sliding_windows": [[9, 3], [16, 0], [5, 6]]},
    head_dim=20,  # 0.65 of which is an odd number of rotated dimensions
    rope_parameters={"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.65},
)
"""A small model in which nothing fits: widths, sizes of heads, windows."""


def staged(graph, target):
    """Write an encoder's graph that also yields what its last norm yields; returns its session."""
    import onnx

    model = onnx.load(str(graph))
    norm = [node for node in model.graph.node if node.op_type == "LayerNormalization"][-1]
    model.graph.output.append(
        onnx.helper.make_tensor_value_info(norm.output[0], onnx.TensorProto.FLOAT, None)
    )
    onnx.save(model, str(target))
    return open_model(target)


def stages(session, recogniser, samples):
    """Run front end and encoder over a whole span at once; returns their outputs, (frames, width)."""
    encoder = recogniser.encoder
    begin = encoder.beginning(0)
    n_frames = -(-(len(samples) // 80) // 4)
    front = encoder._more_frames(samples, begin.front, n_frames).frames
    found = {}

    class Looking:
        def run(self, names, inputs):
            *outputs, found["final"] = session.run([*names, session.get_outputs()[-1].name], inputs)
            return outputs

    whole, encoder._encoder = encoder._encoder, Looking()
    sizes = recogniser.config.decoder
    array = np.zeros((sizes.states, sizes.heads, n_frames, sizes.head_size), np.float32)
    encoder.run_encoder(front, 0, 0, begin.states, array)
    encoder._encoder = whole
    return front[0], found["final"][0, encoder.look_ahead_frames :]
