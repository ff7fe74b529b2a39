"""Headers of files for the decoder that state fewer samples than there are."""

import io
import random
import struct

import pytest

pytest.importorskip("av")

from benchmarks.damaged_files import CONTAINERS, Container, encode

from support.films import beep, loud_seconds
from vivavoce.errors import AudioError
from vivavoce.recordings import from_file
from vivavoce.recordings.byte_source import ByteSource
from vivavoce.recordings.stated_lengths import UNDERSTATED, correct_length

FORMS = {  # where the length is after the name, and how it is written
    "aiff": (CONTAINERS["aiff"], b"SSND", 4, ">I"),
    "caf": (Container(".caf", "caf", "pcm_s16be", 16_000, "mono", "s16"), b"data", 4, ">q"),
    "w64": (Container(".w64", "w64", "pcm_s16le", 16_000, "mono", "s16"), b"data", 16, "<Q"),
    "wav, A-law": (CONTAINERS["wav-alaw"], b"data", 4, "<I"),
    "wav, ADPCM": (Container(".wav", "wav", "adpcm_ima_wav", 16_000, "mono", "s16p"), b"data", 4, "<I"),
}


def read(data):
    warnings = []
    with from_file(io.BytesIO(data), warn=warnings.append) as sound:
        return loud_seconds(b"".join(sound.chunks), sound.sample_rate), warnings


@pytest.fixture(params=FORMS)
def form(request):
    """A file of 6 s, and the same with a length of its samples."""
    container, name, after, written = FORMS[request.param]
    whole = encode(beep(6), container)
    at = whole.index(name) + after

    def with_length(length):
        return whole[:at] + struct.pack(written, length) + whole[at + struct.calcsize(written) :]

    return whole, with_length


@pytest.mark.parametrize("length", [0, 24, 8_000, 20_008])
def test_all_samples_are_read_with_a_note(form, length):
    _, with_length = form
    seconds, warnings = read(with_length(length))
    assert seconds == pytest.approx(6.0, abs=0.1)
    assert warnings == [f"the recording: {UNDERSTATED}"]


def test_a_true_length_is_no_reason_for_a_note(form):
    whole, with_length = form
    assert read(whole) == (pytest.approx(6.0, abs=0.1), [])
    assert read(with_length(0x7FFFFFF0)) == (pytest.approx(6.0, abs=0.1), [])


def test_metadata_after_the_samples_is_no_audio():
    whole = encode(beep(6), CONTAINERS["wav-alaw"])
    picture = b"id3 " + struct.pack("<I", 9_000) + random.Random(1).randbytes(9_000)
    assert read(whole + picture) == (pytest.approx(6.0, abs=0.1), [])
    whole = encode(beep(6), CONTAINERS["aiff"])
    notes = b"ANNO" + struct.pack(">I", 9_001) + bytes(9_002)
    assert read(whole + notes + notes) == (pytest.approx(6.0, abs=0.1), [])


def test_a_table_that_follows_the_samples_is_not_taken_for_them():
    whole = encode(beep(6), CONTAINERS["caf"])  # ALAC, whose packet table is at the end
    assert read(whole + random.Random(1).randbytes(20_000)) == (pytest.approx(6.0, abs=0.1), [])


def test_damaged_chunks_are_no_obstacle():
    dice = random.Random(3)
    for container, *_ in FORMS.values():
        whole = bytearray(encode(beep(1), container))
        for _ in range(30):
            damaged = bytearray(whole)
            for _flip in range(5):
                damaged[dice.randrange(100)] = dice.randrange(256)
            source = ByteSource.of_file(io.BytesIO(damaged), "a")
            correct_length(source)
            assert source.tell() == 0
            try:
                read(bytes(damaged))
            except AudioError:
                continue


def test_other_bytes_are_shown_in_their_place():
    source = ByteSource.of_file(io.BytesIO(b"0123456789"), "a")
    source.overlay(3, b"abc")
    for step in (1, 2, 3, 4, 20):
        source.rewind()
        assert b"".join(iter(lambda step=step: source.read(step), b"")) == b"012abc6789"
    source.seek(4)
    assert source.read(1) == b"b"
