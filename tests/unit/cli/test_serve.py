"""Options and keys of ``vivavoce serve``."""

from pathlib import Path

import pytest

from vivavoce.cli.app import run
from vivavoce.cli.serve import read_keys
from vivavoce.errors import ConfigurationError, ServerError
from vivavoce.model_files import choose
from vivavoce.server import ServerOptions

pytest_plugins = ["support.cli_fixtures"]
pytestmark = pytest.mark.usefixtures("parts")


def test_options_reach_the_server(parts, tmp_path):
    keys = tmp_path / "keys.txt"
    keys.write_text("# mine\nfrom-file\n\n")
    arguments = ["--host", "0.0.0.0", "--port", "0", "--api-key", "a", "--api-key", "b"]
    arguments += ["--api-key-file", str(keys), "--key-store", "k.db", "--trusted-proxy", "10.0.0.0/8"]
    arguments += ["--max-sessions", "4", "--log-level", "debug"]
    arguments += ["--max-sessions-per-key", "2", "--no-webhooks", "--strict-chunks", "--turn-model", "none"]
    arguments += ["--tls-cert", "cert.pem", "--tls-key", "key.pem"]
    arguments += ["--allow-origin", "https://a.example", "--allow-origin", "*", "--max-readers", "9"]
    arguments += ["--store", "t.db", "--keep-days", "30"]
    arguments += [
        "--drain-timeout",
        "2.5",
        "--public-status",
        "--device",
        "auto",
        "--log-format",
        "json",
        "--trace",
    ]
    arguments += ["--private-webhooks", "--max-connections-per-address", "7"]
    assert run(["serve", *arguments]) == 0
    (options,) = parts.served
    assert vars(options) == {
        "host": "0.0.0.0",
        "port": 0,
        "api_keys": ("a", "b", "from-file"),
        "key_store": Path("k.db"),
        "redis": None,
        "shared_rooms": True,
        "trusted_proxies": ("10.0.0.0/8",),
        "no_auth": False,
        "max_sessions": 4,
        "max_sessions_per_key": 2,
        "limit_bursts": True,
        "models": (choose("moonshine-tiny-en"),),
        "final_model": None,
        "final_wait_s": 1.0,
        "device": "auto",
        "turn_model": "none",
        "webhooks": False,
        "private_webhooks": True,
        "max_connections_per_address": 7,
        "strict_chunks": True,
        "log_level": "debug",
        "log_format": "json",
        "trace": True,
        "speaker_model": "auto",
        "known_voices": None,
        "drain_s": 2.5,
        "public_status": True,
        "allow_origins": ("https://a.example", "*"),
        "max_readers": 9,
        "store": Path("t.db"),
        "keep_days": 30,
        "tls_cert": Path("cert.pem"),
        "tls_key": Path("key.pem"),
        "tls_self_signed": False,
    }


def test_the_environment_reaches_the_server(parts, monkeypatch):
    for name, value in {"PORT": "9", "API_KEYS": "a,b c", "NO_AUTH": "1", "MAX_SESSIONS": "2"}.items():
        monkeypatch.setenv(f"VIVAVOCE_{name}", value)
    monkeypatch.setenv("VIVAVOCE_TLS_SELF_SIGNED", "1")
    monkeypatch.setenv("VIVAVOCE_KEY_STORE", "k.db")
    monkeypatch.setenv("VIVAVOCE_TRUSTED_PROXY", "10.0.0.7 2001:db8::/32")
    monkeypatch.setenv("VIVAVOCE_ALLOW_ORIGIN", "https://a.example https://b.example")
    assert run(["serve"]) == 0
    (options,) = parts.served
    assert options.key_store == Path("k.db")
    assert options.trusted_proxies == ("10.0.0.7", "2001:db8::/32")
    assert options.allow_origins == ("https://a.example", "https://b.example")
    assert options.tls_self_signed
    assert (options.port, options.api_keys, options.no_auth, options.max_sessions) == (
        9,
        ("a", "b", "c"),
        True,
        2,
    )


def test_a_redis_that_servers_share_is_named_by_option_or_environment(parts, monkeypatch):
    assert run(["serve", "--redis", "redis://a"]) == 0
    monkeypatch.setenv("VIVAVOCE_REDIS", "redis://:secret@b/1")
    assert run(["serve"]) == 0
    assert [options.redis for options in parts.served] == ["redis://a", "redis://:secret@b/1"]


def test_options_override_the_environment(parts, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_PORT", "9")
    assert run(["serve", "--port", "10"]) == 0
    assert parts.served[0].port == 10


def test_a_server_that_fails_to_start_prints_one_line(parts, capsys):
    def serve(options, *, read_keys):
        raise ServerError("port 8765 is taken")

    parts.serve = serve
    assert run(["serve"]) == 1
    assert capsys.readouterr().err == "vivavoce: port 8765 is taken\n"


@pytest.mark.parametrize("data", [b"", b"# only words\n", b"\xff\xfe\xff"])
def test_a_key_file_without_keys_is_refused(tmp_path, data):
    path = tmp_path / "keys"
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match="keys: "):
        read_keys([], None, path)


def test_a_missing_key_file_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no such file"):
        read_keys([], None, tmp_path / "keys")


@pytest.mark.parametrize("content", ["first\nsecond\n", "\r\nfirst  \r\n# mine\r\nsecond"])
def test_a_byte_order_mark_is_no_part_of_the_first_key(tmp_path, content):
    path = tmp_path / "keys"
    path.write_bytes(content.encode("utf-8-sig"))
    assert read_keys([], None, path) == ("first", "second")


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_key_file_that_is_not_utf_8_is_named(tmp_path, encoding):
    path = tmp_path / "keys"
    path.write_bytes("Zo\u00eb\n".encode(encoding))
    with pytest.raises(ConfigurationError, match=f"^{path}: not UTF-8 text; save it as UTF-8$"):
        read_keys([], None, path)


def test_keys_are_read_again_when_the_server_asks(parts, tmp_path):
    def serve(options, *, read_keys):
        keys.write_text("second\n")
        found.extend([options.api_keys, read_keys()])

    found = []
    keys = tmp_path / "keys.txt"
    keys.write_text("first\n")
    parts.serve = serve
    assert run(["serve", "--api-key", "fixed", "--api-key-file", str(keys)]) == 0
    assert found == [("fixed", "first"), ("fixed", "second")]


@pytest.mark.parametrize(("mode", "is_open"), [(0o644, True), (0o640, False), (0o600, False)])
def test_a_key_file_that_every_user_can_read_is_named(parts, tmp_path, capsys, mode, is_open):
    keys = tmp_path / "keys.txt"
    keys.write_text("k\n")
    keys.chmod(mode)
    assert run(["serve", "--api-key-file", str(keys)]) == 0
    assert capsys.readouterr().err == (
        f"vivavoce: every user of this machine can read {keys}: chmod o-r {keys}\n" if is_open else ""
    )


def test_models_run_on_the_cpu_unless_an_option_a_variable_or_the_file_says_otherwise(
    parts, monkeypatch, write_config
):
    assert run(["serve"]) == 0
    write_config('device = "auto"\n')
    assert run(["serve"]) == 0
    monkeypatch.setenv("VIVAVOCE_DEVICE", "cuda")
    assert run(["serve"]) == 0
    assert run(["serve", "--device", "cpu"]) == 0
    assert [options.device for options in parts.served] == ["cpu", "auto", "cuda", "cpu"]


def test_models_by_name_and_folder(parts, tmp_path, write_config):
    folder = tmp_path / "mein-modell-de"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "moonshine_streaming"}')
    write_config(f'[models]\nmine = {{ folder = "{folder}", languages = ["ja"] }}\n')
    assert run(["serve", "--model", "moonshine-tiny-en", "--model", str(folder), "--model", "mine"]) == 0
    (options,) = parts.served
    assert [(model.name, model.languages) for model in options.models] == [
        ("moonshine-tiny-en", ("en",)),
        ("mein-modell-de", ("de",)),
        ("mine", ("ja",)),
    ]
    assert [model.folder for model in options.models] == [None, folder, folder]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "whisper-bse"], "do you mean whisper-base?"),
        (["--model", "whisper-base", "--offline"], "whisper-base is not in "),
        (["--model", "./nothing"], "./nothing is no folder"),
    ],
)
def test_models_that_are_not_here(parts, capsys, arguments, message):
    assert run(["serve", *arguments]) == 1
    assert message in capsys.readouterr().err
    assert parts.served == []


def test_a_model_is_named_once():
    with pytest.raises(ConfigurationError, match="--model must name each model once"):
        ServerOptions(models=(choose("moonshine-tiny-en"),) * 2).check()


@pytest.mark.parametrize(
    ("text", "seconds"), [("0", 0.0), ("2.5", 2.5), ("1e3", 1_000.0), ("all", None), ("ALL", None)]
)
def test_how_long_sessions_may_continue(parts, text, seconds):
    assert run(["serve", "--drain-timeout", text]) == 0
    assert run(["serve", "--drain", text]) == 0
    assert [options.drain_s for options in parts.served] == [seconds, seconds]


def test_the_environment_says_how_long_sessions_may_continue(parts, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_DRAIN", "7")
    assert run(["serve"]) == 0
    monkeypatch.setenv("VIVAVOCE_DRAIN_TIMEOUT", "all")
    assert run(["serve"]) == 0
    assert [options.drain_s for options in parts.served] == [7.0, None]


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "soon", "", "5s"])
def test_a_time_that_is_none_is_refused(parts, capsys, text):
    assert run(["serve", f"--drain-timeout={text}"]) == 2
    assert "--drain-timeout must be a number of seconds from 0 on, or all, got " in capsys.readouterr().err
    assert not parts.served
