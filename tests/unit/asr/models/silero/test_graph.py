"""The graph of the speech detector."""

import pytest

from vivavoce.asr.models.silero.graph import build_detector
from vivavoce.errors import ModelError


def test_a_file_that_is_not_a_speech_detector_is_refused(tmp_path):
    wrong = tmp_path / "wrong.onnx"
    for content, said in ((b"no model at all", "can't be read"), (b"", "must be a Silero speech detector")):
        wrong.write_bytes(content)
        with pytest.raises(ModelError, match=said):
            build_detector(wrong, tmp_path / "out.onnx")
