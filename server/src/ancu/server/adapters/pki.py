"""Certificates of the device links: one authority per installation, one short-lived certificate per device.

A device's certificate has CN = its id and one URI name that holds its serial, so that the broker can let in exactly the
certificate that the register knows: after a rotation the old one is refused, although its CN is the same.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ancu.models.clock import SystemClock
from ancu.models.config import read_secret, write_secret
from ancu.models.errors import ConfigError
from ancu.models.ids import check_id

__all__ = ["AUTHORITY_DAYS", "DEVICE_DAYS", "Authority", "Issued", "check_certificate", "hosts_of"]

AUTHORITY_DAYS = 3650
DEVICE_DAYS = 397  # a rotation a year, with a month to do it in
_BACKDATED = timedelta(hours=24)  # a box without a battery-backed clock may start in the past
_CERTIFICATE, _KEY = "ca.crt", "ca.key"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was just made, and where it lies."""

    name: str  # its CN
    identity: str  # the URI name by which the broker knows this very certificate; empty for a server's
    serial: str  # hex
    not_after: datetime
    certificate_file: Path
    key_file: Path


@dataclass(frozen=True, slots=True)
class _Leaf:
    name: str
    serial: int
    names: Sequence[x509.GeneralName]
    purpose: x509.ObjectIdentifier


class Authority:
    """The installation's own certificate authority: `ca.crt` and, of mode 0600, `ca.key` in one folder."""

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, folder: Path) -> None:
        self._certificate, self._key = certificate, key
        self.certificate_file = folder / _CERTIFICATE

    @classmethod
    def create(cls, folder: Path, name: str, now: datetime | None = None) -> Authority:
        """Make an authority; raises ConfigError where one exists, for replacing it would lock every device out."""
        if (folder / _KEY).exists():
            raise ConfigError(f"{folder / _KEY}: an authority exists already")
        now = now or SystemClock().now()
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        certificate = (
            _builder(key, now, AUTHORITY_DAYS)
            .serial_number(x509.random_serial_number())
            .subject_name(subject)
            .issuer_name(subject)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, SHA256())
        )
        folder.mkdir(parents=True, exist_ok=True)
        write_secret(folder / _KEY, _key_pem(key))
        (folder / _CERTIFICATE).write_bytes(certificate.public_bytes(Encoding.PEM))
        return cls(certificate, key, folder)

    @classmethod
    def open(cls, folder: Path) -> Authority:
        """Read an authority; raises ConfigError if it is missing, damaged, readable by others or does not fit."""
        key = _read_key(folder / _KEY)
        certificate = _read(folder / _CERTIFICATE)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ConfigError(f"{folder}: {_KEY} does not fit {_CERTIFICATE}")
        return cls(certificate, key, folder)

    def issue_device(self, name: str, certificate: Path, key: Path, now: datetime | None = None) -> Issued:
        """A client certificate with CN = `name`, for a device or for the server as a client."""
        check_id("device id", name)
        serial = x509.random_serial_number()
        identity = f"urn:ancu:{name}:{serial:x}"
        leaf = _Leaf(name, serial, [x509.UniformResourceIdentifier(identity)], ExtendedKeyUsageOID.CLIENT_AUTH)
        return self._issue(leaf, identity, certificate, key, now or SystemClock().now())

    def issue_server(self, hosts: Iterable[str], certificate: Path, key: Path, now: datetime | None = None) -> Issued:
        """A listener's certificate for host names and addresses."""
        names = [_host(host) for host in dict.fromkeys(hosts)]
        leaf = _Leaf("broker", x509.random_serial_number(), names, ExtendedKeyUsageOID.SERVER_AUTH)
        return self._issue(leaf, "", certificate, key, now or SystemClock().now())

    def revocation_list(self, revoked: Iterable[tuple[str, datetime]], now: datetime | None = None) -> bytes:
        """A signed PEM list of revoked serials (hex, when), for brokers that read one; ours drops the user instead."""
        now = now or SystemClock().now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now)
            .next_update(now + timedelta(days=7))
        )
        for serial, at in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(int(serial, 16)).revocation_date(at).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self._key, SHA256()).public_bytes(Encoding.PEM)

    def _issue(self, leaf: _Leaf, identity: str, certificate_file: Path, key_file: Path, now: datetime) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            _builder(key, now, DEVICE_DAYS)
            .serial_number(leaf.serial)
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, leaf.name)]))
            .issuer_name(self._certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([leaf.purpose]), critical=False)
            .add_extension(x509.SubjectAlternativeName(leaf.names), critical=False)
            .add_extension(issuer, critical=False)
            .sign(self._key, SHA256())
        )
        write_secret(key_file, _key_pem(key))
        certificate_file.parent.mkdir(parents=True, exist_ok=True)
        certificate_file.write_bytes(certificate.public_bytes(Encoding.PEM))
        end = certificate.not_valid_after_utc
        return Issued(leaf.name, identity, f"{leaf.serial:x}", end, certificate_file, key_file)


def check_certificate(certificate: Path, key: Path, authority: Path, now: datetime | None = None) -> datetime:
    """Say until when a certificate is good; raises ConfigError if it is not valid now, not its key's, or not ours."""
    now = now or SystemClock().now()
    own, root = _read(certificate), _read(authority)
    if _read_key(key).public_key() != own.public_key():
        raise ConfigError(f"{key}: not the key of {certificate.name}")
    try:
        own.verify_directly_issued_by(root)
    except (InvalidSignature, ValueError, TypeError):
        raise ConfigError(f"{certificate}: not issued by {authority.name}") from None
    for read, path in ((own, certificate), (root, authority)):
        if not read.not_valid_before_utc <= now <= read.not_valid_after_utc:
            raise ConfigError(
                f"{path}: valid from {read.not_valid_before_utc:%Y-%m-%d} to {read.not_valid_after_utc:%Y-%m-%d} only"
            )
    return own.not_valid_after_utc


def hosts_of(certificate: Path) -> list[str]:
    """The host names and addresses that a listener's certificate names; raises ConfigError."""
    try:
        names = _read(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        raise ConfigError(f"{certificate}: names no host") from None
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return [*addresses, *names.get_values_for_type(x509.DNSName)]


def _builder(key: ec.EllipticCurvePrivateKey, now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .public_key(key.public_key())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read_key(path: Path) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(read_secret(path), None)
    except (ValueError, TypeError):
        raise ConfigError(f"{path}: not a private key") from None


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path}: certificate cannot be read ({error.strerror})") from None
    except ValueError:
        raise ConfigError(f"{path}: not a PEM certificate") from None
