"""WAV headers and other formats where raw samples are expected."""

import struct

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vivavoce.errors import ProtocolViolation
from vivavoce.protocol.events import Audio, KeepAlive, SessionOptions, Terminate, Warn
from vivavoce.recordings.formats import format_name
from vivavoce.server.raw_audio import RawAudio
from vivavoce.types import Codec, Encoding, Failure

PCM = bytes(range(1, 251)) * 16  # 125 ms at 16 kHz


def wav_header(rate=16_000, channels=1, bits=16, tag=1, *, extra=b"", size=0):
    body = struct.pack(
        "<HHIIHH", tag, channels, rate, rate * channels * bits // 8, channels * bits // 8, bits
    )
    riff = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVE"
    return riff + b"fmt " + struct.pack("<I", 16) + body + extra + b"data" + struct.pack("<I", size)


LIST = b"LIST" + struct.pack("<I", 26) + b"INFOISFT" + bytes(18)


def raw(rate=16_000, encoding=Encoding.PCM_S16LE, min_chunk_ms=50, channels=1):
    return RawAudio(SessionOptions(rate, encoding, channels), min_chunk_ms)


def checked(audio, command):
    return tuple(audio.check(command))


def play(audio, *messages):
    """The samples and the warnings that a session gets."""
    commands = [command for message in messages for command in audio.check(Audio(message))]
    commands += audio.check(Terminate())
    assert commands.pop() == Terminate()
    samples = b"".join(command.data for command in commands if isinstance(command, Audio))
    return samples, [command for command in commands if isinstance(command, Warn)]


@pytest.mark.parametrize("size", [0, 4_000, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("extra", [b"", LIST], ids=["44 bytes", "with a list"])
def test_a_wav_header_is_dropped_wherever_it_is(size, extra):
    header = wav_header(extra=extra, size=size) if size < 2**32 - 36 else wav_header(extra=extra)
    assert play(raw(), header, PCM, PCM) == (PCM * 2, [])  # alone, as `arecord` writes it to a pipe
    assert play(raw(), header + PCM, PCM) == (PCM * 2, [])
    assert play(raw(), header + PCM, header + PCM) == (PCM * 2, [])  # a file in each message
    for cut in range(12, len(header), 5):
        assert play(raw(), header[:cut], header[cut:] + PCM) == (PCM, [])


def test_a_header_alone_is_no_message_of_audio():
    assert checked(raw(), Audio(wav_header())) == ()


def test_what_is_left_of_a_short_message_goes_with_the_next():
    audio = raw()
    message = wav_header() + PCM[: 1_600 - 44]  # 50 ms with the header
    assert checked(audio, Audio(message)) == ()
    assert checked(audio, Audio(PCM)) == (Audio(PCM[:1_556] + PCM),)
    assert checked(audio, Audio(PCM)) == (Audio(PCM),)
    assert play(raw(), message) == (PCM[:1_556], [])
    assert checked(raw(min_chunk_ms=10), Audio(message)) == (Audio(PCM[:1_556]),)


@pytest.mark.parametrize(
    ("header", "audio", "said"),
    [
        (wav_header(44_100), raw(), "44100 Hz, 1 channel, 16 bits"),
        (wav_header(channels=2), raw(), "16000 Hz, 2 channels, 16 bits"),
        (wav_header(bits=8), raw(), "8 bits"),
        (wav_header(tag=7, bits=8), raw(), "8 bits"),
        (wav_header(tag=17, bits=4), raw(), "a sample format that is not the session's"),
        (wav_header(), raw(channels=2), "expects 16000 Hz, 2 channels, pcm_s16le"),
    ],
)
def test_a_header_that_contradicts_the_session_gives_one_warning(header, audio, said):
    samples, warnings = play(audio, header + PCM, header + PCM)
    assert samples == PCM * 2
    (warning,) = warnings
    assert said in warning.text
    assert warning.is_urgent


def test_a_telephone_header_fits_a_telephone_session():
    assert play(raw(8_000, Encoding.PCM_MULAW), wav_header(8_000, bits=8, tag=7), PCM) == (PCM, [])


FORMATS = {
    "WebM or Matroska": b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81",
    "Ogg": b"OggS\0\2" + bytes(20),
    "MP4": b"\0\0\0\x20ftypM4A " + bytes(20),
    "FLAC": b"fLaC\0\0\0\x22" + bytes(20),
    "MP3": b"ID3\4\0" + bytes(21),
    "CAF": b"caff\0\1\0\0" + bytes(20),
    "AIFF": b"FORM\0\0\x10\0AIFF" + bytes(20),
    "AU": b".snd\0\0\0\x18" + bytes(20),
    "AMR": b"#!AMR\n" + bytes(20),
    "FLV": b"FLV\1\5" + bytes(21),
    "WMA": b"0&\xb2u\x8ef\xcf\x11" + bytes(20),
    "AAC": (b"\xff\xf1\x50\x80\x01\x7f\xfc" + bytes(4)) * 2,
}


@pytest.mark.parametrize("name", FORMATS)
def test_another_format_is_named_once_at_its_beginning(name):
    data = FORMATS[name]
    assert format_name(data) == name
    it = raw()
    warning, audio = checked(it, Audio(data))
    assert warning.text.startswith(f"the audio is {name}, but the session expects raw samples, pcm_s16le: ")
    assert warning.is_urgent
    assert audio == Audio(data)
    assert checked(it, Audio(data)) == (Audio(data),)


def test_half_a_sample_of_another_format_is_refused_by_its_name():
    webm = FORMATS["WebM or Matroska"]
    at_once = raw().check(Audio(webm + b"\0"))
    assert isinstance(next(at_once), Warn)
    later = raw()
    checked(later, Audio(webm))
    for rest in (at_once, later.check(Audio(b"\0"))):
        with pytest.raises(ProtocolViolation, match="the audio is WebM or Matroska") as caught:
            next(rest)
        assert caught.value.failure is Failure.AUDIO_UNREADABLE


@pytest.mark.parametrize("codec", list(Codec))
def test_compressed_audio_and_other_commands_pass(codec):
    audio = raw(encoding=codec)
    for data in (*FORMATS.values(), wav_header()):
        assert checked(audio, Audio(data)) == (Audio(data),)
    assert checked(raw(), KeepAlive()) == (KeepAlive(),)


@given(st.lists(st.binary(max_size=99), max_size=5), st.integers(0, 60))
def test_nothing_but_whole_headers_is_lost(messages, cut):
    assume(not any(map(format_name, messages)))
    assert play(raw(), *messages)[0] == b"".join(messages)
    damaged = wav_header()[:cut] + b"\xff" * 60
    samples, _ = play(raw(), damaged, *messages)
    assert samples.endswith(b"".join(messages))


@pytest.mark.parametrize("encoding", [Codec.OGG_OPUS, Codec.AAC])
@given(data=st.binary(max_size=5_000))
def test_compressed_audio_is_divided_and_nothing_is_lost(encoding, data):
    commands = checked(raw(encoding=encoding), Audio(data))
    assert b"".join(command.data for command in commands) == data
    assert all(len(command.data) <= 1_024 for command in commands)
    assert commands  # also of an empty message: it shows that the client is there


def test_a_packet_of_opus_stays_whole():
    assert checked(raw(encoding=Codec.OPUS), Audio(bytes(5_000))) == (Audio(bytes(5_000)),)
