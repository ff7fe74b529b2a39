"""All files of a download come from one commit, whatever happens to the repository meanwhile."""

import dataclasses
import json

import pytest
from tests.support.fake_hub import FakeHub

from vivavoce.errors import ModelError
from vivavoce.model_files import Card, RemoteFile, Shelf
from vivavoce.model_files.download import fetch
from vivavoce.model_files.shelf import RECORD, checksum

FIRST, SECOND = "a1" * 20, "b2" * 20
FILES = ("config.json", "model.bin", "tokenizer.json")
CARD = Card("made-up", "made-up", ("en",), "MIT", 1, "some/one", "main", tuple(map(RemoteFile, FILES)))


@pytest.fixture
def hub():
    hub = FakeHub()
    for commit in (FIRST, SECOND):
        for name in FILES:
            hub.files[f"some/one/{commit}/{name}"] = f"{name} of {commit}".encode() * 100
    hub.heads["some/one"] = FIRST
    with hub.running():
        yield hub


@pytest.fixture
def shelf(tmp_path):
    return Shelf(tmp_path / "models")


def fetch_part(hub, shelf, breaks_at="model.bin", after=300, card=CARD):
    hub.breaks[breaks_at] = after
    with pytest.raises(ModelError, match="can't be reached"):
        fetch(card, shelf, mirror=hub.url)


def origins(folder):
    """The commits that the files of a folder come from."""
    return {(folder / name).read_text()[-len(FIRST) :] for name in FILES}


def test_a_branch_becomes_the_commit_of_the_first_file(hub, shelf):
    hub.on_content = lambda: hub.heads.update({"some/one": SECOND})
    folder = fetch(CARD, shelf, mirror=hub.url)
    assert origins(folder) == {FIRST}
    assert json.loads((folder / RECORD).read_text())["revision"] == FIRST
    assert shelf.revision_of(CARD) == FIRST
    assert shelf.verify(CARD) == []
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, RECORD])


@pytest.mark.parametrize("breaks_at", FILES)
@pytest.mark.parametrize("after", [0, 300])
def test_a_resumed_download_goes_on_with_its_commit(hub, shelf, breaks_at, after):
    fetch_part(hub, shelf, breaks_at, after)
    hub.heads["some/one"] = SECOND
    assert origins(fetch(CARD, shelf, mirror=hub.url)) == {FIRST}
    assert shelf.revision_of(CARD) == FIRST


@pytest.mark.parametrize("first", ["main", FIRST])
def test_a_later_catalogue_with_another_commit_begins_again(hub, shelf, first):
    fetch_part(hub, shelf, card=dataclasses.replace(CARD, revision=first))
    assert (shelf.parts_of(CARD) / "config.json").is_file()
    later = dataclasses.replace(CARD, revision=SECOND)
    assert origins(fetch(later, shelf, mirror=hub.url)) == {SECOND}


def test_a_download_begun_again_takes_the_newest_commit(hub, shelf):
    fetch_part(hub, shelf)
    hub.heads["some/one"] = SECOND
    assert shelf.remove(CARD)
    assert origins(fetch(CARD, shelf, mirror=hub.url)) == {SECOND}


@pytest.mark.parametrize("note", [None, b"", b"\xff", b"main", b"main ../../x", b"other " + FIRST.encode()])
def test_files_of_an_unknown_commit_are_fetched_again(hub, shelf, note):
    fetch_part(hub, shelf)
    path = shelf.parts_of(CARD) / ".revision"
    assert path.read_text() == f"main {FIRST}\n"
    if note is None:
        path.unlink()
    else:
        path.write_bytes(note)
    hub.heads["some/one"] = SECOND
    assert origins(fetch(CARD, shelf, mirror=hub.url)) == {SECOND}


def test_a_commit_that_is_gone_is_said_with_what_to_do(hub, shelf):
    fetch_part(hub, shelf)
    for name in FILES:
        del hub.files[f"some/one/{FIRST}/{name}"]
    with pytest.raises(ModelError, match=r"answers 404 .*: run vivavoce models remove made-up, then get it"):
        fetch(CARD, shelf, mirror=hub.url)


def test_a_file_that_the_hub_never_had_is_no_matter_of_commits(hub, shelf):
    del hub.files[f"some/one/{FIRST}/config.json"]
    with pytest.raises(ModelError, match=r"answers 404 Entry not found$"):
        fetch(CARD, shelf, mirror=hub.url)


@pytest.mark.parametrize("header", [None, "main", "no-commit", FIRST[:-1], FIRST.upper(), ""])
def test_a_hub_that_names_no_commit_is_asked_for_the_branch(hub, shelf, header):
    hub.heads.clear()
    if header is not None:
        hub.heads["some/one"] = header
    for name in FILES:
        hub.files[f"some/one/{header or 'main'}/{name}"] = hub.files[f"some/one/main/{name}"] = b"x" * 900
    fetch_part(hub, shelf)
    folder = fetch(CARD, shelf, mirror=hub.url)
    assert shelf.revision_of(CARD) == "main"
    assert (folder / "model.bin").read_bytes() == b"x" * 900
    assert hub.requests[-2][1] == "bytes=300-"  # nothing is fetched twice


def test_a_model_whose_checksums_are_known_is_not_touched(hub, shelf, tmp_path):
    path = tmp_path / "content"
    files = []
    for name in FILES:
        path.write_bytes(hub.files[f"some/one/{FIRST}/{name}"])
        files.append(RemoteFile(name, checksum(path)))
    card = Card("pinned", "made-up", ("en",), "MIT", 1, "some/one", "main", tuple(files))
    fetch(card, shelf, mirror=hub.url)
    assert shelf.revision_of(card) == "main"
