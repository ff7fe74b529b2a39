"""Webhooks: the finished turns of a session, posted to the address that its client named."""

from __future__ import annotations

import asyncio
import logging
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from vivavoce.protocol.events import Webhook

__all__ = ["deliver", "post"]

_log = logging.getLogger(__name__)

_ATTEMPTS: Final = 10
_TIMEOUT_S: Final = 10.0
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect: the response then counts as a failure."""


def post(webhook: Webhook, body: bytes) -> int:
    """Post once, on this thread.

    Returns:
        The HTTP status.

    Raises:
        OSError: No response, or not in time.
    """
    headers = {"Content-Type": "application/json", "User-Agent": "vivavoce"}
    if webhook.header is not None:
        headers |= [webhook.header]
    request = urllib.request.Request(webhook.url, body, headers)  # noqa: S310 - http and https only, checked
    opener = urllib.request.build_opener(_NoRedirects())
    try:
        with opener.open(request, timeout=_TIMEOUT_S) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (HTTPException, ValueError) as error:
        raise OSError(str(error)) from error


async def deliver(
    webhook: Webhook,
    session_id: str,
    turns: Sequence[str],
    *,
    send: Callable[[Webhook, bytes], int] = post,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> bool:
    """Post until the receiver accepts with 2xx: up to ten attempts with growing waits; a 4xx is final.

    Args:
        webhook: Address and header.
        session_id: Identifies the session in the body.
        turns: Its finished turns, JSON as the protocol writes them.
        send: Posts once and returns the HTTP status.
        sleep: Waits, in seconds.

    Returns:
        Whether the receiver accepted.
    """
    body = f'{{"session_id":"{session_id}","messages":[{",".join(turns)}]}}'.encode()
    wait_s = _FIRST_WAIT_S
    outcome = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            await sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        try:
            status = await asyncio.to_thread(send, webhook, body)
        except OSError as error:
            outcome = str(error)
            continue
        outcome = f"HTTP {status}"
        if status // 100 == 2:  # noqa: PLR2004 - success
            return True
        if status // 100 == 4:  # noqa: PLR2004 - the receiver refuses for good
            break
    _log.warning("session %s: webhook not delivered: %s", session_id, outcome)
    return False
