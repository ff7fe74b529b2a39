"""The configuration file: defaults for options, in TOML.

Keys are long option names without the dashes. A key above the first section applies to every command
that has the option; a section applies to its command. Of device, which is the microphone of one command and
what the others compute on, a value above the first section applies to those that it means::

    url = "ws://captions.local:8765"

    [mic]
    device = "USB Audio"

    [stream]
    realtime = true

The section ``models`` names folders of models, which --model then takes by these names::

    [models]
    mine = "/srv/models/mine"
    andere = { folder = "/srv/models/andere", languages = ["de"] }

The command line and the environment take precedence over the file.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from vivavoce.cli.usage import expectation
from vivavoce.errors import ConfigurationError
from vivavoce.folders import config_folder
from vivavoce.model_files import NamedFolder
from vivavoce.model_files.languages import base_code

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

__all__ = ["config_exists", "config_path", "defaults_of", "named_models", "origin_of", "read_config"]

_MODELS: Final = "models"  # the section that is no command's
_WITH_MICROPHONE: Final = "mic"  # the command whose --device is the microphone
_DEVICE: Final = re.compile(r"(cpu|cuda|auto|gpu)(:\d+)?", re.IGNORECASE)  # meant for --device of the others
_SETTING_OF_OPTION: Final = {"url": "base_url", "api_key": "api_key"}


def config_path() -> Path | None:
    """Return the path of the file, which may not exist; None if the user has no home folder.

    It is in ``VIVAVOCE_HOME``, or else in the user's configuration folder.
    """
    folder = config_folder()
    return None if folder is None else folder / "config.toml"


def config_exists(path: Path) -> bool:
    """Return whether there is such a file. The home folder may be another user's, as in containers."""
    try:
        return path.exists()
    except OSError:
        return False


def read_config(path: Path) -> dict[str, Any]:
    """Read the file; a missing file is empty.

    Raises:
        ConfigurationError: The file can't be read or is not TOML.
    """
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # some editors begin a file with the mark
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8 text; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def defaults_of(
    group: click.Group, config: Mapping[str, Any], path: Path, checked: str | None = None
) -> dict[str, dict[str, Any]]:
    """Convert the content of the file to defaults for the options of each command.

    Args:
        group: The commands.
        config: The content of the file.
        path: The file, for error messages.
        checked: The command whose values are checked; None: those of every command.

    Returns:
        Command name -> parameter name -> default.

    Raises:
        ConfigurationError: A section names no command, a key names no option, or a value is invalid.
    """
    general = {name: value for name, value in config.items() if not isinstance(value, dict)}
    sections = {name: value for name, value in config.items() if isinstance(value, dict) and name != _MODELS}
    options = {name: _option_names(command) for name, command in group.commands.items()}
    for name in sections:
        if name not in options:
            raise ConfigurationError(
                f"{path}: no command is named {name}; the commands are {', '.join(options)}"
            )
    known = set().union(*options.values())
    for name in general:
        if _underscored(name) not in known:
            raise ConfigurationError(f"{path}: no command has an option --{_dashed(name)}")
    defaults: dict[str, dict[str, Any]] = {}
    for command, names in options.items():
        merged = {
            _underscored(name): value
            for name, value in general.items()
            if _underscored(name) in names and _is_meant(command, name, value)
        }
        own = {_underscored(name) for name in sections.get(command, {})}
        for name, value in sections.get(command, {}).items():
            if _underscored(name) not in names:
                raise ConfigurationError(f"{path}: {command} has no option --{_dashed(name)}")
            merged[_underscored(name)] = value
        for name, value in merged.items():
            if checked in {None, command}:
                key = f"[{command}] {_dashed(name)}" if name in own else _dashed(name)
                merged[name] = _checked(group.commands[command], names[name], value, f"{path}: {key}")
        defaults[command] = {names[name]: value for name, value in merged.items() if not _is_overridden(name)}
    return defaults


def _is_meant(command: str, name: str, value: Any) -> bool:
    """Return whether a value above the first section is for a command that has the option."""
    is_processor = isinstance(value, str) and _DEVICE.fullmatch(value) is not None
    return name != "device" or is_processor is not (command == _WITH_MICROPHONE)


def named_models() -> dict[str, NamedFolder]:
    """Return the models to which the file gives names.

    Raises:
        ConfigurationError: The file can't be read, or what it says of a model has another form.
    """
    path = config_path()
    if path is None or not config_exists(path):
        return {}
    table = read_config(path).get(_MODELS, {})
    return {name: _named_folder(value, f"{path}: [{_MODELS}] {name}") for name, value in table.items()}


def _named_folder(value: Any, where: str) -> NamedFolder:
    fields = {"folder": value} if isinstance(value, str) else value
    languages = fields.get("languages", []) if isinstance(fields, dict) else None
    if (
        not isinstance(fields, dict)
        or not {"folder"} <= set(fields) <= {"folder", "languages"}
        or not isinstance(fields["folder"], str)
        or not isinstance(languages, list)
        or not all(isinstance(language, str) for language in languages)
    ):
        raise ConfigurationError(
            f'{where}: expected a folder, as "/srv/models/mine", or {{ folder = "...", languages = ["de"] }}'
        )
    return NamedFolder(Path(fields["folder"]), tuple(map(base_code, languages)))


def _checked(command: click.Command, parameter_name: str, value: Any, where: str) -> Any:
    """Return the value of an option as its command takes it.

    Args:
        command: The command.
        parameter_name: Name of the parameter of the option.
        value: What the file says.
        where: File and key, for error messages.

    Raises:
        ConfigurationError: The option does not take the value.
    """
    import typer

    parameter: Any = next(each for each in command.params if each.name == parameter_name)
    is_flag, is_list = bool(getattr(parameter, "is_flag", False)), bool(parameter.multiple)
    given = [value] if is_list and not isinstance(value, list) else value  # a text is a list of letters
    for each in given if is_list else [given]:
        if isinstance(each, bool) is not is_flag or not isinstance(each, bool | int | float | str):
            raise ConfigurationError(
                f"{where} must be {'true or false' if is_flag else 'a value'}, got {each!r}"
            )
        _check_address(parameter_name, each, where)
    try:
        context = typer.Context(command, default_map={parameter_name: given})  # type: ignore[arg-type]
        parameter.handle_parse_result(context, {}, [])
    except typer.BadParameter as error:
        expected = expectation(error.message)
        colon = "" if expected.startswith("must ") else ":"
        raise ConfigurationError(f"{where}{colon} {expected}, got {value!r}") from None
    return given


def _check_address(parameter_name: str, value: Any, where: str) -> None:
    """Check an address, which the SDK would report without the file."""
    from vivavoce.client.address import Address

    if parameter_name == "url":
        try:
            Address.parse(str(value))
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {str(error).replace('base_url', 'url', 1)}") from None


def _underscored(name: str) -> str:
    return name.replace("-", "_")


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _option_names(command: click.Command) -> dict[str, str]:
    """Return the options of a command: name in the file -> name of the parameter."""
    names: dict[str, str] = {}
    for parameter in command.params:
        for flag in parameter.opts:
            if flag.startswith("--") and parameter.name and not parameter.is_eager:
                names[_underscored(flag[2:])] = parameter.name
    return names


def _is_overridden(name: str) -> bool:
    """Return whether the environment sets the option: the SDK reads it where the option is absent."""
    if name not in _SETTING_OF_OPTION:
        return False
    from vivavoce.configuration import settings

    return settings.source_of(_SETTING_OF_OPTION[name]) is not None


def origin_of(message: str, defaults: Mapping[str, Any], path: Path) -> str:
    """Return which key of the file the message of an error is about; empty if it is about none.

    Some values are only found to be invalid where they are used: the suffix of an output, a folder that
    does not exist.

    Args:
        message: The message.
        defaults: The defaults of the command.
        path: The file.
    """
    for name, value in defaults.items():
        if isinstance(value, str) and value and value in message:
            return f" ({_dashed(name.rstrip('_'))} is set in {path})"
    return ""
