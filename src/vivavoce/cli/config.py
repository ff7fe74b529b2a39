"""The configuration file: options that a person always wants, in TOML.

Keys are the long options without their dashes. Those above the first section count for every command
that has them, a section counts for its command::

    url = "ws://captions.local:8765"

    [mic]
    device = "USB Audio"

    [stream]
    realtime = true

The command line beats it, and so does the environment.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import click

__all__ = ["config_path", "defaults_of", "read_config"]

_SETTINGS = {"url": "base_url", "api_key": "api_key"}


def config_path() -> Path:
    """Where the file lies: in ``VIVAVOCE_HOME``, or in the user's folder for configuration."""
    if home := os.environ.get("VIVAVOCE_HOME"):
        return Path(home) / "config.toml"
    from platformdirs import user_config_path

    return user_config_path("vivavoce", appauthor=False) / "config.toml"


def read_config(path: Path) -> dict[str, Any]:
    """Read the file; nothing if there is none.

    Raises:
        ConfigurationError: It can't be read, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: {error}") from None


def defaults_of(group: click.Group, config: Mapping[str, Any], path: Path) -> dict[str, dict[str, Any]]:
    """Turn the file into defaults of each command's options.

    Args:
        group: All commands.
        config: What the file says.
        path: The file, for what is said about it.

    Raises:
        ConfigurationError: A section, a name or a type that no command knows.
    """
    general = {name: value for name, value in config.items() if not isinstance(value, dict)}
    sections = {name: value for name, value in config.items() if isinstance(value, dict)}
    options = {name: _options(command) for name, command in group.commands.items()}
    for name in sections:
        if name not in options:
            raise ConfigurationError(f"{path}: no command is called {name}; there are {', '.join(options)}")
    known = set().union(*options.values())
    for name in general:
        if _plain(name) not in known:
            raise ConfigurationError(f"{path}: no command has an option --{_dashed(name)}")
    defaults: dict[str, dict[str, Any]] = {}
    for command, names in options.items():
        merged = {_plain(name): value for name, value in general.items() if _plain(name) in names}
        for name, value in sections.get(command, {}).items():
            if _plain(name) not in names:
                raise ConfigurationError(f"{path}: {command} has no option --{_dashed(name)}")
            merged[_plain(name)] = value
        defaults[command] = {names[name]: value for name, value in merged.items() if not _is_beaten(name)}
    return defaults


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _options(command: click.Command) -> dict[str, str]:
    """The options of a command: what they are called in the file, and in the program."""
    named: dict[str, str] = {}
    for parameter in command.params:
        for flag in parameter.opts:
            if flag.startswith("--") and parameter.name and not parameter.is_eager:
                named[_plain(flag[2:])] = parameter.name
    return named


def _is_beaten(name: str) -> bool:
    """Whether the environment says something else: the SDK reads it where the option is absent."""
    if name not in _SETTINGS:
        return False
    from vivavoce.settings import settings

    return settings.source_of(_SETTINGS[name]) is not None
