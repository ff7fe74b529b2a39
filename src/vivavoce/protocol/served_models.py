"""The models that a server offers, as the protocols see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ENGLISH_ONLY", "ServedModel", "ServedModels"]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model that a session can use.

    Attributes:
        name: Its name in this project, by which a client may ask for it.
        languages: ISO 639-1 codes of the languages that it knows.
        takes_prompt: Whether it takes a text that came before.
        translates: Whether it can write English, whatever is spoken.
    """

    name: str
    languages: tuple[str, ...]
    takes_prompt: bool = False
    translates: bool = False

    @property
    def only_language(self) -> str | None:
        """Its language, if it knows a single one."""
        return self.languages[0] if len(self.languages) == 1 else None


@dataclass(frozen=True, slots=True)
class ServedModels:
    """All models of a server.

    Attributes:
        models: At least one; the first is the default.
        labels_speakers: Whether the server tells speakers apart, whatever the model.
    """

    models: tuple[ServedModel, ...]
    labels_speakers: bool = False

    @property
    def default(self) -> ServedModel:
        """The model of sessions that ask for nothing else."""
        return self.models[0]

    def named(self, name: str) -> ServedModel | None:
        """Return the model of this name; None: it is not served."""
        return next((model for model in self.models if model.name == name), None)

    def knowing(
        self, languages: Iterable[str], *, many: bool = False, translates: bool = False
    ) -> ServedModel:
        """Return the first model that knows all of some languages; the default if none does.

        Args:
            languages: ISO 639-1 codes; those that no model knows are left out of account.
            many: Whether it must know more than one language.
            translates: Whether it must be able to translate; if none can, this is left out of account.
        """
        able = tuple(model for model in self.models if model.translates)
        if translates and able:
            return ServedModels(able).knowing(languages, many=many)
        wanted = set(languages) & {language for model in self.models for language in model.languages}
        fitting = (
            model
            for model in self.models
            if wanted <= set(model.languages) and not (many and model.only_language)
        )
        return next(fitting, self.default)


ENGLISH_ONLY: Final = ServedModels((ServedModel("moonshine-tiny-en", ("en",)),))
"""The models of a server without options."""
