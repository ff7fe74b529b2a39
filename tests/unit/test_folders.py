"""The folders of a user, who may have none."""

import pwd
from pathlib import Path

import pytest

from vivavoce import folders
from vivavoce.cli.app import run
from vivavoce.version import __version__


@pytest.fixture(autouse=True)
def no_variables(monkeypatch, tmp_path):
    for name in (
        "VIVAVOCE_HOME",
        "VIVAVOCE_DATA",
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    folders._temporary_folder.cache_clear()
    yield
    folders._temporary_folder.cache_clear()


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """A user whom the system does not know, as in containers; returns the folder of temporary files."""

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_without_a_home_the_cache_is_a_temporary_folder_of_this_user(homeless, monkeypatch):
    monkeypatch.setattr("os.getuid", lambda: 54_321)
    monkeypatch.setattr(folders, "_is_own", lambda found: True)
    assert folders.cache_folder() == folders.cache_folder() == homeless / "vivavoce-54321"
    assert (homeless / "vivavoce-54321").stat().st_mode & 0o777 == 0o700
    assert folders.config_folder() is None
    assert folders.data_folder() is None
    assert not Path("~").exists()


@pytest.mark.parametrize("spoil", ["file", "link", "open"])
def test_a_temporary_folder_of_another_user_is_not_used(homeless, spoil):
    folder = folders.cache_folder()
    folders._temporary_folder.cache_clear()
    if spoil == "open":
        folder.chmod(0o777)
    else:
        folder.rmdir()
        if spoil == "file":
            folder.write_text("")
        else:
            folder.symlink_to(homeless)
    assert folders.cache_folder() == folders.cache_folder() != folder
    assert folders.cache_folder().stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("home", [None, "", "~", "relative"])
def test_commands_work_without_a_home(homeless, monkeypatch, capsys, home):
    if home is not None:
        monkeypatch.setenv("HOME", home)
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"vivavoce {__version__}\n"
    for command in ("stream", "mic", "serve"):
        assert run([command, "--help"]) == 0
    assert run(["stream", "no.wav"]) == 1
    assert "no.wav: no such file" in capsys.readouterr().err


def test_variables_take_precedence(homeless, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/x/cache")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/x/config")
    monkeypatch.setenv("XDG_DATA_HOME", "/x/data")
    assert (folders.cache_folder(), folders.config_folder(), folders.data_folder()) == (
        Path("/x/cache/vivavoce"),
        Path("/x/config/vivavoce"),
        Path("/x/data/vivavoce"),
    )
    monkeypatch.setenv("VIVAVOCE_HOME", "/y")
    assert (folders.cache_folder(), folders.config_folder()) == (Path("/y/cache"), Path("/y"))
    assert folders.data_folder() == Path("/y/data")
    monkeypatch.setenv("VIVAVOCE_DATA", "/z")
    assert folders.data_folder() == Path("/z")


def test_the_home_of_another_user_has_no_configuration(monkeypatch, tmp_path, capsys):
    def refuse(self):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Path, "exists", refuse)  # root may look into any folder
    assert run(["stream", "no.wav"]) == 1
    assert capsys.readouterr().err == "vivavoce: no.wav: no such file or directory\n"
