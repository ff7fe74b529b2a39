"""Certificates that OpenSSL reads and clients refuse, and keys that everyone can read."""

import datetime as dt
import logging

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from vivavoce.server import ServerOptions, tls
from vivavoce.server.certificate_checks import certificate_warnings, expiry

NOW = dt.datetime(2026, 3, 1, 12, 30, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def make(folder, begins, ends, *, others=()):
    """Write a certificate, with further ones after it, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "host" * 16)])
    blocks = []
    for first, last in ((begins, ends), *others):
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        made = builder.not_valid_before(first).not_valid_after(last).sign(key, hashes.SHA256())
        blocks.append(made.public_bytes(serialization.Encoding.PEM))
    (folder / "cert.pem").write_bytes(b"text before\n" + b"\n".join(blocks))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "key.pem").chmod(0o600)
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(
    ("begins", "ends", "warning"),
    [
        (NOW - 90 * DAY, NOW + 90 * DAY, None),
        (NOW - 90 * DAY, NOW - DAY, "expired on 2026-02-28: clients refuse it; renew it, then send SIGHUP"),
        (NOW - 90 * DAY, NOW, "expired on 2026-03-01"),
        (NOW - 90 * DAY, NOW + 3 * DAY, "expires on 2026-03-04; renew it"),
        (NOW + DAY, NOW + 90 * DAY, "is valid from 2026-03-02 12:30 UTC only: check the clock"),
        (NOW - 90 * DAY, dt.datetime(2099, 1, 1, tzinfo=dt.UTC), None),  # written with four digits
        (dt.datetime(1999, 1, 1, tzinfo=dt.UTC), dt.datetime(2049, 12, 31, tzinfo=dt.UTC), None),
        (dt.datetime(1990, 1, 1, tzinfo=dt.UTC), dt.datetime(1999, 12, 31, tzinfo=dt.UTC), "expired on 1999"),
    ],
)
def test_dates(tmp_path, begins, ends, warning):
    cert, key = make(tmp_path, begins, ends)
    found = certificate_warnings(cert, key, NOW)
    assert len(found) == (warning is not None)
    if warning:
        assert f"the certificate in {cert} {warning}" in found[0]


def test_an_intermediate_certificate_that_expired(tmp_path):
    cert, key = make(tmp_path, NOW - DAY, NOW + 90 * DAY, others=[(NOW - 90 * DAY, NOW - DAY)])
    (warning,) = certificate_warnings(cert, key, NOW)
    assert warning.startswith(f"certificate 2 of the chain in {cert} expired on 2026-02-28")


@pytest.mark.parametrize(("mode", "is_open"), [(0o644, True), (0o604, True), (0o640, False), (0o400, False)])
def test_a_key_that_every_user_can_read(tmp_path, mode, is_open):
    cert, key = make(tmp_path, NOW - DAY, NOW + 90 * DAY)
    key.chmod(mode)
    expected = [f"every user of this machine can read the key in {key}: chmod o-r {key}"] if is_open else []
    assert certificate_warnings(cert, key, NOW) == expected


def test_the_log_of_a_server_has_the_warnings(tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    now = dt.datetime.now(dt.UTC)
    cert, key = make(tmp_path, now - 2 * DAY, now - DAY)
    (tmp_path / "both.pem").write_bytes(cert.read_bytes() + key.read_bytes())
    (tmp_path / "both.pem").chmod(0o644)
    assert tls.certificate_for(ServerOptions(tls_cert=tmp_path / "both.pem"))
    first, second = (record.getMessage() for record in caplog.records)
    assert "both.pem expired on" in first
    assert "can read the key in" in second


def test_what_is_made_here_is_right(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path))
    made = tls.self_signed("127.0.0.1")
    assert certificate_warnings(made.cert, made.key, dt.datetime.now(dt.UTC)) == []


@pytest.mark.parametrize("der", ["MAA=", "MIIBAA==", "AAAA", "MAMCAQE="])
def test_what_is_no_certificate_is_left_to_openssl(tmp_path, der):
    path = tmp_path / "cert.pem"
    path.write_text(f"-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n")
    path.chmod(0o600)
    assert certificate_warnings(path, None, NOW) == []


def test_a_chain_expires_with_the_first_of_its_certificates(tmp_path):
    cert, _ = make(tmp_path, NOW - DAY, NOW + 90 * DAY, others=[(NOW - DAY, NOW + 30 * DAY)])
    assert expiry(cert) == NOW + 30 * DAY
    (tmp_path / "none.pem").write_text("no certificate")
    assert expiry(tmp_path / "none.pem") is None
    assert expiry(tmp_path / "missing.pem") is None
