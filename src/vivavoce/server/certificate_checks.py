"""What OpenSSL does not check when it reads a certificate: its dates, and who can read the key."""

from __future__ import annotations

import datetime as dt
import re
import ssl
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["certificate_warnings", "expiry", "is_readable_by_all"]

_SOON: Final = dt.timedelta(days=14)
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_VERSION, _UTC_TIME, _LONG_FORM = 0xA0, 0x17, 0x80  # of X.690


def certificate_warnings(cert: Path, key: Path | None, now: dt.datetime) -> list[str]:
    """Return what clients or other users of this machine would find out first.

    Args:
        cert: The certificate and its chain, in PEM form.
        key: The private key; None: in the same file.
        now: The time, with its zone.
    """
    warnings = []
    for index, block in enumerate(_PEM.findall(cert.read_text(errors="replace"))):
        name = (
            f"the certificate in {cert}" if index == 0 else f"certificate {index + 1} of the chain in {cert}"
        )
        try:
            begins, ends = _validity(ssl.PEM_cert_to_DER_cert(block))
        except (ValueError, IndexError):
            continue  # OpenSSL has accepted it
        if ends <= now:
            warnings.append(
                f"{name} expired on {ends:%Y-%m-%d}: clients refuse it; renew it, then send SIGHUP"
            )
        elif begins > now:
            warnings.append(f"{name} is valid from {begins:%Y-%m-%d %H:%M} UTC only: check the clock")
        elif ends - now < _SOON:
            warnings.append(f"{name} expires on {ends:%Y-%m-%d}; renew it, then send SIGHUP")
    if is_readable_by_all(key or cert):
        warnings.append(
            f"every user of this machine can read the key in {key or cert}: chmod o-r {key or cert}"
        )
    return warnings


def expiry(cert: Path) -> dt.datetime | None:
    """Return when a chain expires: the first time at which one of its certificates does; None: unknown.

    Args:
        cert: The certificate and its chain, in PEM form.
    """
    try:
        blocks = _PEM.findall(cert.read_text(errors="replace"))
        return min(_validity(ssl.PEM_cert_to_DER_cert(block))[1] for block in blocks)
    except (OSError, ValueError, IndexError):
        return None


def is_readable_by_all(path: Path) -> bool:
    """Return whether every user of this machine may read a file."""
    return bool(path.stat().st_mode & stat.S_IROTH)


def _validity(der: bytes) -> tuple[dt.datetime, dt.datetime]:
    """Return the first and the last moment of a certificate; RFC 5280, section 4.1."""
    _, certificate, _ = _element(der)
    _, rest, _ = _element(certificate)
    if rest[0] == _VERSION:
        _, _, rest = _element(rest)
    for _ in ("serial number", "signature algorithm", "issuer"):
        _, _, rest = _element(rest)
    _, dates, _ = _element(rest)
    tag, begins, rest = _element(dates)
    other_tag, ends, _ = _element(rest)
    return _time(tag, begins), _time(other_tag, ends)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Split an element off: its tag, its content, and what follows."""
    length, start = data[1], 2
    if length & _LONG_FORM:
        start += length - _LONG_FORM
        length = int.from_bytes(data[2:start])
    return data[0], data[start : start + length], data[start + length :]


def _time(tag: int, text: bytes) -> dt.datetime:
    digits = text.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year, until 2049
        digits = ("19" if digits[0] >= "5" else "20") + digits
    return dt.datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)
