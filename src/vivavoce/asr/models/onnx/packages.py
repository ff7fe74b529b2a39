"""Finding model files inside installed packages, without importing the packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from vivavoce.errors import ModelError

__all__ = ["package_file"]


def package_file(package: str, name: str, *, install: str) -> Path:
    """Path of a file inside an installed package.

    Args:
        package: Import name of the package; it is not imported.
        name: Path of the file within the package.
        install: Requirement that the error message suggests to install.

    Raises:
        ModelError: The package or the file is missing.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModelError(f'the package {package} is missing: pip install "{install}"')
    path = Path(spec.submodule_search_locations[0]) / name
    if not path.is_file():
        raise ModelError(f'{package} has no {name}: pip install "{install}"')
    return path
