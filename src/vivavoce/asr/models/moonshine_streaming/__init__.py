"""Moonshine streaming (Useful Sensors): an encoder that never looks far back, and Moonshine's decoder.

The weights are a Hugging Face style folder, ``config.json``, ``model.safetensors`` and ``tokenizer.json``.
Lean graphs are written from it at first use, and kept in the user's cache folder. Source of the model: M.
Kudlur et al., "Moonshine v2: Ergodic Streaming Encoder ASR for Latency-Critical Speech Applications", 2026;
the numbers are those of ``transformers`` 5.2 and later, module ``moonshine_streaming``.
"""

from vivavoce.asr.models.moonshine_streaming.recogniser import MoonshineStreamingRecogniser

__all__ = ["MoonshineStreamingRecogniser"]
