"""Certificates: made once, kept, made again when they must be; bad files are one clear line."""

import datetime as dt
import ssl
import stat
import sys

import pytest
from cryptography import x509

from vivavoce.errors import ExtrasNotInstalledError, ServerError
from vivavoce.server import ServerOptions, tls


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def read(certificate):
    return x509.load_pem_x509_certificate(certificate.cert.read_bytes())


def names(certificate):
    found = read(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def handshake(certificate, name, *, trusted=None, strict=False):
    """Shake hands in memory, as a client that trusts one certificate; raises what the client would."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate.cert, certificate.key)
    client_side = ssl.create_default_context(cafile=trusted or certificate.cert)
    if strict:  # what Python 3.13 does by default
        client_side.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    pipes = [ssl.MemoryBIO() for _ in range(2)]
    client = client_side.wrap_bio(pipes[0], pipes[1], server_hostname=name)
    server = server_side.wrap_bio(pipes[1], pipes[0], server_side=True)
    waiting = {client, server}
    for side in (client, server) * 4:
        if side in waiting:
            try:
                side.do_handshake()
                waiting.discard(side)
            except ssl.SSLWantReadError:
                pass
    assert not waiting


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1"])
def test_a_client_that_trusts_the_file_accepts_the_server(name, strict):
    handshake(tls.self_signed("127.0.0.1"), name, strict=strict)


def test_a_client_that_does_not_trust_it_or_asks_for_another_name_refuses():
    certificate, other = tls.self_signed("127.0.0.1"), tls.self_signed("10.1.2.3")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(certificate, "localhost", trusted=other.cert)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"not valid for 'elsewhere\.example'"):
        handshake(certificate, "elsewhere.example")


def test_it_is_kept_and_the_key_is_for_its_user_only(home):
    first = tls.self_signed("127.0.0.1")
    before = first.cert.read_bytes()
    assert first.cert.is_relative_to(home)
    assert str(first.cert) in first.advice
    assert tls.self_signed("localhost") == first, "the same names, the same file"
    assert first.cert.read_bytes() == before
    assert sorted(path.name for path in first.cert.parent.parent.rglob("*")) == [
        "cert.pem",
        "key.pem",
        "localhost",
    ]
    if sys.platform != "win32":
        assert stat.S_IMODE(first.key.stat().st_mode) == 0o600
        assert stat.S_IMODE(first.key.parent.stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize(
    ("host", "further"),
    [
        ("127.0.0.1", set()),
        ("::1", set()),
        ("192.168.1.5", {"192.168.1.5"}),
        ("box.lan", {"box.lan"}),
        ("0.0.0.0", {"this-machine"}),
        ("::", {"this-machine"}),
    ],
)
def test_it_holds_every_name_by_which_clients_come(monkeypatch, host, further):
    monkeypatch.setattr(tls.socket, "gethostname", lambda: "this-machine")
    certificate = tls.self_signed(host)
    assert names(certificate) == {"localhost", "127.0.0.1", "::1"} | further


def test_one_that_expires_soon_or_is_damaged_is_replaced(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tls, "_VALID_DAYS", tls._RENEW_DAYS - 1)
        soon = read(tls.self_signed("127.0.0.1"))
    certificate = tls.self_signed("127.0.0.1")
    fresh = read(certificate)
    assert fresh.serial_number != soon.serial_number
    assert fresh.not_valid_after_utc - dt.datetime.now(dt.UTC) > dt.timedelta(days=360)
    certificate.key.write_text("damaged")
    handshake(tls.self_signed("127.0.0.1"), "localhost")
    certificate.cert.unlink()
    handshake(tls.self_signed("127.0.0.1"), "localhost")


def test_two_servers_that_start_at_once_agree(monkeypatch):
    make = tls._make

    def while_another_starts(names):
        monkeypatch.setattr(tls, "_make", make)
        tls.self_signed("127.0.0.1")
        return make(names)

    monkeypatch.setattr(tls, "_make", while_another_starts)
    handshake(tls.self_signed("127.0.0.1"), "localhost")


def test_a_folder_that_can_not_be_written_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VIVAVOCE_HOME", str(tmp_path / "file"))
    with pytest.raises(ServerError, match="cannot write a certificate to"):
        tls.self_signed("127.0.0.1")


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ExtrasNotInstalledError, match=r"vivavoce\[tls\]"):
        tls.self_signed("127.0.0.1")


def test_files_are_used_as_they_are(tmp_path):
    made = tls.self_signed("127.0.0.1")
    both = tmp_path / "both.pem"
    both.write_bytes(made.cert.read_bytes() + made.key.read_bytes())
    assert tls.certificate_for(ServerOptions()) is None
    certificate = tls.certificate_for(ServerOptions(tls_cert=made.cert, tls_key=made.key))
    assert (certificate.cert, certificate.key, certificate.made_here) == (made.cert, made.key, False)
    handshake(tls.certificate_for(ServerOptions(tls_cert=both)), "localhost")


def encrypted_key(path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    secret = serialization.BestAvailableEncryption(b"secret")
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, secret))


def test_files_that_can_not_be_used_are_one_line_that_names_them(tmp_path):
    made, other = tls.self_signed("127.0.0.1"), tls.self_signed("10.1.2.3")
    empty, encrypted = tmp_path / "empty.pem", tmp_path / "encrypted.pem"
    empty.write_text("")
    encrypted_key(encrypted)
    for cert, key, said in [
        (tmp_path / "none.pem", made.key, "none.pem: no such file"),
        (made.cert, tmp_path / "none.key", "none.key: no such file"),
        (tmp_path, None, "is a directory"),
        (made.cert, None, "--tls-key names the file"),
        (empty, made.key, "not a certificate and a key in PEM form"),
        (made.cert, other.key, "the key does not belong to the certificate"),
        (made.cert, encrypted, "encrypted.pem is encrypted"),
    ]:
        with pytest.raises(ServerError, match=said) as caught:
            tls.certificate_for(ServerOptions(tls_cert=cert, tls_key=key))
        assert "\n" not in str(caught.value)
