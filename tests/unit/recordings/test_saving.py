"""Audio that is saved to a WAV file while it passes."""

import wave

from vivavoce.recordings.saving import saved


def test_the_file_is_complete_after_every_chunk(tmp_path):
    path = tmp_path / "talk.wav"
    with saved(iter([b"\1\0" * 80, b"\2\0" * 80]), path, 8_000) as chunks:
        for n, _ in enumerate(chunks, 1):
            with wave.open(str(path)) as file:
                assert file.getnframes() == 80 * n
