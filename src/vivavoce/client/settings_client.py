"""The vendor's client object: settings that several transcribers share."""

from __future__ import annotations

from vivavoce.settings import Settings
from vivavoce.settings import settings as global_settings

__all__ = ["Client"]


class Client:
    """Holds the settings that its transcribers use.

    Args:
        settings: What to use; copied, so that later changes of it have no effect here.
        api_key_required: Kept for programs that pass it. Whether a key is needed is for the server
            to say: one of your own may need none.
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
        """A client with the global settings as they are now."""
        return cls(settings=global_settings, api_key_required=api_key_required)

    @property
    def settings(self) -> Settings:
        """The settings of this client."""
        return self._settings
