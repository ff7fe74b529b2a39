"""Where the SDK finds its server and its key."""

import logging
import os
from unittest import mock

import pytest

import vivavoce
from vivavoce import Client, ConfigurationError, Settings
from vivavoce.configuration import DEFAULT_BASE_URL


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch, tmp_path):
    for prefix in ("VIVAVOCE_", "ASSEMBLYAI_"):
        for name in ("API_KEY", "BASE_URL", "HTTP_TIMEOUT", "POLLING_INTERVAL"):
            monkeypatch.delenv(prefix + name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_local_server_without_a_key_is_the_default():
    settings = Settings()
    assert settings.base_url == DEFAULT_BASE_URL
    assert settings.api_key is None
    assert (settings.http_timeout, settings.polling_interval) == (30.0, 3.0)
    assert settings.source_of("api_key") is None


def test_the_order_is_program_own_prefix_vendors_prefix_file(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("ASSEMBLYAI_API_KEY=from-file\n")
    settings = Settings()
    assert settings.api_key == "from-file"
    assert settings.source_of("api_key").endswith(".env")
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "from-vendor")
    assert (settings.api_key, settings.source_of("api_key")) == ("from-vendor", "ASSEMBLYAI_API_KEY")
    monkeypatch.setenv("VIVAVOCE_API_KEY", "from-own")
    assert (settings.api_key, settings.source_of("api_key")) == ("from-own", "VIVAVOCE_API_KEY")
    settings.api_key = "from-program"
    assert (settings.api_key, settings.source_of("api_key")) == ("from-program", "program")
    settings.api_key = None
    assert settings.api_key == "from-own"


def test_our_prefix_wins_in_the_file_too(tmp_path):
    (tmp_path / ".env").write_text("ASSEMBLYAI_BASE_URL=wss://theirs\nVIVAVOCE_BASE_URL=ws://ours\n")
    assert Settings().base_url == "ws://ours"


def test_the_file_is_found_above_the_working_folder(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text("VIVAVOCE_API_KEY=above\n")
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    assert Settings().api_key == "above"


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("VIVAVOCE_API_KEY", "")
    assert Settings().api_key is None


def test_seconds_are_numbers(monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HTTP_TIMEOUT", "2.5")
    assert Settings().http_timeout == 2.5
    monkeypatch.setenv("VIVAVOCE_HTTP_TIMEOUT", "soon")
    with pytest.raises(ConfigurationError, match=r"http_timeout.*'soon'"):
        _ = Settings().http_timeout


def test_the_key_is_not_shown():
    assert "secret" not in repr(Settings(api_key="secret"))


def test_a_client_copies_its_settings():
    settings = Settings(api_key="a", base_url="ws://a")
    client = Client(settings=settings)
    settings.api_key = "b"
    assert (client.settings.api_key, client.settings.base_url) == ("a", "ws://a")


@pytest.mark.parametrize("required", [True, False])
def test_the_default_client_has_the_settings_as_they_are_now(monkeypatch, required):
    assert Client.get_default(api_key_required=required).settings.api_key is None
    monkeypatch.setenv("ASSEMBLYAI_API_KEY", "later")
    assert Client.get_default(required).settings.api_key == "later"


SETTINGS = {"api_key": "patched", "base_url": "ws://patched", "http_timeout": 2.0, "polling_interval": 1.0}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    "patch",
    [
        lambda name, value: mock.patch(f"vivavoce.settings.{name}", value),
        lambda name, value: mock.patch.object(vivavoce.settings, name, value),
        lambda name, value: mock.patch.multiple("vivavoce.settings", **{name: value}),
    ],
    ids=["patch", "patch.object", "patch.multiple"],
)
def test_tests_of_programs_patch_settings(monkeypatch, patch, name):
    settings = Settings()
    monkeypatch.setattr(vivavoce, "settings", settings)
    before = getattr(settings, name)
    with patch(name, SETTINGS[name]):
        assert getattr(settings, name) == SETTINGS[name]
        assert settings.source_of(name) == "program"
    assert getattr(settings, name) == before
    assert settings.source_of(name) is None
    monkeypatch.setenv(f"VIVAVOCE_{name.upper()}", "7")
    assert getattr(settings, name) in {"7", 7.0}


def test_a_patch_restores_what_the_program_assigned():
    settings = Settings(api_key="mine")
    with mock.patch.object(settings, "api_key", "patched"):
        assert settings.api_key == "patched"
    assert settings.api_key == "mine"
    del settings.api_key
    del settings.api_key
    assert settings.api_key is None


# --- files that other programs left ---------------------------------------------------------------

LINE = "VIVAVOCE_API_KEY=Zo\u00eb\nVIVAVOCE_BASE_URL=ws://from-file\n"


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


@pytest.mark.parametrize(
    "content", [LINE.encode("latin-1"), LINE.encode("utf-16"), b"\xff\xfe\x00", b"A=\x80"]
)
def test_a_file_above_that_is_not_utf_8_is_skipped_with_one_warning(monkeypatch, tmp_path, warnings, content):
    (tmp_path / ".env").write_bytes(content)
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    for _ in range(2):
        assert (Settings().api_key, Settings().base_url) == (None, DEFAULT_BASE_URL)
        assert Settings().source_of("api_key") is None
    (warning,) = warnings()
    assert warning.startswith(f"{tmp_path / '.env'} is ignored: it is not UTF-8 text")


def test_a_file_that_may_not_be_read_is_skipped_with_one_warning(tmp_path, warnings):
    (tmp_path / ".env").write_text(LINE)
    refusal = mock.patch("pathlib.Path.read_bytes", side_effect=PermissionError(13, "Permission denied"))
    with refusal:  # root may read any file
        assert Settings().api_key is Settings().api_key is None
    (warning,) = warnings()
    assert warning.startswith(f"{tmp_path / '.env'} is ignored: permission denied")


def test_lines_that_are_no_variables_are_skipped_with_one_warning(tmp_path, warnings):
    (tmp_path / ".env").write_text('# mine\nwhat is this = "\n{json: 1}\nVIVAVOCE_API_KEY=${PART}b\nPART=a\n')
    with mock.patch.dict(os.environ, {"PART": "a"}):
        assert Settings().api_key == Settings().api_key == "ab"
    (warning,) = warnings()
    assert warning == f"{tmp_path / '.env'} has lines that are not NAME=VALUE, which are ignored: 2, 3"


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path, warnings):
    (tmp_path / ".env").write_text(LINE, encoding="utf-8-sig")
    assert (Settings().api_key, Settings().base_url) == ("Zo\u00eb", "ws://from-file")
    assert warnings() == []


def test_a_working_folder_that_was_removed_has_no_file(monkeypatch, tmp_path):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert Settings().base_url == DEFAULT_BASE_URL
    monkeypatch.chdir(tmp_path)
