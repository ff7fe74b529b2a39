"""Downloading a model: resumed where it stopped, checked before it is used."""

from __future__ import annotations

import contextlib
import fcntl
import http.client
import os
import re
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote, urlsplit

from vivavoce.errors import ConfigurationError, ModelError
from vivavoce.model_files.revision import Revision, commit_in
from vivavoce.model_files.shelf import checksum
from vivavoce.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from vivavoce.model_files.catalogue import Card, RemoteFile
    from vivavoce.model_files.shelf import Shelf

__all__ = ["DEFAULT_HUB", "Progress", "fetch", "hub_address"]

DEFAULT_HUB: Final = "https://huggingface.co"
_TIMEOUT_S: Final = 30.0
_BLOCK_BYTES: Final = 1 << 18
_SPARE_BYTES: Final = 64 << 20  # left free on the disk
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Progress(Protocol):
    """Is told how far a download is."""

    def __call__(self, file: str, n_bytes: int, total_bytes: int | None) -> None:
        """Take the bytes of a file that are here, and how many it has, if that is known."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the hub said about a file before its content.

    Attributes:
        starts_at: Position of the first byte that follows.
        total: Bytes of the whole file; None: unknown.
        sha256: Of the whole file, as the hub declares it; None: it does not.
    """

    starts_at: int
    total: int | None
    sha256: str | None


def hub_address(mirror: str | None = None) -> str:
    """Return the address of the hub: the mirror, ``VIVAVOCE_MODEL_HUB``, or the public one.

    Raises:
        ConfigurationError: It is no HTTP address.
    """
    address = (mirror or os.environ.get("VIVAVOCE_MODEL_HUB") or DEFAULT_HUB).rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(f"--mirror must be like https://hub.example.org, got {address!r}")
    return address


def fetch(card: Card, shelf: Shelf, *, mirror: str | None = None, progress: Progress | None = None) -> Path:
    """Download a model; what is here already of a download that stopped is not downloaded again.

    All files come from one commit of the repository, even if it changes meanwhile; see `Revision`.

    Args:
        card: The model.
        shelf: Where it is put.
        mirror: Address of a copy of the hub; None: `hub_address` decides.
        progress: Is told how far it is.

    Returns:
        The folder of the model.

    Raises:
        ModelError: There is no network, a file is missing or has the wrong content, or there is no room.
        ConfigurationError: The mirror is no address, or the folder can't be written.
    """
    hub = hub_address(mirror)
    parts = shelf.parts_of(card)
    try:
        parts.mkdir(parents=True, exist_ok=True)
        with _alone(parts.with_name(f"{parts.name}.lock")):
            if shelf.has(card):  # another process was faster
                return shelf.path_of(card)
            parts.mkdir(parents=True, exist_ok=True)
            revision = Revision(card, parts)
            for file in card.files:
                _fetch_file(hub, card, file, parts / file.name, revision, progress)
            folder = shelf.put_on(card, parts, revision.name)
            revision.forget(folder)
            return folder
    except OSError as error:
        where = error.filename or parts
        raise ConfigurationError(
            f"{where}: {(error.strerror or str(error)).lower()}; VIVAVOCE_MODELS names another folder"
        ) from None


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process downloads the same model."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch_file(
    hub: str, card: Card, file: RemoteFile, path: Path, revision: Revision, progress: Progress | None
) -> None:
    if path.is_file():  # complete, from a download that stopped at a later one
        return
    part = path.with_name(f"{path.name}.part")
    url = f"{hub}/{card.repository}/resolve/{quote(revision.name)}/{quote(file.name)}"
    try:
        declared = _receive(
            url, part, lambda have, total: progress and progress(file.name, have, total), revision.found
        )
    except _MissingError as error:
        if not revision.is_resumed:
            raise
        raise ModelError(
            f"{error}; the rest of this download is there no more: run vivavoce models remove {card.name}, "
            "then get it again"
        ) from None
    expected = file.sha256 or declared
    if expected is not None and checksum(part) != expected:
        part.unlink()
        raise ModelError(
            f"{file.name} of {card.name} has the wrong content, and was deleted: run the command again; "
            "if it happens twice, the hub or mirror has another file"
        )
    part.replace(path)


class _MissingError(ModelError):
    """The hub does not have a file."""


def _receive(url: str, part: Path, progress: Any, found_commit: Callable[[str | None], None]) -> str | None:
    """Append to a file what it lacks; returns the SHA-256 that the hub declares, if any.

    Before any content is written, the commit that it comes from is reported.
    """
    have = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": f"vivavoce/{__version__}", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - http and https only, checked
    host = urlsplit(url).hostname
    redirects = _Redirects()
    try:
        opener = urllib.request.build_opener(redirects)
        with opener.open(request, timeout=_TIMEOUT_S) as response:
            answer = _answer(response)
            _check_room(part, answer)
            found_commit(redirects.commit or commit_in(response.headers))
            _append(response, part, answer, progress)
            return redirects.declared or answer.sha256
    except urllib.error.HTTPError as error:
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return redirects.declared  # it is complete already
            part.unlink(missing_ok=True)
            return _receive(url, part, progress, found_commit)
        kind = _MissingError if error.code == http.client.NOT_FOUND else ModelError
        raise kind(f"{url}: {host} answers {error.code} {error.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise ModelError(
            f"{host} can't be reached ({_short(reason)}): run the command again to go on from here, name a "
            "mirror with --mirror, or copy the files to a folder and use --model FOLDER"
        ) from None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but from HTTPS to nothing less.

    Attributes:
        declared: The SHA-256 that an answer on the way declared; None: none did.
        commit: The commit of the repository that one named; None: none did.
    """

    def __init__(self) -> None:
        self.declared: str | None = None
        self.commit: str | None = None

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urlsplit(req.full_url).scheme == "https" and urlsplit(newurl).scheme != "https":
            raise urllib.error.HTTPError(newurl, code, "redirects from HTTPS to HTTP", headers, fp)
        self.declared = self.declared or _declared(headers)
        self.commit = self.commit or commit_in(headers)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _declared(headers: Any) -> str | None:
    """The SHA-256 in the headers of the hub: large files have it as their linked entity tag."""
    tag = (headers.get("X-Linked-ETag") or "").strip('"')
    return tag if _SHA256.fullmatch(tag) else None


def _answer(response: Any) -> _Answer:
    length = response.headers.get("Content-Length")
    n_bytes = int(length) if length and length.isdigit() else None
    starts_at = 0
    if response.status == http.client.PARTIAL_CONTENT:
        given = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        starts_at = int(given[1]) if given else 0
    total = None if n_bytes is None else starts_at + n_bytes
    return _Answer(starts_at, total, _declared(response.headers))


def _check_room(part: Path, answer: _Answer) -> None:
    missing = 0 if answer.total is None else answer.total - answer.starts_at
    free = shutil.disk_usage(part.parent).free
    if missing + _SPARE_BYTES > free:
        raise ModelError(
            f"{part.parent} has no room: {missing / 1e6:.0f} MB are missing, {free / 1e6:.0f} MB are free; "
            "VIVAVOCE_MODELS names another folder"
        )


def _append(response: Any, part: Path, answer: _Answer, progress: Any) -> None:
    with part.open("r+b" if part.exists() else "w+b") as file:
        file.seek(answer.starts_at)
        file.truncate()
        progress(answer.starts_at, answer.total)
        while block := _read(response):
            file.write(block)
            progress(file.tell(), answer.total)
        n_bytes = file.tell()
    if answer.total is not None and n_bytes < answer.total:
        raise http.client.IncompleteRead(b"", answer.total - n_bytes)


def _read(response: Any) -> bytes:
    """Read a block; raises nothing but errors of the network."""
    try:
        block: bytes = response.read(_BLOCK_BYTES)
    except OSError as error:  # of TLS, or a host that is gone
        raise urllib.error.URLError(error) from error
    return block


def _short(reason: object) -> str:
    return (getattr(reason, "strerror", None) or str(reason) or type(reason).__name__).lower()
