"""Moonshine (Useful Sensors): an encoder-decoder that takes raw samples of any length.

The default weights come from the package ``moonshine-voice``. Its graphs are not used: leaner ones are
written from the same weights at first use, and kept in the user's cache folder. Other sizes and languages are
read from a Hugging Face style folder, with the names and numbers of ``transformers``, module ``moonshine``.
Source of the model: N. Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice
Commands", 2024.
"""

from vivavoce.asr.models.moonshine.recogniser import MoonshineRecogniser

__all__ = ["MoonshineRecogniser"]
