"""A whole recording in one call, against a scripted engine."""

import asyncio
import io
import json
import time
import wave
from typing import ClassVar

import numpy as np
import pytest

import vivavoce
from support.scripted_engine import pcm, silence, speech, spoken
from support.servers import scripted_server
from support.time_limit import wait_until
from vivavoce import transcription
from vivavoce.captions import Style, captions, to_srt, to_vtt
from vivavoce.cli.app import run
from vivavoce.recordings.pacing import Pacer

SOUND = np.concatenate([silence(6), speech(0, 1), silence(45), speech(3, 4), silence(10)])
SAID = "Alpha bravo. delta echo?"


@pytest.fixture(scope="module")
def url():
    with scripted_server() as server:
        yield server.base_url


@pytest.fixture(params=["sync", "async"])
def transcribe(request):
    if request.param == "sync":
        return vivavoce.transcribe
    return lambda *arguments, **named: asyncio.run(vivavoce.transcribe_async(*arguments, **named))


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "talk.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(pcm(SOUND))
    return path


def test_samples_and_files(transcribe, url, recording):
    for source in (SOUND, pcm(SOUND), [SOUND[:9_999], SOUND[9_999:]], recording, str(recording)):
        found = transcribe(source, url=url)
        assert (found.text, str(found)) == (SAID, SAID)
        assert [word.text for word in found.words] == SAID.split()
        assert [turn.turn_order for turn in found.turns] == [0, 1]


def test_an_utterance_that_is_cut_is_transcribed_by_the_engine(transcribe, url):
    words = [index % 8 for index in range(80)]  # 28 s without a pause: one more pass decides about the cut
    found = transcribe(np.concatenate([silence(6), speech(*words), silence(50)]), url=url)
    assert [word.lower() for word in found.text.split()] == [word.lower() for word in spoken(*words)]


def test_a_file_object_and_the_bytes_of_a_file(transcribe, url, recording):
    data = recording.read_bytes()
    with recording.open("rb") as file:
        assert transcribe(file, url=url).text == SAID
    for source in (data, bytearray(data), io.BytesIO(data), [data[:5_000], data[5_000:]]):
        assert transcribe(source, url=url).text == SAID
    with recording.open("rb") as file:
        file.seek(44)
        assert transcribe(file, sample_rate=16_000, url=url).text == SAID  # raw samples
    av = pytest.importorskip("av")
    assert av
    from benchmarks.damaged_files import CONTAINERS, encode

    flac = encode(np.frombuffer(pcm(SOUND), "<i2"), CONTAINERS["flac"])
    for source in (flac, io.BytesIO(flac), [flac[:1_000], flac[1_000:]]):
        assert transcribe(source, url=url).duration == pytest.approx(len(SOUND) / 16_000, abs=0.1)


def test_a_track_of_a_film(transcribe, url, tmp_path, caplog):
    pytest.importorskip("av")
    from support.films import beep, write_film

    path = tmp_path / "film.mp4"
    write_film(path, [(0, beep() * 0)], [(2, beep())])
    assert transcribe(path, url=url).duration == pytest.approx(0.96, abs=0.05)
    (record,) = caplog.records
    assert "audio track 1 of 2 is silent; choose another one" in record.getMessage()
    assert transcribe(path, url=url, track=2).duration == pytest.approx(2.96, abs=0.1)
    with pytest.raises(vivavoce.AudioError, match=r"track must be in 1\.\.2, got 3"):
        transcribe(path, url=url, track=3)
    with pytest.raises(vivavoce.ConfigurationError, match="track must be None for raw samples"):
        transcribe(SOUND, url=url, track=1)


def test_options_go_to_the_session(transcribe, url):
    assert transcribe(SOUND, url=url, format_turns=False).text == "alpha bravo delta echo"
    with pytest.raises(vivavoce.ConfigurationError, match="unknown option: format"):
        transcribe(SOUND, url=url, format=True)


def test_warnings_of_the_server_are_logged(transcribe, url, caplog):
    transcribe(SOUND, url=url, keyterms_prompt=["Alpha", "\u6771\u4eac"])
    (record,) = caplog.records
    assert record.name == "vivavoce.client"
    assert "keyterms_prompt: the model can't write '\u6771\u4eac'" in record.getMessage()


def test_mu_law(transcribe, url):
    magnitude = np.minimum(np.abs(SOUND) * 32_635, 32_635).astype(int) + 132
    exponent = np.floor(np.log2(magnitude)).astype(int) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    code = ~((exponent << 4) | mantissa) & 0xFF  # what is positive has the top bit set
    found = transcribe(code.astype(np.uint8), url=url, encoding="pcm_mulaw")
    assert len(found.turns) == 2


def test_the_error_names_what_cannot_be_read(transcribe, url, tmp_path):
    with pytest.raises(vivavoce.AudioError, match=r"missing\.wav"):
        transcribe(tmp_path / "missing.wav", url=url)
    with pytest.raises(vivavoce.ConfigurationError, match="sample_rate must be None for a file"):
        transcribe("talk.wav", sample_rate=8_000, url=url)
    with pytest.raises(vivavoce.ConfigurationError, match="encoding"):
        transcribe(SOUND, encoding="opus", url=url)
    with pytest.raises(vivavoce.ConnectError):
        transcribe(SOUND, url="ws://127.0.0.1:1")


def test_audio_runs_at_most_twenty_seconds_ahead_of_the_clock(transcribe, url, monkeypatch):
    due = []  # when each second of audio may be sent, in seconds after the first could

    class RecordingPacer(Pacer):
        def wait_s(self, duration_s, now_s):
            wait_s = super().wait_s(duration_s, now_s)
            due.append(now_s + wait_s - self._began_s)
            return wait_s

    monkeypatch.setattr("vivavoce.recordings.pacing.Pacer", RecordingPacer)
    monkeypatch.setattr("vivavoce.transcription.Pacer", RecordingPacer)
    began = time.monotonic()
    transcribe(bytes(2 * 16_000 * 21), url=url, recording=False)  # as a server that does not offer it
    assert time.monotonic() - began >= 0.9
    assert due == pytest.approx([second - 20 for second in range(1, 22)])


def test_a_transcript_gives_captions_and_plain_data(url, recording, transcribe):
    transcript = transcribe(recording, url=url)
    assert transcript.duration == pytest.approx(len(SOUND) / 16_000)
    cues = captions([turn.words for turn in transcript.turns])
    assert transcript.to_srt() == to_srt(cues)
    assert transcript.to_vtt() == to_vtt(cues)
    narrow = Style(line_characters=12, lines=1)
    assert transcript.to_srt(narrow) == to_srt(captions([turn.words for turn in transcript.turns], narrow))
    plain = json.loads(json.dumps(transcript.to_dict()))
    assert plain["text"] == transcript.text
    assert plain["duration"] == transcript.duration
    assert [turn["transcript"] for turn in plain["turns"]] == [turn.transcript for turn in transcript.turns]
    assert plain["turns"][0]["words"][0]["text"] == transcript.words[0].text


class FakeServer:
    """Stands for the server inside the process, at the address of a real one."""

    base_url = ""
    started: ClassVar[list] = []

    def __enter__(self):
        self.started.append(self)
        self.runs = True
        return self

    def __exit__(self, *_):
        self.runs = False


@pytest.fixture
def own_server(url, monkeypatch):
    """Makes calls without an address use the scripted server, through a server of the process."""
    monkeypatch.setattr(FakeServer, "base_url", url)
    monkeypatch.setattr(FakeServer, "started", [])
    monkeypatch.setattr("vivavoce.server.LocalServer", FakeServer)
    monkeypatch.setattr(transcription, "_shared_server", transcription._SharedServer())
    monkeypatch.delenv("VIVAVOCE_BASE_URL", raising=False)
    yield FakeServer.started
    transcription._shared_server.stop()
    assert not any(server.runs for server in FakeServer.started)


def test_calls_without_a_server_share_one(own_server, recording, transcribe):
    for _ in range(3):
        assert transcribe(recording).text == SAID
    (server,) = own_server
    assert server.runs
    transcription._shared_server.stop()
    assert not server.runs
    assert transcribe(recording).text == SAID
    assert len(own_server) == 2


def test_the_shared_server_stops_when_it_is_not_used(own_server, recording, monkeypatch):
    monkeypatch.setattr(transcription, "_KEEP_S", 0.01)
    vivavoce.transcribe(recording)
    wait_until(lambda: not own_server[0].runs, "the server has stopped")


def test_a_failed_call_does_not_keep_the_server(own_server, recording):
    def breaks():
        yield bytes(3_200)
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        vivavoce.transcribe(breaks())
    assert not own_server[0].runs
    assert vivavoce.transcribe(recording).text == SAID


@pytest.fixture
def slowed(monkeypatch):
    """By how much pacing delayed the audio, chunk by chunk."""
    waits = []
    monkeypatch.setattr(Pacer, "wait_s", lambda self, duration_s, now_s: waits.append(duration_s) or 0.0)
    return waits


def test_a_server_that_takes_recordings_gets_them_at_any_speed(transcribe, url, recording, slowed):
    assert transcribe(recording, url=url).text == SAID
    assert not slowed
    assert transcribe(recording, url=url, recording=False).text == SAID
    assert sum(slowed) == pytest.approx(len(SOUND) / 16_000)


def test_the_command_line_gives_the_same_text(url, recording, capsys, slowed):
    expected = "".join(f"{turn.transcript}\n" for turn in vivavoce.transcribe(recording, url=url).turns)
    assert run(["stream", str(recording), "--url", url]) == 0
    assert capsys.readouterr().out == expected
    assert not slowed
    assert run(["stream", str(recording), "--url", url, "--json"]) == 0
    finals = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "".join(f"{final['text']}\n" for final in finals) == expected
