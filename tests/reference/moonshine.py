"""Numbers of Moonshine's reference, ``transformers``, for models with random weights.

Writes tests/data/moonshine.npz, which the unit tests compare with. Run it by hand where torch, transformers
and safetensors are installed, from the folder of the repository:

    PYTHONPATH=.:tests python tests/reference/moonshine.py
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from benchmarks.random_models import sound, write_model

from support.moonshine_models import ODD, PLAIN

TARGET = Path(__file__).parents[1] / "data" / "moonshine.npz"
CONFIGS = {"plain": (PLAIN, 0), "odd": (ODD, 1)}
"""Configurations and seeds of the models."""
STAGED_S = 1.3
SPANS = 50
"""Spans of which only the tokens are kept."""
CROSS_EVERY, SCORES_EVERY = 8, 16
"""Only so many keys and values, and scores, are kept: the file shall stay small."""


def span(number):
    """Return the audio of one of the spans: 0.3 to 2.26 s."""
    return sound(0.3 + 0.04 * number, 100 + number)


class Reference:
    """A model of ``transformers``."""

    def __init__(self, folder):
        import torch
        from transformers import MoonshineForConditionalGeneration

        torch.set_num_threads(1)
        self._torch = torch
        load = MoonshineForConditionalGeneration.from_pretrained
        self._model = load(folder, attn_implementation="eager").eval()

    def stages(self, samples):
        """Return the encoder's input and output, and the decoder's keys and values, float32."""
        torch, functional = self._torch, self._torch.nn.functional
        with torch.no_grad():
            encoder, decoder = self._model.model.encoder, self._model.model.decoder
            values = torch.tensor(samples)[None]
            hidden = encoder.groupnorm(torch.tanh(encoder.conv1(values[:, None])))
            front = functional.gelu(encoder.conv3(functional.gelu(encoder.conv2(hidden))))
            encoded = encoder(values).last_hidden_state
            cross = [
                projection(encoded)[0].numpy()
                for layer in decoder.layers
                for projection in (layer.encoder_attn.k_proj, layer.encoder_attn.v_proj)
            ]
        return front[0].T.numpy(), encoded[0].numpy(), np.stack(cross)

    def scores(self, samples, tokens):
        """Return the log-probabilities after the start and after each of these tokens, float32."""
        with self._torch.no_grad():
            values = self._torch.tensor(samples)[None]
            given = self._torch.tensor([[1, *tokens]])
            logits = self._model(input_values=values, decoder_input_ids=given).logits
            return logits.log_softmax(-1)[0].numpy()

    def greedy(self, samples, limit):
        """Return the tokens that are most probable one after another, without the end."""
        with self._torch.no_grad():
            found = self._model.generate(
                self._torch.tensor(samples)[None], max_new_tokens=limit, do_sample=False, num_beams=1,
                bos_token_id=1, eos_token_id=2, pad_token_id=0, decoder_start_token_id=1,
            )[0].tolist()  # fmt: skip
        found = found[1:]
        return found[: found.index(2)] if 2 in found else found


def limit(samples):
    """Return the number of tokens at which our recogniser ends a span."""
    return int(len(samples) / 16_000 * 6.5) + 4


def main():
    os.environ["HF_HUB_OFFLINE"] = "1"
    kept = {}
    for name, (config, seed) in CONFIGS.items():
        with tempfile.TemporaryDirectory() as folder:
            reference = Reference(write_model(Path(folder), config, seed))
            samples = sound(STAGED_S)
            front, encoded, cross = reference.stages(samples)
            tokens = reference.greedy(samples, limit(samples))
            kept[f"{name}_front"], kept[f"{name}_encoded"] = front, encoded
            kept[f"{name}_cross"] = cross[:, ::CROSS_EVERY]
            kept[f"{name}_scores"] = reference.scores(samples, tokens)[:, ::SCORES_EVERY]
            kept[f"{name}_staged_tokens"] = np.array(tokens, np.int16)
            found = [reference.greedy(span(number), limit(span(number))) for number in range(SPANS)]
            kept[f"{name}_tokens"] = np.array([token for each in found for token in each], np.int16)
            kept[f"{name}_lengths"] = np.array([len(each) for each in found], np.int16)
    np.savez_compressed(TARGET, **kept)
    sys.stdout.write(f"{TARGET}: {TARGET.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
