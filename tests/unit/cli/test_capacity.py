"""What was measured on this machine, and how the server uses it."""

from pathlib import Path

import msgspec
import pytest

from vivavoce.cli import serve
from vivavoce.cli.app import run
from vivavoce.cli.capacity_file import Measured, capacity_path, figures_name, keep, measured_streams
from vivavoce.cores import usable_cores
from vivavoce.errors import ConfigurationError
from vivavoce.model_files import ChosenModel, choose

DEFAULT = choose("moonshine-tiny-en")
OTHER = ChosenModel("other/one", "made-up", ("en", "de"), Path("/models/other/one"))
BETTER = ChosenModel("better", "made-up", ("en",))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    return tmp_path


def test_the_server_admits_as_many_sessions_as_were_measured():
    keep(Measured(24, usable_cores()))
    assert measured_streams() == 24
    assert serve._limits("measured", [DEFAULT]) == {"max_sessions": 24}
    keep(Measured(30, usable_cores()))
    assert serve._limits("measured", [DEFAULT]) == {"max_sessions": 30}
    assert [path.name for path in capacity_path().parent.iterdir()] == ["capacity.json"]


def test_what_was_measured_is_expected_where_nothing_is_asked_for():
    assert serve._limits(None, [DEFAULT]) == {"max_sessions": None}
    keep(Measured(24, usable_cores()))
    assert serve._limits(None, [DEFAULT]) == {"max_sessions": None, "expected_sessions": 24}
    assert serve._limits(None, [OTHER]) == {"max_sessions": None}


@pytest.mark.parametrize(("text", "limit"), [(None, None), ("1", 1), ("250", 250)])
def test_a_number_is_taken_as_it_is(text, limit):
    assert serve._limits(text, [DEFAULT]) == {"max_sessions": limit}


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "many", "²"])
def test_anything_else_is_refused(text):
    with pytest.raises(ConfigurationError, match="--max-sessions must be at least 1, or measured, got"):
        serve._limits(text, [DEFAULT])


@pytest.mark.parametrize(
    ("measured", "message"),
    [
        (None, "was not measured: run vivavoce capacity"),
        (b"{", "can't be read"),
        (
            Measured(24, usable_cores() + 1),
            f"cores, and there are {usable_cores()} now: run vivavoce capacity again",
        ),
        (Measured(24, usable_cores(), "0.0.1"), "with vivavoce 0.0.1: run vivavoce capacity again"),
        (Measured(0, usable_cores()), "did not hold a single stream"),
    ],
)
def test_what_does_not_hold_any_more_is_not_used(measured, message):
    if measured is not None:
        capacity_path().parent.mkdir(parents=True)
        content = measured if isinstance(measured, bytes) else msgspec.json.encode(measured)
        capacity_path().write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        measured_streams()


def test_several_models_share_what_was_measured_with_each_alone():
    keep(Measured(24, usable_cores()))
    keep(Measured(7, usable_cores()), figures_name(OTHER))
    assert serve._limits("measured", [DEFAULT, OTHER]) == {
        "max_sessions": 24,
        "streams_of_models": {"moonshine-tiny-en": 24, "other/one": 7},
    }
    assert sorted(path.name for path in capacity_path().parent.iterdir()) == [
        capacity_path(figures_name(OTHER)).name,
        "capacity.json",
    ]


def test_a_second_model_is_measured_too():
    keep(Measured(24, usable_cores()))
    with pytest.raises(
        ConfigurationError,
        match=r"with --final-model better was not measured: run vivavoce capacity --final-model better$",
    ):
        serve._limits("measured", [DEFAULT], BETTER)
    keep(Measured(16, usable_cores()), DEFAULT.name, figures_name(BETTER))
    assert serve._limits("measured", [DEFAULT], BETTER) == {"max_sessions": 16}
    assert serve._limits("measured", [DEFAULT]) == {"max_sessions": 24}


def test_a_second_model_that_does_not_know_all_languages_of_the_first_changes_nothing():
    keep(Measured(7, usable_cores()), figures_name(OTHER))
    assert serve._limits("measured", [OTHER], BETTER) == {"max_sessions": 7}
    keep(Measured(9, usable_cores()), figures_name(BETTER))
    assert serve._limits("measured", [BETTER], BETTER) == {"max_sessions": 9}


@pytest.mark.parametrize(
    ("model", "options"),
    [(OTHER, "--model other/one"), (choose("whisper-base"), "--model whisper-base")],
)
def test_what_was_not_measured_is_said_with_the_command_that_does(model, options):
    keep(Measured(24, usable_cores()))
    with pytest.raises(
        ConfigurationError, match=f"{model.name} was not measured: run vivavoce capacity {options}$"
    ):
        serve._limits("measured", [DEFAULT, model])
    folder = ChosenModel("mine", "whisper", ("en",), Path("/models/mine"))
    with pytest.raises(ConfigurationError, match=r"run vivavoce capacity --model /models/mine$"):
        serve._limits("measured", [folder])


def test_a_device_is_measured_by_itself():
    keep(Measured(24, usable_cores()))
    with pytest.raises(ConfigurationError, match=r"was not measured: run vivavoce capacity --device cuda$"):
        serve._limits("measured", [DEFAULT], device="cuda")
    keep(Measured(90, usable_cores()), device="cuda")
    assert serve._limits("measured", [DEFAULT], device="cuda") == {"max_sessions": 90}
    assert serve._limits("measured", [DEFAULT]) == {"max_sessions": 24}


@pytest.fixture
def measuring(monkeypatch):
    """Options of the measurements, none of which takes place."""
    seen = []

    def find_capacity(options, limit, **_):
        seen.append(options)
        return 5, []

    monkeypatch.setattr("vivavoce.bench.capacity.find_capacity", find_capacity)
    monkeypatch.setattr("vivavoce.bench.sample.sample_clips", lambda *_: [])
    return seen


def test_models_are_measured_by_the_server_that_serves_them(measuring, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "moonshine_streaming"}')
    monkeypatch.chdir(tmp_path)
    arguments = ["--model", "./mine", "--final-model", "moonshine-tiny-en"]
    assert run(["capacity", *arguments, "--quiet", "--json", "figures.json"]) == 0
    folder_arguments = ("--model", str(folder), "--final-model", "moonshine-tiny-en")
    no_limit = ("--max-sessions", "1000000")
    assert measuring[0].server_arguments == (*folder_arguments, "--device", "cpu", *no_limit)
    assert measured_streams(figures_name(choose(str(folder))), "moonshine-tiny-en") == 5
    assert msgspec.json.decode((tmp_path / "figures.json").read_bytes())["models"] == [
        "mine",
        "moonshine-tiny-en",
    ]
    assert run(["capacity", "--quiet"]) == 0
    default = ("--model", "moonshine-tiny-en", "--final-model", "")
    assert measuring[1].server_arguments == (*default, "--device", "cpu", *no_limit)
    assert measured_streams() == 5
    assert run(["capacity", "--quiet", "--device", "auto"]) == 0
    assert measuring[2].server_arguments == (*default, "--device", "auto", *no_limit)
    assert measured_streams(device="auto") == 5
    assert capsys.readouterr().out.count("This machine holds 5 streams, ") == 3


def test_what_cant_be_measured_or_written_is_said_first(measuring, tmp_path, capsys):
    folder = tmp_path / "mine-de"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "moonshine_streaming"}')
    assert run(["capacity", "--model", str(folder)]) == 2
    assert "measured with English speech, and mine-de knows none" in capsys.readouterr().err
    assert run(["capacity", "--model", "nothing"]) == 1
    assert run(["capacity", "--json", "no/such/figures.json"]) == 2
    assert "create the folder no/such first" in capsys.readouterr().err
    assert measuring == []


def test_folders_of_one_name_have_figures_of_their_own(tmp_path):
    names = set()
    for parent in ("a", "b"):
        folder = tmp_path / parent / "moonshine-tiny-en"
        folder.mkdir(parents=True)
        (folder / "config.json").write_text('{"model_type": "moonshine_streaming"}')
        names.add(figures_name(choose(str(folder))))
    assert len(names | {figures_name(choose("moonshine-tiny-en"))}) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "moonshine-streaming-tiny-de"], "moonshine-streaming-tiny-de knows none"),
        (["--model", "parakeet-tdt-0.6b-v2"], "use it as --final-model"),
    ],
)
def test_what_cant_be_measured_is_not_downloaded(measuring, arguments, said, monkeypatch, capsys):
    monkeypatch.setattr("vivavoce.cli.model_options.get_model", lambda *_, **__: pytest.fail("downloaded"))
    assert run(["capacity", *arguments]) == 2
    assert said in capsys.readouterr().err
