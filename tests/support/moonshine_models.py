"""Small Moonshine models with random weights, and a look inside."""

from benchmarks.random_models import BASE

PLAIN = BASE | {
    "vocab_size": 512,
    "hidden_size": 32,
    "intermediate_size": 64,
    "encoder_num_hidden_layers": 3,
    "decoder_num_hidden_layers": 2,
    "encoder_num_attention_heads": 2,
    "decoder_num_attention_heads": 2,
    "encoder_num_key_value_heads": 2,
    "decoder_num_key_value_heads": 2,
}
"""A small model whose configuration is written as the released files are."""

ODD = PLAIN | {
    "hidden_size": 40,
    "encoder_num_hidden_layers": 2,
    "decoder_num_hidden_layers": 3,
    "head_dim": 24,
    "pad_head_dim_to_multiple_of": None,
    "rope_parameters": {"rope_type": "default", "rope_theta": 5000.0, "partial_rotary_factor": 0.55},
    "tie_word_embeddings": False,
}
"""A small model in which nothing fits: heads and width, rotated dimensions, numbers of blocks."""


def stages(graphs, target, config, samples):
    """Run front end and encoder over a whole span; returns the encoder's input and output, (frames, width).

    Args:
        graphs: The folder of the graphs.
        target: Where an encoder's graph that also yields these two is written.
        config: Of the model.
        samples: Of the span.
    """
    # The reference runs where these are not installed.
    import onnx

    from vivavoce.asr.models.moonshine.encoder import Encoder
    from vivavoce.asr.models.onnx.runtime import open_model

    model = onnx.load(str(graphs / "encoder.onnx"))
    norms = [node for node in model.graph.node if node.op_type == "LayerNormalization"]
    for name in (norms[0].input[0], norms[-1].output[0]):
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None))
    onnx.save(model, str(target))
    session, found = open_model(target), []

    class Looking:
        def run(self, _names, inputs):
            *outputs, first, last = session.run(None, inputs)
            found.extend([first[0], last[0]])
            return outputs

    Encoder(open_model(graphs / "front.onnx"), Looking(), config.encoder).encode(samples, exact=True)
    return found
