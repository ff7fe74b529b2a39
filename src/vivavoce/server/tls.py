"""Encryption: the certificate that a server shows, given or made on the spot."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import shutil
import socket
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vivavoce.asr.models.onnx.cache import cache_folder
from vivavoce.errors import ExtrasNotInstalledError, ServerError

if TYPE_CHECKING:
    from cryptography import x509

    from vivavoce.server.options import ServerOptions

__all__ = ["Certificate", "certificate_for", "names_for", "self_signed"]

_VALID_DAYS: Final = 365
_RENEW_DAYS: Final = 30
_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files in PEM form that OpenSSL has accepted.

    Attributes:
        cert: The certificate, and those between it and its authority.
        key: Its private key; None: in the same file.
        made_here: Whether it is self-signed by `self_signed`, so that clients must be told to trust it.
    """

    cert: Path
    key: Path | None
    made_here: bool = False

    @property
    def advice(self) -> str:
        """How a client comes to trust a certificate that was made here."""
        return (
            f"{self.cert}; a client trusts it when SSL_CERT_FILE (Python, OpenSSL) or "
            "NODE_EXTRA_CA_CERTS (Node) names that file"
        )


def certificate_for(options: ServerOptions) -> Certificate | None:
    """The certificate that a server with these options shows; None if it speaks in the clear.

    Raises:
        ServerError: The files can't be used.
        ExtrasNotInstalledError: One is to be made and the library for it is missing.
    """
    if options.tls_self_signed:
        return self_signed(options.host)
    if options.tls_cert is None:
        return None
    certificate = Certificate(options.tls_cert, options.tls_key)
    _load(certificate)
    return certificate


def _load(certificate: Certificate) -> None:
    """Let OpenSSL read the files, as the server will.

    Raises:
        ServerError: It can't.
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
            f"the key in {certificate.key or certificate.cert} is encrypted; give one that is not"
        )

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            certificate.cert, certificate.key, no_password
        )
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = "the key is not that of the certificate"
        elif certificate.key is None:
            reason = "no certificate with its key in PEM form; --tls-key names the file of the key"
        else:
            reason = "no certificate and key in PEM form"
        raise ServerError(f"{where}: {reason}") from error


# --- making one ---------------------------------------------------------------------------------


def names_for(host: str) -> tuple[str, ...]:
    """The names and addresses by which clients may reach a server that listens on a host."""
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    return tuple(dict.fromkeys((*_LOCAL_NAMES, socket.gethostname() if everywhere else host)))


def self_signed(host: str) -> Certificate:
    """The certificate of a development machine: made the first time, and again before it expires.

    It lies in a folder of its own for each host, in the user's cache folder, so that clients can go on
    trusting the same file.

    Args:
        host: Where the server listens.

    Raises:
        ServerError: The folder can't be written.
        ExtrasNotInstalledError: The library that makes certificates is missing.
    """
    names = names_for(host)
    own = "localhost" if names == _LOCAL_NAMES else re.sub(r"[^\w.-]", "_", names[-1])
    folder = cache_folder() / "tls" / own
    try:
        from cryptography import x509  # noqa: F401, PLC0415  - only here
    except ModuleNotFoundError as error:
        raise ExtrasNotInstalledError(
            'what makes certificates is not installed; run: pip install "vivavoce[tls]"'
        ) from error
    certificate = Certificate(folder / "cert.pem", folder / "key.pem", made_here=True)
    if not _is_good(certificate, names):
        try:
            _replace(folder, *_make(names))
        except OSError as error:
            raise ServerError(f"can't keep a certificate in {folder}: {error.strerror or error}") from error
        _load(certificate)
    return certificate


def _is_good(certificate: Certificate, names: tuple[str, ...]) -> bool:
    """Whether a certificate that was made before serves for a while longer."""
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
    """A certificate and its key, in PEM form."""
    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"vivavoce on {socket.gethostname()}"[:64])])
    now = dt.datetime.now(dt.UTC)
    # No authority: whoever trusts it trusts this server and nothing that its key might sign.
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
    """Put both files in place at once: a server that starts beside this one must never see two halves.

    Raises:
        OSError: They can't be written.
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
            if not (
                folder / "cert.pem"
            ).is_file():  # else the other server was quicker, and its pair is as good
                raise
        shutil.rmtree(folder / "old", ignore_errors=True)
    finally:
        shutil.rmtree(made, ignore_errors=True)
