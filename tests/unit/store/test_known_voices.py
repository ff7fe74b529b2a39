"""The file of known voices: what it takes, what it refuses, and that nothing of it is lost or left."""

import json
from array import array
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ConfigurationError
from vivavoce.store import KnownVoice, KnownVoicesFile, known_voices_path, voice_name

ONE = array("f", [0.6, 0.8]).tobytes()
OTHER = array("f", [1.0, 0.0]).tobytes()


@pytest.fixture
def file(tmp_path):
    return KnownVoicesFile(tmp_path / "data" / "voices.json")


def voice(name, embedding=ONE, model="fake"):
    return KnownVoice(name, model, embedding, 1_000.0)


def names(file):
    return [each.name for each in file.read()]


def test_voices_are_read_as_they_were_added(file):
    assert file.read() == ()
    assert file.stamp() is None
    file.add(voice("Anna"))
    file.add(voice("Ben", OTHER, "other"))
    assert file.read() == (voice("Anna"), voice("Ben", OTHER, "other"))


def test_only_the_owner_reads_them(file):
    file.add(voice("Anna"))
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.path.parent.stat().st_mode & 0o777 == 0o700
    assert not file.is_open_to_others()
    file.path.chmod(0o640)
    assert file.is_open_to_others()
    file.add(voice("Ben"))
    assert not file.is_open_to_others()


def test_it_holds_nothing_else(file):
    file.add(voice("Anna"))
    content = json.loads(file.path.read_bytes())
    assert set(content) == {"version", "voices"}
    assert set(content["voices"][0]) == {"name", "model", "embedding", "enrolled_unix"}


def test_a_name_is_taken_in_capitals_too(file):
    file.add(voice("Anna"))
    with pytest.raises(ConfigurationError, match="there is a voice ANNA already: use --replace"):
        file.add(voice("ANNA", OTHER))
    with pytest.raises(ConfigurationError, match="there is a voice anna already"):
        file.check_free("anna")
    assert file.read() == (voice("Anna"),)
    file.add(voice("ANNA", OTHER), replace=True)
    assert file.read() == (voice("ANNA", OTHER),)


def test_a_removed_voice_is_gone_and_so_is_the_file_of_the_last_one(file):
    file.add(voice("Anna"))
    file.add(voice("Ben", OTHER))
    before = file.stamp()
    assert file.remove(" ben ") == "Ben"
    assert file.stamp() != before
    assert names(file) == ["Anna"]
    assert b"Ben" not in file.path.read_bytes()
    with pytest.raises(ConfigurationError, match="there is no voice Ben: vivavoce voices list shows all"):
        file.remove("Ben")
    file.remove("Anna")
    assert list(file.path.parent.iterdir()) == []


def test_all_are_removed_with_what_a_killed_process_left(file):
    assert not file.remove_all()
    file.add(voice("Anna"))
    file.path.with_name("voices.json.part").write_bytes(b"half")
    assert file.remove_all()
    assert list(file.path.parent.iterdir()) == []
    assert not file.remove_all()


def test_what_a_killed_process_left_is_no_hindrance(file):
    file.add(voice("Anna"))
    part = file.path.with_name("voices.json.part")
    part.write_bytes(b"half")
    part.chmod(0o644)
    file.add(voice("Ben"))
    assert names(file) == ["Anna", "Ben"]
    assert [each.name for each in file.path.parent.iterdir()] == ["voices.json"]
    assert not file.is_open_to_others()


def test_a_failed_write_changes_nothing_and_leaves_nothing(file, monkeypatch):
    file.add(voice("Anna"))

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigurationError, match="no space left on device"):
        file.add(voice("Ben"))
    assert names(file) == ["Anna"]
    assert [each.name for each in file.path.parent.iterdir()] == ["voices.json"]


def spoiled(change):
    def spoil(data):
        content = json.loads(data)
        change(content)
        return json.dumps(content).encode()

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-9],
        lambda data: b"\xff" + data,
        lambda _: b"",
        lambda _: b"[]",
        spoiled(lambda content: content.update(version=2)),
        spoiled(lambda content: content.update(audio="AAAA")),
        spoiled(lambda content: content["voices"].append(content["voices"][0])),
        spoiled(lambda content: content["voices"][0].update(name="A")),
        spoiled(lambda content: content["voices"][0].update(name="")),
        spoiled(lambda content: content["voices"][0].update(embedding="")),
        spoiled(lambda content: content["voices"][0].update(embedding="AAAA")),
        spoiled(lambda content: content["voices"][0].update(embedding="AAAAAAAAAAA=")),  # two zeros
        spoiled(lambda content: content["voices"][0].update(embedding="AADAfwAAwH8=")),  # not numbers
        spoiled(lambda content: content["voices"][0].update(enrolled_unix="now")),
    ],
)
def test_a_damaged_file_is_an_error_that_says_what_to_do(file, spoil):
    file.add(voice("Anna"))
    damaged = spoil(file.path.read_bytes())
    file.path.write_bytes(damaged)
    for use in (file.read, lambda: file.add(voice("Ben")), lambda: file.remove("Anna")):
        with pytest.raises(ConfigurationError, match=r"voices\.json is damaged, .* voices remove --all$"):
            use()
    assert file.path.read_bytes() == damaged  # it may be mended
    assert file.remove_all()


def test_a_file_that_cant_be_read_is_an_error(file):
    file.path.mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"voices\.json: is a directory"):
        file.read()


def test_changes_at_the_same_time_lose_nothing(file):
    expected = {f"Speaker {number}" for number in range(8)}
    with ThreadPoolExecutor(len(expected)) as pool:
        # Each has a file of its own: a lock is of the file that was opened, not of the process.
        list(pool.map(lambda name: KnownVoicesFile(file.path).add(voice(name)), expected))
    assert set(names(file)) == expected


@pytest.mark.parametrize("name", ["A", "ZZ", "PENDING", "Unknown", "pending"])
def test_labels_are_no_names(name):
    with pytest.raises(ConfigurationError, match="must not be a label such as A, AB, PENDING or UNKNOWN"):
        voice_name(name)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\tb", "a\x00", "n" * 41, "a\u200b"])
def test_names_that_cant_be_shown_are_refused(name):
    with pytest.raises(ConfigurationError, match="must be 1 to 40 printable characters"):
        voice_name(name)


@pytest.mark.parametrize(
    ("given_", "stored"),
    [
        ("a", "a"),
        ("Bo", "Bo"),
        ("ABC", "ABC"),
        (" Dr  Weber ", "Dr Weber"),
        ("Ze\u0301", "Z\u00e9"),
        ("李", "李"),
    ],
)
def test_names_are_stored_in_one_form(given_, stored):
    assert voice_name(given_) == stored


@given(st.text(max_size=45))
def test_a_name_that_is_taken_stays_as_it_is(text):
    try:
        name = voice_name(text)
    except ConfigurationError:
        return
    assert voice_name(name) == name
    assert name.isprintable()


def test_the_file_lies_in_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    assert known_voices_path() == tmp_path / "data" / "voices.json"
    monkeypatch.setattr("vivavoce.store.known_voices.data_folder", lambda: None)
    with pytest.raises(ConfigurationError, match="set VIVAVOCE_DATA"):
        known_voices_path()
