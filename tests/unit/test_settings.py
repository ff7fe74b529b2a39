"""Where the SDK finds its server and its key."""

import pytest

from vivavoce import Client, ConfigurationError, Settings
from vivavoce.settings import DEFAULT_BASE_URL


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
