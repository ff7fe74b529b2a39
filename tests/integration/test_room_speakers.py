"""Rooms whose sessions label speakers: what readers get, names that people give, and what is kept."""

from __future__ import annotations

import contextlib
import json

import pysubs2
import pytest

from integration.test_rooms import get, in_room, page
from integration.test_server import V3, open_session, rest, send
from support.fake_embedder import FakeEmbedder
from support.scripted_engine import silence, speech, spoken
from support.servers import scripted_server
from support.time_limit import wait_until
from vivavoce.asr.engine import VoiceModels, Voices

KEY = "secret-one"
LABELS = f"&room_key={KEY}&speaker_labels=true"


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Starts servers with a fake voice encoder and a store."""
    file = tmp_path / "pretrained.pt"
    file.touch()
    with contextlib.ExitStack() as stack:

        def start(embedder=None, **options):
            voices = lambda _options: Voices(lambda: VoiceModels(embedder or FakeEmbedder()))  # noqa: E731
            monkeypatch.setattr("vivavoce.server.service.voices_of", voices)
            options = {"speaker_model": str(file), "store": tmp_path / "t.db", **options}
            server = stack.enter_context(scripted_server(**options))
            server.wait_ready()
            return server

        yield start


@contextlib.contextmanager
def talk(server, *turns):
    """A session in the room that has said some turns, each of one voice."""
    with open_session(server, V3, in_room(V3, LABELS)) as socket:
        for words in turns:
            send(socket, speech(*words))
            send(socket, silence(60))
        yield socket


def end(socket):
    socket.send(V3.terminate)
    rest(socket)


def post(server, path, **body):
    return get(server, f"/r/hall/{path}", data=json.dumps(body).encode(), Authorization=KEY)[0]


def text(server):
    return get(server, "/r/hall/transcript.txt")[1]


def kept(server, suffix="txt"):
    [*_, first] = json.loads(get(server, "/transcripts")[1])["sessions"]
    return get(server, f"/transcripts/{first['id']}.{suffix}")[1]


def test_readers_learn_who_speaks(served):
    server = served()
    with page(server, "hall") as reader:
        assert reader.next()[1]["voices"] == []
        with talk(server, (0, 2), (1, 3)) as socket:
            events = [*reader.until("line"), *reader.until("line")]
            end(socket)
        news = [event for event in events if event[0] in {"voices", "line"}]
        assert [kind for kind, _ in news] == ["voices", "line", "voices", "line"]
        assert news[2][1]["voices"] == [{"name": "A", "speaker": 0}, {"name": "B", "speaker": 1}]
        [part] = news[3][1]["parts"]
        assert (part["voice"], part["text"]) == (1, " ".join(spoken(1, 3)))
    expected = f"A: {' '.join(spoken(0, 2))}\nB: {' '.join(spoken(1, 3))}\n"
    assert text(server) == kept(server) == expected
    content = json.loads(get(server, "/r/hall/transcript.json")[1])
    assert [voice["name"] for voice in content["voices"]] == ["A", "B"]
    assert [line["parts"][0]["voice"] for line in content["lines"]] == [0, 1]


@pytest.mark.parametrize("drops", [False, True])
def test_a_revision_reaches_readers_and_the_store_even_if_the_client_is_gone(served, drops):
    embedder = FakeEmbedder()
    embedder.shortest_samples = 8_000  # one word alone is too short
    server = served(embedder)
    with page(server, "hall") as reader:
        with talk(server, (0, 2), (1,)) as socket:
            reader.until("line")
            [*_, (_, line)] = reader.until("line")
            assert line["parts"][0]["voice"] is None
            assert text(server).endswith(f"?: {' '.join(spoken(1))}\n")
            if not drops:
                end(socket)
        [*_, (_, line)] = reader.until("correction")
        assert (line["parts"][0]["voice"], line["corrected"]) == (0, False)
    expected = f"A: {' '.join(spoken(0, 2))}\nA: {' '.join(spoken(1))}\n"
    assert text(server) == expected
    wait_until(lambda: kept(server) == expected)


def test_a_name_is_for_all_lines_while_the_session_runs(served):
    server = served()
    with page(server, "hall") as reader, talk(server, (0, 2), (1, 3)) as socket:
        reader.until("line")
        reader.until("line")
        assert post(server, "voices", voice=0, name=" Anna <b> ") == 204
        [*_, (_, news)] = reader.until("voices")
        assert [voice["name"] for voice in news["voices"]] == ["Anna <b>", "B"]
        send(socket, speech(0))
        end(socket)
        [*_, (_, line)] = reader.until("line")
        assert line["parts"][0]["voice"] == 0
    expected = (
        f"Anna <b>: {' '.join(spoken(0, 2))}\nB: {' '.join(spoken(1, 3))}\nAnna <b>: {' '.join(spoken(0))}\n"
    )
    assert text(server) == kept(server) == expected
    for suffix in ("srt", "vtt"):
        captions = get(server, f"/r/hall/captions.{suffix}")[1]
        assert len(pysubs2.SSAFile.from_string(captions)) == 3
    assert json.loads(kept(server, "json"))["lines"][0]["parts"][0]["name"] == "Anna <b>"
    assert post(server, "voices", voice=0, name="") == 204
    assert text(server).startswith("A: ")


def test_a_line_goes_to_another_speaker(served):
    server = served()
    with talk(server, (0, 2), (1, 3)) as socket:
        end(socket)
    assert post(server, "corrections", line=1, part=0, name="A") == 204
    assert post(server, "corrections", line=0, text="Said.", name="Ben") == 204
    expected = f"Ben: Said.\nA: {' '.join(spoken(1, 3))}\n"
    assert text(server) == expected
    assert kept(server) == expected


def test_sessions_that_share_a_room_share_no_letters(served):
    server = served()
    for _ in range(2):
        with talk(server, (0, 2)) as socket:
            end(socket)
    said = " ".join(spoken(0, 2))
    assert text(server) == f"A: {said}\nB: {said}\n"
    assert post(server, "voices", voice=0, name="Anna") == 204
    assert post(server, "voices", voice=1, name="Anna") == 204
    assert text(server) == f"Anna: {said}\nAnna: {said}\n"
    content = json.loads(get(server, "/r/hall/transcript.json")[1])
    assert [voice["speaker"] for voice in content["voices"]] == [0, 0]


def test_names_outlive_the_server(served):
    server = served()
    with talk(server, (0, 2)) as socket:
        end(socket)
    assert post(server, "voices", voice=0, name="Anna") == 204
    server.__exit__(None, None, None)
    again = served()
    assert text(again) == f"Anna: {' '.join(spoken(0, 2))}\n"
    with page(again, "hall") as reader:
        assert reader.next()[1]["voices"] == [{"name": "Anna", "speaker": 0}]


def test_only_who_has_the_key_gives_names_and_only_good_ones(served):
    server = served()
    with talk(server, (0, 2)) as socket:
        end(socket)
    body = json.dumps({"voice": 0, "name": "Anna"}).encode()
    assert get(server, "/r/hall/voices", data=body)[0] == 401
    assert get(server, "/r/hall/voices", data=body, Authorization="other-key")[0] == 401
    assert get(server, "/r/nobody/voices", data=body, Authorization=KEY)[0] == 404
    assert post(server, "voices", voice=1, name="Anna") == 404
    assert post(server, "voices", voice=0, name="x" * 51) == 400
    assert post(server, "voices", voice="0", name="Anna") == 400
    assert post(server, "corrections", line=0, name=" ") == 400
    assert post(server, "corrections", line=0) == 400
    assert post(server, "corrections", line=0, part=1, name="Anna") == 404
    assert post(server, "corrections", line=0, part=1, text="Said.") == 404
    assert text(server).startswith("A: ")


def test_a_session_without_labels_is_as_before(served):
    server = served()
    with open_session(server, V3, in_room(V3)) as socket:
        send(socket, speech(0))
        end(socket)
    assert text(server) == f"{spoken(0)[0]}\n"
    assert "parts" not in json.loads(get(server, "/r/hall/transcript.json")[1])["lines"][0]
