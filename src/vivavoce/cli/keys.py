"""``vivavoce keys``: the API keys in a server's key store."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from vivavoce.cli.guarded import say
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.store import KeyRecord, KeyStorage

__all__ = ["keys"]

keys = typer.Typer(
    no_args_is_help=True,
    help="Add, list, limit and revoke the API keys that serve --key-store FILE or serve --redis URL accepts.",
)

_DAY_S: Final = 86_400
_HIGHEST: Final = 1_000_000_000  # of any limit


class Standing(StrEnum):
    """Whether a key is paid for, in the terms of the protocols."""

    GOOD = "good"
    NO_FUNDS = "no-funds"
    UNPAID = "unpaid"


_StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--key-store",
        metavar="FILE",
        envvar="VIVAVOCE_KEY_STORE",
        show_default=False,
        help="The file that serve --key-store names.",
    ),
]
_RedisOption = Annotated[
    str | None,
    typer.Option(
        "--redis",
        metavar="URL",
        envvar="VIVAVOCE_REDIS",
        show_default=False,
        help="The Redis that serve --redis names, instead of a file.",
    ),
]
_NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="What people call the key.", show_default=False)
]
_SessionsOption = Annotated[
    str | None,
    typer.Option(
        metavar="N|none", show_default=False, help="Allow this many sessions at a time; 0 allows none."
    ),
]
_DailyMinutesOption = Annotated[
    str | None,
    typer.Option(
        metavar="MINUTES|none",
        show_default=False,
        help="Allow this many minutes of audio between midnight and midnight UTC, over all sessions.",
    ),
]
_SessionMinutesOption = Annotated[
    str | None,
    typer.Option(metavar="MINUTES|none", show_default=False, help="End a session after this many minutes."),
]
_EndSessionsOption = Annotated[
    bool,
    typer.Option("--end-sessions", help="End its open sessions too, after their last words."),
]


@keys.command()
def add(
    name: _NameArgument,
    *,
    sessions: _SessionsOption = None,
    daily_minutes: _DailyMinutesOption = None,
    session_minutes: _SessionMinutesOption = None,
    standing: Annotated[
        Standing, typer.Option(metavar="STANDING", help="good; or no-funds or unpaid, which refuse sessions.")
    ] = Standing.GOOD,
    admin: Annotated[
        bool, typer.Option("--admin", help="Let it read /metrics and everybody's transcripts.")
    ] = False,
    stdin: Annotated[
        bool,
        typer.Option("--stdin", help="Read the key from standard input: a long random text made elsewhere."),
    ] = False,
    key_store: _StoreOption = None,
    redis: _RedisOption = None,
) -> None:
    """Make a key and print it, for the only time: the file holds its digest.

    \b
    Examples:
      vivavoce keys add alice --key-store keys.db
      vivavoce keys add demo --sessions 2 --daily-minutes 60 --session-minutes 10
    """  # noqa: D301  - click keeps the lines after \b as they are
    from vivavoce.store import KeyLimits, KeyStatus

    given = sys.stdin.readline().strip() if stdin else None
    limits = KeyLimits(**_limits(sessions, daily_minutes, session_minutes))
    with _open(key_store, redis, create=True) as store:
        key = store.add(name, key=given, limits=limits, standing=KeyStatus(standing.value), is_admin=admin)
    if given is None:
        print(key)
        say(f"Added {name}. Keep the key now: it cannot be shown again.")
    else:
        say(f"Added {name}.")


@keys.command("list")
def list_(
    *,
    all_: Annotated[bool, typer.Option("--all", help="Show revoked keys too.")] = False,
    key_store: _StoreOption = None,
    redis: _RedisOption = None,
) -> None:
    """List keys: name, id, state, limits, audio of today, and the day of the last use.

    The id is what stored transcripts have as their owner.
    """
    with _open(key_store, redis) as store:
        records = [record for record in store.records() if all_ or record.revoked_unix is None]
        today = int(time.time() // _DAY_S)
        used, last_days = store.usage(today), store.last_days()
    rows = [
        _row(record, used.get((today, record.owner), 0.0), last_days.get(record.owner)) for record in records
    ]
    if not rows:
        say("There are no keys.")
        return
    table = [("NAME", "ID", "STATE", "SESSIONS", "MINUTES TODAY", "SESSION MINUTES", "LAST USED"), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


@keys.command()
def revoke(
    name: _NameArgument,
    *,
    end_sessions: _EndSessionsOption = False,
    key_store: _StoreOption = None,
    redis: _RedisOption = None,
) -> None:
    """Revoke a key for good; it opens no session any more, and neither do its tokens.

    Its open sessions continue, unless --end-sessions ends them. A server learns of it within a second or
    two.
    """
    with _open(key_store, redis) as store:
        store.change(name, revoked_unix=time.time(), ends_sessions=end_sessions)
    say(f"Revoked {name}.")


@keys.command()
def limit(
    name: _NameArgument,
    *,
    sessions: _SessionsOption = None,
    daily_minutes: _DailyMinutesOption = None,
    session_minutes: _SessionMinutesOption = None,
    standing: Annotated[
        Standing | None,
        typer.Option(
            metavar="STANDING", show_default=False, help="good; or no-funds or unpaid, which refuse sessions."
        ),
    ] = None,
    on: Annotated[
        bool | None, typer.Option("--on/--off", show_default=False, help="Switch the key on or off.")
    ] = None,
    end_sessions: _EndSessionsOption = False,
    admin: Annotated[
        bool | None,
        typer.Option(
            "--admin/--no-admin",
            show_default=False,
            help="Let it read /metrics and everybody's transcripts, or not.",
        ),
    ] = None,
    key_store: _StoreOption = None,
    redis: _RedisOption = None,
) -> None:
    """Change what a key may use, its standing, or switch it on or off.

    What is not named stays. Daily minutes apply to open sessions at once, the rest to the next session.

    \b
    Examples:
      vivavoce keys limit alice --daily-minutes 120 --sessions none
      vivavoce keys limit alice --off --end-sessions
    """  # noqa: D301  - click keeps the lines after \b as they are
    import dataclasses

    from vivavoce.store import KeyStatus

    if end_sessions and on is not False:
        raise ConfigurationError("--end-sessions needs --off: only a key that is off ends its sessions")
    limits = _limits(sessions, daily_minutes, session_minutes)
    changes: dict[str, Any] = {}
    if standing is not None:
        changes["standing"] = KeyStatus(standing.value)
    if on is not None:
        changes |= {"is_on": on, "ends_sessions": end_sessions}
    if admin is not None:
        changes["is_admin"] = admin
    if not (changes or limits):
        raise ConfigurationError("nothing to change: name a limit, --standing, --on, --off or --admin")
    with _open(key_store, redis) as store:
        found = [record for record in store.records() if record.name == name and record.revoked_unix is None]
        before = found[0].limits if found else None
        if before is not None and limits:
            changes["limits"] = dataclasses.replace(before, **limits)
        changed = store.change(name, **changes)
    say(f"{name}: {_state(changed)}, {_limits_text(changed)}.")


@keys.command()
def copy(*, key_store: _StoreOption = None, redis: _RedisOption = None) -> None:
    """Copy the keys of a file to a Redis that has none, with their limits and what they have used today.

    Tokens that were issued for them stay valid.

    \b
    Example:
      vivavoce keys copy --key-store keys.db --redis redis://localhost
    """  # noqa: D301  - click keeps the lines after \b as they are
    from vivavoce.store import RedisKeyStore, check_redis_url

    if key_store is None or redis is None:
        raise ConfigurationError("keys copy needs both --key-store FILE and --redis URL")
    check_redis_url(redis)
    today = int(time.time() // _DAY_S)
    with _open(key_store, None) as source, RedisKeyStore(redis) as target:
        records = source.records()
        target.take(records, source.secret())
        target.add_usage(source.usage(today - 1), today)
    say(f"Copied {len(records)} keys.")


def _open(path: Path | None, redis: str | None, *, create: bool = False) -> KeyStorage:
    from vivavoce.store import check_redis_url, open_key_storage

    if path is not None and redis is not None:
        raise ConfigurationError("--key-store and --redis both name the place of the keys: use one of them")
    if redis is not None:
        check_redis_url(redis)
    found = open_key_storage(path, redis, create=create)
    if found is None:
        raise ConfigurationError(
            "--key-store FILE (or VIVAVOCE_KEY_STORE) must name the file of the server, or --redis URL (or "
            "VIVAVOCE_REDIS) its Redis"
        )
    return found


def _limits(sessions: str | None, daily_minutes: str | None, session_minutes: str | None) -> dict[str, Any]:
    """Return the limits that options name; none removes one."""
    texts = {"sessions": sessions, "daily_minutes": daily_minutes, "session_minutes": session_minutes}
    return {field: _limit(field, text) for field, text in texts.items() if text is not None}


def _limit(field: str, text: str) -> float | None:
    if text == "none":
        return None
    option = "--" + field.replace("_", "-")
    is_count = field == "sessions"
    try:
        value = int(text) if is_count else float(text)
    except ValueError:
        value = -1
    lowest_is_allowed = is_count or field == "daily_minutes"
    if not 0 <= value < _HIGHEST or (not value and not lowest_is_allowed):
        kind = "a whole number" if is_count else "minutes"
        raise ConfigurationError(
            f"{option} must be {kind} {'from' if lowest_is_allowed else 'above'} 0, or none, got {text!r}"
        )
    return value


def _state(record: KeyRecord) -> str:
    state = (
        "revoked" if record.revoked_unix is not None else "off" if not record.is_on else record.standing.value
    )
    return f"{state}, admin" if record.is_admin else state


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _limits_text(record: KeyRecord) -> str:
    limits = record.limits
    parts = [
        None if limits.sessions is None else f"{limits.sessions} sessions at a time",
        None if limits.daily_minutes is None else f"{limits.daily_minutes:g} minutes of audio a day",
        None if limits.session_minutes is None else f"{limits.session_minutes:g} minutes a session",
    ]
    return ", ".join(part for part in parts if part) or "no limits"


def _row(record: KeyRecord, used_s: float, last_day: int | None) -> tuple[str, ...]:
    daily = record.limits.daily_minutes
    used = f"{used_s / 60:.1f}" + ("" if daily is None else f" of {daily:g}")
    last = (
        "never"
        if last_day is None
        else f"{datetime.fromtimestamp(0, UTC) + timedelta(days=last_day):%Y-%m-%d}"
    )
    limits = record.limits
    return (
        record.name, record.owner, _state(record), _number(limits.sessions), used,
        _number(limits.session_minutes), last,
    )  # fmt: skip
