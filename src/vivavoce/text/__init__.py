"""Words as text: plain forms, and which words of a growing hypothesis may be committed."""

from vivavoce.text.plain import plain_word
from vivavoce.text.stability import agreed_words

__all__ = ["agreed_words", "plain_word"]
