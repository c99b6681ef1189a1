from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ancu.models.errors import ConfigError, UsageError
from ancu.server.adapters.pki import DEVICE_DAYS, Authority, check_certificate


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "ca", "An Cư test")


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_a_devices_certificate_carries_its_id_and_one_identity(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue_device("home-001", tmp_path / "c.crt", tmp_path / "c.key")
    made = read(issued.certificate_file)
    assert [name.value for name in made.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["home-001"]
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [issued.identity]
    assert list(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert isinstance(made.public_key(), ec.EllipticCurvePublicKey)
    assert f"{made.serial_number:x}" == issued.serial
    assert stat.S_IMODE(issued.key_file.stat().st_mode) == 0o600


def test_two_certificates_of_one_device_have_two_identities(authority: Authority, tmp_path: Path) -> None:
    made = [authority.issue_device("home-001", tmp_path / f"{i}.crt", tmp_path / f"{i}.key") for i in range(2)]
    assert made[0].identity != made[1].identity


def test_the_authoritys_key_is_its_owners_alone_and_is_not_replaced(authority: Authority, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "ca" / "ca.key").stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="exists already"):
        Authority.create(tmp_path / "ca", "another")
    again = Authority.open(tmp_path / "ca").issue_device("home-001", tmp_path / "c.crt", tmp_path / "c.key")
    check_certificate(again.certificate_file, again.key_file, authority.certificate_file)


def test_a_certificate_is_good_for_a_year_from_yesterday(authority: Authority, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    issued = authority.issue_device("home-001", tmp_path / "c.crt", tmp_path / "c.key", now)
    made = read(issued.certificate_file)
    assert made.not_valid_before_utc <= now - timedelta(hours=23)
    assert abs(issued.not_after - now - timedelta(days=DEVICE_DAYS)) < timedelta(seconds=2)


@pytest.mark.parametrize("days", [-2, DEVICE_DAYS + 1])
def test_a_certificate_out_of_its_time_is_refused(authority: Authority, tmp_path: Path, days: int) -> None:
    issued = authority.issue_server(["127.0.0.1"], tmp_path / "b.crt", tmp_path / "b.key")
    with pytest.raises(ConfigError, match="valid from"):
        check_certificate(
            issued.certificate_file,
            issued.key_file,
            authority.certificate_file,
            datetime.now(UTC) + timedelta(days=days),
        )


def test_another_authoritys_certificate_and_another_key_are_refused(authority: Authority, tmp_path: Path) -> None:
    other = Authority.create(tmp_path / "other", "other")
    ours = authority.issue_device("home-001", tmp_path / "a.crt", tmp_path / "a.key")
    theirs = other.issue_device("home-001", tmp_path / "b.crt", tmp_path / "b.key")
    with pytest.raises(ConfigError, match="not issued by"):
        check_certificate(theirs.certificate_file, theirs.key_file, authority.certificate_file)
    with pytest.raises(ConfigError, match="not the key"):
        check_certificate(ours.certificate_file, theirs.key_file, authority.certificate_file)
    (tmp_path / "ca" / "ca.crt").write_bytes(other.certificate_file.read_bytes())
    with pytest.raises(ConfigError, match="does not fit"):
        Authority.open(tmp_path / "ca")


def test_files_that_are_no_certificates_are_named(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue_device("home-001", tmp_path / "a.crt", tmp_path / "a.key")
    issued.certificate_file.write_text("nothing")
    with pytest.raises(ConfigError, match="not a PEM certificate"):
        check_certificate(issued.certificate_file, issued.key_file, authority.certificate_file)
    with pytest.raises(ConfigError, match="cannot be read"):
        check_certificate(tmp_path / "none", issued.key_file, authority.certificate_file)


def test_a_listeners_certificate_names_hosts_and_addresses(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue_server(["127.0.0.1", "localhost", "::1"], tmp_path / "b.crt", tmp_path / "b.key")
    names = read(issued.certificate_file).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]


def test_a_revocation_list_is_signed_and_names_serials(authority: Authority, tmp_path: Path) -> None:
    issued = authority.issue_device("home-001", tmp_path / "a.crt", tmp_path / "a.key")
    pem = authority.revocation_list([(issued.serial, datetime.now(UTC))])
    made = x509.load_pem_x509_crl(pem)
    public = read(authority.certificate_file).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert made.is_signature_valid(public)
    assert made.get_revoked_certificate_by_serial_number(int(issued.serial, 16)) is not None


@pytest.mark.parametrize("name", ["", "A", "a b", "a/CN=server", "a" * 41])
def test_an_id_that_could_confuse_a_broker_gets_no_certificate(authority: Authority, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        authority.issue_device(name, tmp_path / "c.crt", tmp_path / "c.key")
