"""Whisper on CTranslate2: 99 languages, and translation into English."""
