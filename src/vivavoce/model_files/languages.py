"""Languages by their codes."""

from __future__ import annotations

from typing import Final

__all__ = ["PARAKEET_LANGUAGES", "WHISPER_LANGUAGES", "base_code"]

_WHISPER = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la
mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be
tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su
"""
WHISPER_LANGUAGES: Final = tuple(_WHISPER.split())
"""The languages of the multilingual Whisper models, those most heard in training first, by their codes there.

Source: A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022.
"""

_PARAKEET = "en bg cs da de el es et fi fr hr hu it lt lv mt nl pl pt ro ru sk sl sv uk"
PARAKEET_LANGUAGES: Final = tuple(_PARAKEET.split())
"""The languages of Parakeet TDT 0.6B v3, by ISO 639-1 code.

Source: NVIDIA's description of the model.
"""


def base_code(tag: str) -> str:
    """Return the language of a tag such as ``en-US`` or ``EN_us``, in lower case: ``en``."""
    return tag.strip().lower().replace("_", "-").split("-")[0]
