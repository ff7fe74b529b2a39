"""Audio that is saved to a WAV file while it passes."""

import wave

from vivavoce.recordings.saving import _MOST_AUDIO_BYTES, WavRecorder, _header, saved


def test_the_file_is_complete_after_every_chunk(tmp_path):
    path = tmp_path / "talk.wav"
    with saved(iter([b"\1\0" * 80, b"\2\0" * 80]), path, 8_000) as chunks:
        for n, _ in enumerate(chunks, 1):
            with wave.open(str(path)) as file:
                assert file.getnframes() == 80 * n


def test_what_does_not_fit_into_one_file_goes_to_the_next(tmp_path):
    recorder = WavRecorder(tmp_path / "talk.wav", 8_000, most_bytes=400)
    for n in range(5):
        recorder.write(bytes([n, 0]) * 80)
    recorder.close()
    assert [path.name for path in recorder.paths] == ["talk.wav", "talk-2.wav", "talk-3.wav"]
    read = b""
    for path in recorder.paths:
        with wave.open(str(path)) as file:
            read += file.readframes(1_000)
    assert read == b"".join(bytes([n, 0]) * 80 for n in range(5))


def test_the_header_of_the_largest_file_is_within_its_fields(tmp_path):
    assert len(_header(48_000, _MOST_AUDIO_BYTES)) == 44
    assert _MOST_AUDIO_BYTES % 2 == 0
