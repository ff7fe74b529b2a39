"""The vendor's client object, which shares settings between transcribers."""

from __future__ import annotations

from vivavoce.configuration import Settings
from vivavoce.configuration import settings as global_settings

__all__ = ["Client"]


class Client:
    """Holds settings for transcribers.

    Args:
        settings: The settings; copied, so later changes have no effect here.
        api_key_required: Without effect, for programs that pass it: your own server may need no key.
    """

    def __init__(self, *, settings: Settings, api_key_required: bool = True) -> None:
        self._settings = Settings(
            api_key=settings.api_key,
            base_url=settings.base_url,
            http_timeout=settings.http_timeout,
            polling_interval=settings.polling_interval,
        )
        self._api_key_required = api_key_required

    @classmethod
    def get_default(cls, api_key_required: bool = True) -> Client:
        """Return a client with a copy of the global settings."""
        return cls(settings=global_settings, api_key_required=api_key_required)

    @property
    def settings(self) -> Settings:
        """The settings of this client."""
        return self._settings
