"""Recordings and films that need a decoder: tracks, times, formats that change, damage."""

import dataclasses
import io
import os
import random

import pytest

pytest.importorskip("av")

from benchmarks.damaged_files import CONTAINERS, Container, encode

from support.films import RATE, beep, loud_seconds, onsets, write_film
from support.wav_files import shorts, wav
from vivavoce.errors import AudioError, ConfigurationError
from vivavoce.recordings import from_file
from vivavoce.recordings.sources import log_warning
from vivavoce.types import MODEL_RATE_HZ

SILENCE = beep() * 0


def read(file, **options):
    """All samples of a recording, and what was said about it."""
    warnings = []
    with from_file(file, warn=warnings.append, **options) as sound:
        assert sound.sample_rate == RATE == MODEL_RATE_HZ
        return b"".join(sound.chunks), warnings


# --- the clock of the container ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.mkv", None),
        ("a.webm", "matroska"),
        ("a.mp4", None),
        ("a.mov", None),
        ("a.ts", "mpegts"),
        ("a.nut", "nut"),
    ],
)
def test_audio_that_begins_late_and_has_a_gap_keeps_its_times(tmp_path, name, form):
    path = tmp_path / name
    write_film(path, [(2.0, beep()), (5.0, beep())], form=form)
    data, warnings = read(path)
    assert onsets(data) == pytest.approx([2.0, 5.0], abs=0.07)
    assert loud_seconds(data) == pytest.approx(1.95, abs=0.1)
    assert warnings == []


@pytest.mark.parametrize("movflags", ["frag_keyframe+empty_moov", "faststart"])
def test_fragments_and_files_for_the_web_have_times_too(tmp_path, movflags):
    path = tmp_path / "a.mp4"
    write_film(path, [(2.0, beep()), (5.0, beep())], options={"movflags": movflags})
    assert onsets(read(path)[0]) == pytest.approx([2.0, 5.0], abs=0.07)


@pytest.mark.parametrize("name", ["a.mkv", "a.m4a"])
def test_a_recording_without_pictures_begins_with_its_audio(tmp_path, name):
    path = tmp_path / name
    write_film(path, [(2.0, beep()), (5.0, beep())], seconds=0)
    assert onsets(read(path)[0]) == pytest.approx([0.0, 3.0], abs=0.07)


# --- tracks -----------------------------------------------------------------------------------


def test_a_silent_first_track_is_reported_with_advice(tmp_path):
    path = tmp_path / "film.mkv"
    write_film(path, [(0, SILENCE)], [(0, beep())])
    data, warnings = read(path)
    assert not onsets(data)
    assert warnings == [
        f"{path}: audio track 1 of 2 is silent; choose another one with --track (track= in Python)"
    ]
    assert onsets(read(path, track=2)[0]) == [0.0]


@pytest.mark.parametrize(("first", "second"), [(beep(), SILENCE), (beep(), beep())])
def test_a_first_track_with_audio_is_not_reported(tmp_path, first, second):
    path = tmp_path / "film.mp4"
    write_film(path, [(0, first)], [(0, second)])
    assert read(path)[1] == []


@pytest.mark.parametrize("name", ["film.mkv", "film.mp4", "film.mov"])
@pytest.mark.parametrize(("defaults", "starts"), [((0, 1), 2.0), ((1, 0), 1.0), ((1, 1), 1.0)])
def test_the_default_track_is_read_as_players_do(tmp_path, name, defaults, starts):
    path = tmp_path / name
    write_film(path, [(1.0, beep())], [(2.0, beep())], defaults=defaults)
    assert onsets(read(path)[0]) == pytest.approx([starts], abs=0.07)
    for track in (1, 2):
        assert onsets(read(path, track=track)[0]) == pytest.approx([track], abs=0.07)


def test_a_track_that_cannot_be_decoded_gives_way_to_another(tmp_path):
    path = tmp_path / "film.mkv"
    write_film(path, [(1.0, beep())], [(2.0, beep())])
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XYZ", 1))
    assert onsets(read(path)[0]) == pytest.approx([2.0], abs=0.07)
    with pytest.raises(
        AudioError,
        match="audio track 1 is in a format that FFmpeg does not decode; convert the file, or choose",
    ):
        read(path, track=1)
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_XYZ"))
    with pytest.raises(
        AudioError, match=r"the audio is in a format that FFmpeg does not decode; convert the file$"
    ):
        read(path)


def test_a_track_that_is_not_there_is_one_line_with_the_others(tmp_path):
    path = tmp_path / "film.mkv"
    write_film(path, [(0, beep())], [(0, beep())], languages=("deu", "eng"))
    with pytest.raises(
        AudioError,
        match=r"track must be in 1\.\.2, got 3; the file has 2 audio tracks: 1 deu aac, 2 eng aac$",
    ):
        read(path, track=3)
    with pytest.raises(ConfigurationError, match="track must be a whole number from 1 on, got 0"):
        read(path, track=0)


def test_a_plain_recording_has_one_track(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(beep().tobytes()))
    assert onsets(read(path, track=1)[0]) == [0.0]
    with pytest.raises(AudioError, match=r"track must be in 1\.\.1, got 2; the file has 1 audio track$"):
        read(path, track=2)


def test_a_film_without_audio_is_one_line(tmp_path):
    path = tmp_path / "silent.mp4"
    write_film(path)
    with pytest.raises(AudioError, match=r"silent\.mp4: the file has no audio$"):
        read(path)


# --- names and file objects -------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
@pytest.mark.parametrize(
    "name",
    [
        "2024-05-01T10:30:00.m4a",
        "http:a.m4a",
        "concat:a.m4a",
        "pipe:0",
        "100%d.m4a",
        "-",
        "a\udcff.m4a",
        "a|b.m4a",
    ],
)
def test_no_name_is_an_address(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    data = encode(beep(), CONTAINERS["m4a"])
    with open(name, "wb") as file:  # noqa: PTH123
        file.write(data)
    assert loud_seconds(read(name)[0]) == pytest.approx(1.0, abs=0.05)


def test_a_name_with_a_nul_is_one_line():
    with pytest.raises(AudioError, match="null byte"):
        read("a\0.wav")


@pytest.mark.parametrize("name", ["wav", "wav-alaw", "mp3", "m4a", "webm"])
def test_a_file_object_is_read_from_its_position(name):
    file = io.BytesIO(b"something else" + encode(beep(), CONTAINERS[name]))
    file.seek(14)
    assert loud_seconds(read(file)[0]) == pytest.approx(1.0, abs=0.06)


def test_a_file_in_text_mode_is_refused_with_advice():
    with pytest.raises(AudioError, match="open the file in binary mode"):
        read(io.StringIO("some text"))


def test_an_error_of_a_file_object_is_not_lost():
    class Broken(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 5_000:
                raise error
            return super().read(size)

    data = encode(beep(5.0), CONTAINERS["mp3"])
    error = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        read(Broken(data))
    error = OSError(5, "Input/output error")
    with pytest.raises(AudioError, match="the recording: input/output error"):
        read(Broken(data))


def test_a_recording_cannot_make_ffmpeg_open_other_files(tmp_path):
    (tmp_path / "secret.wav").write_bytes(wav(beep().tobytes()))
    for name, text in {
        "a.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "a.ffconcat": "ffconcat version 1.0\nfile secret.wav\n",
    }.items():
        path = tmp_path / name
        path.write_text(text)
        with pytest.raises(AudioError):
            read(path)


# --- formats that change ----------------------------------------------------------------------


def test_all_of_a_recording_whose_rate_and_channels_change(tmp_path):
    forms = [
        Container(".aac", "adts", "aac", 44_100, "stereo"),
        Container(".aac", "adts", "aac", 22_050, "mono"),
        Container(".aac", "adts", "aac", 48_000, "5.1"),
    ]
    path = tmp_path / "radio.aac"
    path.write_bytes(b"".join(encode(beep(), form) for form in forms))
    data, warnings = read(path)
    assert loud_seconds(data) == pytest.approx(3.0, abs=0.15)
    assert warnings == []


STEREO = [CONTAINERS[name] for name in ("mp3", "opus", "vorbis", "flac", "ts")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *zip(STEREO, STEREO, strict=True),
        (CONTAINERS["mp3"], dataclasses.replace(CONTAINERS["mp3"], rate=22_050, layout="mono")),
        (CONTAINERS["opus"], dataclasses.replace(CONTAINERS["opus"], layout="stereo")),
        (CONTAINERS["vorbis"], dataclasses.replace(CONTAINERS["vorbis"], rate=22_050)),
        (CONTAINERS["vorbis"], CONTAINERS["opus"]),
        (CONTAINERS["flac"], dataclasses.replace(CONTAINERS["flac"], layout="mono")),
        (CONTAINERS["ts"], dataclasses.replace(CONTAINERS["ts"], rate=32_000, layout="mono")),
    ],
    ids=lambda form: f"{form.codec} {form.layout}",
)
def test_recordings_that_were_joined_are_read_to_the_end(tmp_path, first, second):
    path = tmp_path / f"joined{first.suffix}"
    path.write_bytes(encode(beep(), first) + encode(beep(), second))
    assert loud_seconds(read(path)[0]) == pytest.approx(2.0, abs=0.12)


# --- damage -----------------------------------------------------------------------------------


def test_damaged_frames_and_junk_are_skipped_and_counted_once(tmp_path):
    whole = encode(beep(10.0), CONTAINERS["mp3"])
    damaged = bytearray(whole)
    damaged[len(whole) // 2 : len(whole) // 2 + 300] = b"\xff" * 300
    path = tmp_path / "talk.mp3"
    path.write_bytes(bytes(damaged) + random.Random(1).randbytes(5_000))
    data, (warning,) = read(path)
    assert loud_seconds(data) == pytest.approx(10.0, abs=0.2)
    assert warning.startswith(f"{path}: ")
    assert warning.endswith((" damaged frame was skipped", " damaged frames were skipped"))


@pytest.mark.parametrize(
    ("name", "lost_s"), [("flac", 1), ("aac", 1), ("wma", 1), ("ts", 1), ("webm", 5), ("mkv", 5)]
)
def test_what_follows_a_damaged_part_is_read(tmp_path, name, lost_s):
    """In Matroska the rest of a cluster of 5 s is lost."""
    whole = encode(beep(20.0), CONTAINERS[name])
    at = len(whole) // 3
    path = tmp_path / f"talk{CONTAINERS[name].suffix}"
    path.write_bytes(whole[:at] + random.Random(2).randbytes(400) + whole[at + 400 :])
    data, _ = read(path)
    assert loud_seconds(data) >= 20 - lost_s
    assert loud_seconds(data[-4 * RATE :]) >= 1.8


def test_a_file_whose_index_was_never_written_is_one_line_with_advice(tmp_path):
    whole = encode(beep(5.0), CONTAINERS["m4a"])
    path = tmp_path / "memo.m4a"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        AudioError, match=r"memo\.m4a: the file begins like MP4, .* a tool that repairs MP4 may help"
    ):
        read(path)


def test_a_file_of_another_kind_under_the_name_of_a_recording_is_one_line(tmp_path):
    path = tmp_path / "song.mp3"
    path.write_text("<html><body>404 Not Found</body></html>\n" * 500)
    with pytest.raises(AudioError, match=r"^[^\n]*song\.mp3: [^\n]+$"):
        read(path)


def test_tags_in_any_encoding_are_no_obstacle(tmp_path):
    text = "Müller".encode("latin-1")
    frame = b"TIT2" + (len(text) + 1).to_bytes(4, "big") + b"\0\0\3" + text  # says that it is UTF-8
    size = len(frame)
    tag = b"ID3\4\0\0" + bytes([size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127]) + frame
    path = tmp_path / "song.mp3"
    path.write_bytes(tag + encode(beep(), CONTAINERS["mp3"]))
    assert loud_seconds(read(path)[0]) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("channels", [7, 8, 16, 33])
def test_any_number_of_channels(tmp_path, channels):
    """PyAV must not count the planes of more than seven channels."""
    path = tmp_path / "room.wav"
    samples = beep().repeat(channels).tobytes()
    path.write_bytes(wav(samples, channels=channels, rate=192_000))  # a rate that goes to the decoder
    with from_file(path) as sound:
        assert sound.channels == channels
        assert loud_seconds(b"".join(sound.chunks)) == pytest.approx(1 / 12, abs=0.03)


def test_a_damaged_wav_header_goes_to_the_decoder(tmp_path):
    whole = wav(beep().tobytes(), before=b"JUNK" + shorts(0, 0) + b"")
    path = tmp_path / "a.wav"
    path.write_bytes(whole[:4] + b"\0\0\0\0" + whole[8:])
    assert loud_seconds(read(path)[0]) == pytest.approx(1.0, abs=0.05)


def test_messages_go_to_the_log_unless_asked_for(tmp_path, caplog):
    log_warning("film.mkv: 100% silent")
    (record,) = caplog.records
    assert (record.name, record.getMessage()) == ("vivavoce.recordings", "film.mkv: 100% silent")


def test_the_container_is_closed_with_the_block(tmp_path):
    path = tmp_path / "a.mp3"
    path.write_bytes(encode(beep(3.0), CONTAINERS["mp3"]))
    with from_file(path) as sound:
        chunks = iter(sound.chunks)
        next(chunks)
    assert list(chunks) == []
