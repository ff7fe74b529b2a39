"""TLS: the certificate of a server, read from files or made here."""

from __future__ import annotations

import datetime as dt
import ipaddress
import logging
import re
import shutil
import socket
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vivavoce.errors import ExtrasNotInstalledError, ServerError
from vivavoce.folders import cache_folder
from vivavoce.server.certificate_checks import certificate_warnings

if TYPE_CHECKING:
    from cryptography import x509

    from vivavoce.server.options import ServerOptions

__all__ = ["Certificate", "certificate_for", "names_for", "self_signed"]

_log = logging.getLogger(__name__)

_VALID_DAYS: Final = 365
_RENEW_DAYS: Final = 30
_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM form that OpenSSL has accepted.

    Attributes:
        cert: The certificate, with any intermediate ones.
        key: Its private key; None: in the same file.
        made_here: Whether `self_signed` made it, so that clients must be configured to trust it.
    """

    cert: Path
    key: Path | None
    made_here: bool = False

    @property
    def advice(self) -> str:
        """How to make a client trust a certificate that was made here."""
        return (
            f"{self.cert}; a client trusts it if SSL_CERT_FILE (Python, OpenSSL) or "
            "NODE_EXTRA_CA_CERTS (Node) names this file"
        )


def certificate_for(options: ServerOptions) -> Certificate | None:
    """Return the certificate of a server with these options; None without TLS.

    Raises:
        ServerError: The files cannot be used.
        ExtrasNotInstalledError: The library that makes certificates is missing.
    """
    if options.tls_self_signed:
        return self_signed(options.host)
    if options.tls_cert is None:
        return None
    certificate = Certificate(options.tls_cert, options.tls_key)
    _load(certificate)
    for warning in certificate_warnings(certificate.cert, certificate.key, dt.datetime.now(dt.UTC)):
        _log.warning("%s", warning)
    return certificate


def _load(certificate: Certificate) -> None:
    """Check that OpenSSL can read the files.

    Raises:
        ServerError: It cannot.
    """
    for path in (certificate.cert, certificate.key):
        try:
            if path is not None:
                path.read_bytes()
        except OSError as error:
            raise ServerError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    where = f"{certificate.cert}" + (f" and {certificate.key}" if certificate.key else "")

    def no_password() -> str:
        raise ServerError(
            f"the key in {certificate.key or certificate.cert} is encrypted: use one without a passphrase"
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            certificate.cert, certificate.key, no_password
        )
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = "the key does not belong to the certificate"
        elif certificate.key is None:
            reason = "not a certificate with its key in PEM form; --tls-key names the file of the key"
        else:
            reason = "not a certificate and a key in PEM form"
        raise ServerError(f"{where}: {reason}") from error


# --- making one ---------------------------------------------------------------------------------


def names_for(host: str) -> tuple[str, ...]:
    """Return the names and addresses by which clients may reach a server that listens on a host."""
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    return tuple(dict.fromkeys((*_LOCAL_NAMES, socket.gethostname() if everywhere else host)))


def self_signed(host: str) -> Certificate:
    """Return the certificate of a development machine: made at first use, and again before it expires.

    Each host has a folder in the user's cache folder, so that clients keep trusting the same file.

    Args:
        host: Where the server listens.

    Raises:
        ServerError: The folder cannot be written.
        ExtrasNotInstalledError: The library that makes certificates is missing.
    """
    names = names_for(host)
    own = "localhost" if names == _LOCAL_NAMES else re.sub(r"[^\w.-]", "_", names[-1])
    folder = cache_folder() / "tls" / own
    try:
        from cryptography import x509  # noqa: F401, PLC0415  - only here
    except ModuleNotFoundError as error:
        raise ExtrasNotInstalledError(
            'the library that makes certificates is not installed; run: pip install "vivavoce[tls]"'
        ) from error
    certificate = Certificate(folder / "cert.pem", folder / "key.pem", made_here=True)
    if not _is_good(certificate, names):
        try:
            _replace(folder, *_make(names))
        except OSError as error:
            raise ServerError(f"cannot write a certificate to {folder}: {error.strerror or error}") from error
        _load(certificate)
    return certificate


def _is_good(certificate: Certificate, names: tuple[str, ...]) -> bool:
    """Whether an earlier certificate has these names and some time left."""
    from cryptography import x509  # noqa: PLC0415

    try:
        _load(certificate)
        found = x509.load_pem_x509_certificate(certificate.cert.read_bytes())
        covered = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ServerError, ValueError, x509.ExtensionNotFound):
        return False
    left = found.not_valid_after_utc - dt.datetime.now(dt.UTC)
    return left > dt.timedelta(days=_RENEW_DAYS) and set(_general_names(names)) <= set(covered)


def _general_names(names: tuple[str, ...]) -> list[x509.GeneralName]:
    from cryptography import x509  # noqa: PLC0415

    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _make(names: tuple[str, ...]) -> tuple[bytes, bytes]:
    """Make a certificate and its key, in PEM form."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"vivavoce on {socket.gethostname()}"[:64])])
    now = dt.datetime.now(dt.UTC)
    # Not an authority: a client that trusts it trusts this server and nothing that its key might sign.
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    public = key.public_key()
    builder = (
        x509.CertificateBuilder(name, name, public, x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))  # clocks differ
        .not_valid_after(now + dt.timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    return (
        builder.sign(key, hashes.SHA256()).public_bytes(pem),
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
    )


def _replace(folder: Path, cert: bytes, key: bytes) -> None:
    """Put both files in place at once: another server that starts now must never see a mixed pair.

    Raises:
        OSError: They cannot be written.
    """
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))  # for this user only
    try:
        (made / "key.pem").write_bytes(key)
        (made / "key.pem").chmod(0o600)
        (made / "cert.pem").write_bytes(cert)
        if folder.exists():
            folder.rename(made / "old")
        try:
            made.rename(folder)
        except OSError:
            # If another server was quicker, its pair is as good.
            if not (folder / "cert.pem").is_file():
                raise
        shutil.rmtree(folder / "old", ignore_errors=True)
    finally:
        shutil.rmtree(made, ignore_errors=True)
