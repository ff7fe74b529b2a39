"""API keys in a Redis that several servers share: their digests, limits and use, and used tokens."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from vivavoce.errors import ConfigurationError, StoreError, VivavoceError
from vivavoce.store.key_records import (
    KeyLimits,
    KeyRecord,
    KeyStatus,
    check_key,
    check_name,
    digest_of,
    make_key,
    owner_of,
)
from vivavoce.store.key_storage import LEASE_S
from vivavoce.store.redis_connection import REDIS_PREFIX, connect_redis, redis_errors, shown_redis_url
from vivavoce.store.redis_scripts import ADD_KEY, ADD_USAGE, CLAIM, RESTORE, STATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["RedisKeyStore"]

_log = logging.getLogger(__name__)

_FORMAT: Final = 1
_SECRET_BYTES: Final = 32
_ID_BYTES: Final = 8
_DAY_S: Final = 86_400
_KEPT_DAYS: Final = 400  # of the use of keys
_KEPT_OWN_DAYS: Final = 2  # of what this server has served
_TOKEN_MARGIN_S: Final = 60  # for clocks that differ
_OWNER_TAKEN, _NAME_TAKEN = 1, 2  # what the script that adds a key answers

_FORMAT_KEY: Final = REDIS_PREFIX + "format"
_SECRET: Final = REDIS_PREFIX + "secret"
_KEYS: Final = REDIS_PREFIX + "keys"  # owner -> record
_NAMES: Final = REDIS_PREFIX + "names"  # name -> owner, of keys that are not revoked
_VERSION: Final = REDIS_PREFIX + "version"  # random; another one whenever keys change
_LAST_DAYS: Final = REDIS_PREFIX + "last-days"  # owner -> day
_USAGE: Final = REDIS_PREFIX + "usage:"  # and the day: owner -> seconds
_SERVED: Final = REDIS_PREFIX + "served:"  # and the server: day and owner -> seconds of it in the use
_SESSIONS: Final = REDIS_PREFIX + "sessions:"  # and the owner: server -> open sessions and when they expire
_TOKEN: Final = REDIS_PREFIX + "token:"  # and the token


class RedisKeyStore:
    """Keeps API keys in a Redis; see `KeyStorage`.

    If the Redis has lost its keys, the next call of `has_changed` puts back those that this store has read.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Connect.

        Args:
            url: An address that `check_redis_url` accepts.
            create: Whether to begin a store there if there is none.

        Raises:
            ConfigurationError: There is none, or a later version of Vivavoce has written it.
            StoreError: The Redis can't be reached, or refuses.
            ExtrasNotInstalledError: Its library is missing.
        """
        self.name = shown_redis_url(url)
        self._url = url
        self._server = secrets.token_hex(_ID_BYTES)  # distinguishes what it reports from what others do
        self._client = connect_redis(url)
        self._records: list[KeyRecord] = []  # as last read
        self._served: dict[tuple[int, str], float] = {}  # all that this server has added to the use
        self._must_resend = False  # the Redis has lost what this server has served
        try:
            self._secret, self._version = self._begin(create=create)
        except BaseException:
            self.close()
            raise

    def _begin(self, *, create: bool) -> tuple[bytes, bytes | None]:
        with redis_errors(self._url):
            if create:
                self._client.set(_FORMAT_KEY, _FORMAT, nx=True)
                self._client.set(_SECRET, secrets.token_bytes(_SECRET_BYTES), nx=True)
            found, secret, version = self._client.mget(_FORMAT_KEY, _SECRET, _VERSION)
        if secret is None:
            raise ConfigurationError(f"{self.name}: there are no keys there; vivavoce keys add makes one")
        with _readable(self.name):
            is_later = found is not None and int(found) > _FORMAT
        if is_later:
            raise ConfigurationError(f"{self.name} was written by a later version of Vivavoce: use that one")
        return secret, version

    def __enter__(self) -> Self:
        """Return the store itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def warnings(self) -> list[str]:
        """Return what its operator should change about it, for the log; a Redis may refuse to show that."""
        try:
            with redis_errors(self._url):
                found = self._client.config_get("appendonly", "maxmemory", "maxmemory-policy")
        except StoreError:
            return []
        advice = []
        if found.get("appendonly") == "no":
            advice.append(
                f"{self.name} may forget used tokens and minutes when it restarts: set its appendonly to yes"
            )
        if found.get("maxmemory", "0") != "0" and found.get("maxmemory-policy") != "noeviction":
            advice.append(
                f"{self.name} forgets keys when its memory is full: set its maxmemory-policy to noeviction"
            )
        return advice

    # --- keys -----------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        *,
        key: str | None = None,
        limits: KeyLimits = KeyLimits(),  # noqa: B008 - it never changes
        standing: KeyStatus = KeyStatus.GOOD,
        is_admin: bool = False,
    ) -> str:
        """Add a key and return it; see `KeyStorage.add`."""
        check_name(name)
        if key is not None:
            check_key(key)
        while True:
            made = make_key() if key is None else key
            record = KeyRecord(
                name, digest_of(made), owner_of(made), time.time(), standing, is_admin=is_admin, limits=limits
            )
            with redis_errors(self._url):
                answer = self._client.eval(
                    ADD_KEY, 3, _KEYS, _NAMES, _VERSION, record.owner, name, _encoded(record), _random()
                )
            if answer == _NAME_TAKEN:
                raise ConfigurationError(f"there is a key {name} already: revoke it, or use another name")
            if answer == _OWNER_TAKEN and key is not None:
                raise ConfigurationError("this key is there already, or was revoked: use another one")
            if answer != _OWNER_TAKEN:
                return made

    def change(self, name: str, **changes: Any) -> KeyRecord:
        """Change a key that is not revoked; see `KeyStorage.change`."""

        def apply(pipeline: Any) -> KeyRecord:
            owner = pipeline.hget(_NAMES, name)
            if owner is None:
                raise ConfigurationError(f"there is no key {name}: see vivavoce keys list")
            changed = dataclasses.replace(_record(pipeline.hget(_KEYS, owner)), **changes)
            pipeline.multi()
            pipeline.hset(_KEYS, owner, _encoded(changed))
            if changed.revoked_unix is not None:
                pipeline.hdel(_NAMES, name)
            pipeline.set(_VERSION, _random())
            return changed

        with redis_errors(self._url), _readable(self.name):
            changed: KeyRecord = self._client.transaction(apply, _KEYS, _NAMES, value_from_callable=True)
        return changed

    def records(self) -> list[KeyRecord]:
        """Return all keys in the order in which they were added, revoked ones included."""
        with redis_errors(self._url):
            found = self._client.hvals(_KEYS)
            if self._records and not found:
                self._restore()
                found = self._client.hvals(_KEYS)
        with _readable(self.name):
            self._records = sorted(map(_record, found), key=lambda record: (record.created_unix, record.name))
        return list(self._records)

    def secret(self) -> bytes:
        """Return the 32 bytes that tokens are signed with."""
        return self._secret

    def has_changed(self) -> bool:
        """Whether the keys have changed since the last call."""
        before = self._version
        with redis_errors(self._url):
            self._version, n_keys, has_served = self._client.eval(
                STATE, 3, _VERSION, _KEYS, _SERVED + self._server
            )
            if self._records and not n_keys:
                self._restore()
        self._must_resend = self._must_resend or (bool(self._served) and not has_served)
        return self._version != before or self.is_replaced()

    def is_replaced(self) -> bool:
        """Whether the Redis has the secret of another store now."""
        with redis_errors(self._url):
            found = self._client.get(_SECRET)
        return found is not None and found != self._secret

    def reopened(self) -> Self:
        """Return the store that is in the Redis now."""
        self._secret, self._version = self._begin(create=False)
        return self

    def take(self, records: Sequence[KeyRecord], secret: bytes) -> None:
        """Take all keys of another store, and its secret, so that its tokens stay valid.

        Raises:
            ConfigurationError: There are keys already.
            StoreError: The Redis can't be reached, or refuses.
        """
        with redis_errors(self._url):
            if not self._put(records, secret):
                raise ConfigurationError(f"{self.name} has keys already: name another database of it")
        self._secret = secret

    def _put(self, records: Sequence[KeyRecord], secret: bytes) -> bool:
        """Write keys into a Redis that has none; returns whether it had none."""
        pairs = [(record.owner, _encoded(record)) for record in records]
        names = [(each.name, each.owner) for each in records if each.revoked_unix is None]
        flat = [text for pair in (*pairs, *names) for text in pair]
        keys = (_KEYS, _NAMES, _VERSION, _SECRET, _FORMAT_KEY)
        return bool(
            self._client.eval(RESTORE, len(keys), *keys, _random(), secret, _FORMAT, len(pairs), *flat)
        )

    def _restore(self) -> None:
        """Put back the keys into a Redis that has none: nobody removes them, so it has lost them."""
        is_done = self._put(self._records, self._secret)
        if is_done:
            _log.warning("%s had lost its keys: this server has put them back", self.name)

    # --- their use ------------------------------------------------------------------------------

    def add_usage(self, seconds: Mapping[tuple[int, str], float], day: int) -> dict[tuple[int, str], float]:
        """Add to the audio that keys have used; see `KeyStorage.add_usage`.

        The Redis gets the sum of all that this server has served, and knows how much of it is in the use, so
        that nothing is added twice when an answer was lost.
        """
        kept = {key: total for key, total in self._served.items() if key[0] > day - _KEPT_OWN_DAYS}
        sums = {key: self._served.get(key, 0.0) + more for key, more in seconds.items()}
        if sent := (kept | sums if self._must_resend else sums):
            served = [text for (each, owner), total in sent.items() for text in (each, owner, repr(total))]
            keys = (_SERVED + self._server, _LAST_DAYS)
            kept_s = (_KEPT_DAYS * _DAY_S, (_KEPT_OWN_DAYS + 1) * _DAY_S)
            with redis_errors(self._url):
                self._client.eval(ADD_USAGE, len(keys), *keys, _USAGE, *kept_s, *served)
        used = self.usage(day - 1)
        # Only now: after an error the caller adds the same seconds again.
        self._served, self._must_resend = kept | sums, False
        return used

    def usage(self, since: int) -> dict[tuple[int, str], float]:
        """Return the seconds of audio that each key has used since a day, by day and owner."""
        days = range(since, max(since, int(time.time() // _DAY_S)) + 2)  # one more: clocks differ
        with redis_errors(self._url), self._client.pipeline(transaction=False) as pipeline:
            for day in days:
                pipeline.hgetall(f"{_USAGE}{day}")
            found = pipeline.execute()
        with _readable(self.name):
            return {
                (day, owner.decode()): float(seconds)
                for day, owners in zip(days, found, strict=True)
                for owner, seconds in owners.items()
            }

    def last_days(self) -> dict[str, int]:
        """Return the last day on which each key was used, in days since 1970, by owner."""
        with redis_errors(self._url), _readable(self.name):
            return {owner.decode(): int(day) for owner, day in self._client.hgetall(_LAST_DAYS).items()}

    def spend(self, token: bytes, expires_unix: float, unix_now: float) -> bool:
        """Note that a token is used; see `KeyStorage.spend`."""
        kept_s = max(0, round(expires_unix - unix_now)) + _TOKEN_MARGIN_S
        with redis_errors(self._url):
            return bool(self._client.set(_TOKEN + token.hex(), self._server, nx=True, ex=kept_s))

    def claim(self, owner: str, sessions: int, limit: int | None) -> bool:
        """Report the open sessions of a key here, unless there are too many; see `KeyStorage.claim`.

        The clock of the Redis decides what has expired.
        """
        with redis_errors(self._url):
            return bool(self._client.eval(*self._claim(owner, sessions, limit)))

    def renew(self, sessions: Mapping[str, int]) -> None:
        """Report the open sessions of several keys on this server; see `KeyStorage.renew`."""
        with redis_errors(self._url), self._client.pipeline(transaction=False) as pipeline:
            for owner, count in sessions.items():
                pipeline.eval(*self._claim(owner, count, None))
            pipeline.execute()

    def _claim(self, owner: str, sessions: int, limit: int | None) -> tuple[object, ...]:
        return (
            CLAIM, 1, _SESSIONS + owner, self._server, sessions, -1 if limit is None else limit,
            round(1000 * LEASE_S),
        )  # fmt: skip


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    """Report what is in the Redis although nothing of this version has written it.

    Args:
        name: Of the store.

    Raises:
        StoreError: What the block reads is something else than it expects.
    """
    try:
        yield
    except VivavoceError:
        raise
    except (msgspec.MsgspecError, ValueError, TypeError, KeyError, AttributeError):
        raise StoreError(
            f"{name} holds what this version can't read: another program has written it, or a later version"
        ) from None


def _random() -> str:
    return secrets.token_hex(_ID_BYTES)


def _encoded(record: KeyRecord) -> bytes:
    return msgspec.json.encode(dataclasses.asdict(record) | {"digest": record.digest.hex()})


def _record(content: bytes) -> KeyRecord:
    """Return a record as it was encoded; a standing that a later version has added opens no session."""
    fields = msgspec.json.decode(content)
    known = fields["standing"] in set(KeyStatus)
    return KeyRecord(
        name=fields["name"],
        digest=bytes.fromhex(fields["digest"]),
        owner=fields["owner"],
        created_unix=fields["created_unix"],
        standing=KeyStatus(fields["standing"]) if known else KeyStatus.DISABLED,
        is_on=fields["is_on"],
        is_admin=fields["is_admin"],
        limits=KeyLimits(**fields["limits"]),
        revoked_unix=fields["revoked_unix"],
        ends_sessions=fields["ends_sessions"],
    )
