"""Downloads from a hub that breaks off, redirects, lies and is not there."""

import hashlib
import threading

import pytest
from tests.support.fake_hub import FakeHub

from vivavoce.errors import ConfigurationError, ModelError
from vivavoce.model_files import Card, RemoteFile, Shelf
from vivavoce.model_files.download import DEFAULT_HUB, fetch, hub_address

WEIGHTS = bytes(range(256)) * 4000
CONFIG = b'{"model_type": "made-up"}'


def sha256(content):
    return hashlib.sha256(content).hexdigest()


CARD = Card(
    "made-up-en",
    "made-up",
    ("en",),
    "MIT",
    1,
    "someone/made-up",
    "0123abcd",
    (RemoteFile("config.json"), RemoteFile("model.bin", sha256(WEIGHTS))),
)


@pytest.fixture
def hub():
    hub = FakeHub()
    hub.files["someone/made-up/0123abcd/config.json"] = CONFIG
    hub.files["someone/made-up/0123abcd/model.bin"] = WEIGHTS
    with hub.running():
        yield hub


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "models")


def test_a_model_is_fetched_once_and_verified(hub, shelf):
    seen = []
    folder = fetch(CARD, shelf, mirror=hub.url, progress=lambda *args: seen.append(args))
    assert folder == shelf.path_of(CARD)
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    assert (folder / "config.json").read_bytes() == CONFIG
    assert shelf.has(CARD)
    assert shelf.verify(CARD) == []
    assert ("model.bin", len(WEIGHTS), len(WEIGHTS)) in seen
    n_requests = len(hub.requests)
    assert fetch(CARD, shelf, mirror=hub.url) == folder
    assert len(hub.requests) == n_requests


def test_a_download_that_broke_off_goes_on_where_it_stopped(hub, shelf):
    fetch_part(hub, shelf)
    assert not shelf.has(CARD)
    folder = fetch(CARD, shelf, mirror=hub.url)
    assert (folder / "model.bin").read_bytes() == WEIGHTS
    path = "someone/made-up/resolve/0123abcd/"
    assert hub.requests == [
        (f"{path}config.json", None),
        (f"{path}model.bin", None),
        (f"{path}model.bin", "bytes=300000-"),
    ]


def fetch_part(hub, shelf):
    hub.breaks["model.bin"] = 300_000
    with pytest.raises(ModelError, match=r"127\.0\.0\.1 can't be reached .*run the command again to go on"):
        fetch(CARD, shelf, mirror=hub.url)


def test_a_hub_that_sends_no_parts_is_read_from_the_beginning(hub, shelf):
    fetch_part(hub, shelf)
    hub.ignores_ranges = True
    assert (fetch(CARD, shelf, mirror=hub.url) / "model.bin").read_bytes() == WEIGHTS


def test_a_file_that_became_shorter_is_read_from_the_beginning(hub, shelf):
    fetch_part(hub, shelf)
    part = next((shelf.folder / ".incomplete" / CARD.name).glob("*.part"))
    part.write_bytes(WEIGHTS + b"more")
    hub.requests.clear()
    assert (fetch(CARD, shelf, mirror=hub.url) / "model.bin").read_bytes() == WEIGHTS


def test_a_file_with_another_content_is_refused_and_deleted(hub, shelf):
    hub.files["someone/made-up/0123abcd/model.bin"] = WEIGHTS[:-1] + b"!"
    with pytest.raises(ModelError, match=r"model\.bin of made-up-en has the wrong content"):
        fetch(CARD, shelf, mirror=hub.url)
    assert not shelf.has(CARD)
    assert not list((shelf.folder / ".incomplete").rglob("model.bin*"))


def test_a_file_without_a_known_checksum_must_have_the_declared_one(hub, shelf):
    hub.declared = sha256(b"something else")
    with pytest.raises(ModelError, match=r"config\.json of made-up-en has the wrong content"):
        fetch(CARD, shelf, mirror=hub.url)


def test_two_downloads_of_one_model_do_not_disturb_each_other(hub, shelf):
    folders = []
    threads = [
        threading.Thread(target=lambda: folders.append(fetch(CARD, shelf, mirror=hub.url))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert folders == [shelf.path_of(CARD)] * 4
    assert shelf.verify(CARD) == []


def test_no_network_is_said_in_one_line(shelf):
    with pytest.raises(ModelError, match=r"can't be reached \(.*\): .*--mirror.*--model FOLDER") as caught:
        fetch(CARD, shelf, mirror="http://127.0.0.1:1")
    assert "\n" not in str(caught.value)


def test_no_room_is_said_before_anything_is_written(hub, shelf, monkeypatch):
    monkeypatch.setattr(
        "vivavoce.model_files.download.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})()
    )
    with pytest.raises(ModelError, match="has no room: 0 MB are missing, 0 MB are free"):
        fetch(CARD, shelf, mirror=hub.url)


def test_a_folder_that_cant_be_written_is_named(hub, tmp_path):
    (tmp_path / "models").write_text("a file")
    with pytest.raises(ConfigurationError, match="VIVAVOCE_MODELS names another folder"):
        fetch(CARD, Shelf(tmp_path / "models"), mirror=hub.url)


def test_the_hub_is_named_by_option_or_environment(monkeypatch):
    monkeypatch.delenv("VIVAVOCE_MODEL_HUB", raising=False)
    assert hub_address() == DEFAULT_HUB
    monkeypatch.setenv("VIVAVOCE_MODEL_HUB", "https://hub.example.org/")
    assert hub_address() == "https://hub.example.org"
    assert hub_address("http://other:8080/hub") == "http://other:8080/hub"
    for address in ("ftp://x", "hub.example.org", "file:///etc"):
        with pytest.raises(ConfigurationError, match="--mirror must be like https"):
            hub_address(address)


def test_a_download_that_stopped_after_the_last_byte_is_not_repeated(hub, shelf):
    fetch_part(hub, shelf)
    part = next((shelf.folder / ".incomplete" / CARD.name).glob("*.part"))
    part.write_bytes(WEIGHTS)
    hub.requests.clear()
    assert (fetch(CARD, shelf, mirror=hub.url) / "model.bin").read_bytes() == WEIGHTS
    assert [wanted for _, wanted in hub.requests] == [f"bytes={len(WEIGHTS)}-"]


def test_a_hub_that_refuses_everything_is_asked_once(hub, shelf):
    hub.always = 416
    with pytest.raises(ModelError, match="answers 416"):
        fetch(CARD, shelf, mirror=hub.url)


def test_what_came_of_a_model_is_removed(hub, shelf):
    fetch_part(hub, shelf)
    assert shelf.remove(CARD)
    assert not shelf.parts_of(CARD).exists()
