"""Passkeys: what WebAuthn needs from us, over py_webauthn, which is loaded at its first use."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from ancu.models.errors import AncuError
from ancu.server.people.factors import PasskeyRecord
from ancu.server.web.state import services_of

__all__ = ["Made", "PasskeyRefused", "challenge", "creation", "id_of", "made", "request_options", "used"]

_CHALLENGE_BYTES = 32


class PasskeyRefused(AncuError):
    """What an authenticator sent does not hold."""

    code = "sign_in_refused"

    def __init__(self) -> None:
        super().__init__("passkey refused")


@dataclass(frozen=True, slots=True)
class Made:
    """A new passkey, as its authenticator described it."""

    id: bytes
    public_key: bytes
    uses: int


def challenge() -> bytes:
    return secrets.token_bytes(_CHALLENGE_BYTES)


def creation(request: Request, officer: str, name: str, held: Sequence[PasskeyRecord], asked: bytes) -> str:
    """Options of a creation as JSON: one that works without a login typed, unlocked by finger, face or PIN."""
    import webauthn  # noqa: PLC0415 - 60 ms that most starts do not need
    from webauthn.helpers import structs  # noqa: PLC0415

    options = webauthn.generate_registration_options(
        rp_id=_host(request),
        rp_name="An Cư",
        user_id=officer.encode(),
        user_name=name,
        user_display_name=name,
        challenge=asked,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=key.id) for key in held],
    )
    return str(webauthn.options_to_json(options))


def made(request: Request, credential: str, asked: bytes) -> Made:
    """A creation's answer, checked; raises PasskeyRefused."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    try:
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=asked,
            expected_rp_id=_host(request),
            expected_origin=_origin(request),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyRefused from None
    return Made(bytes(found.credential_id), bytes(found.credential_public_key), int(found.sign_count))


def request_options(request: Request, asked: bytes) -> str:
    """Options of a sign-in as JSON: whichever passkey of this place the device holds."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import structs  # noqa: PLC0415

    options = webauthn.generate_authentication_options(
        rp_id=_host(request), challenge=asked, user_verification=structs.UserVerificationRequirement.REQUIRED
    )
    return str(webauthn.options_to_json(options))


def id_of(credential: str) -> bytes:
    """Which passkey an answer speaks of; raises PasskeyRefused."""
    from webauthn.helpers import parse_authentication_credential_json  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    try:
        return bytes(parse_authentication_credential_json(credential).raw_id)
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyRefused from None


def used(request: Request, credential: str, asked: bytes, key: PasskeyRecord) -> int:
    """A sign-in's answer, checked against its key: the new count. Raises PasskeyRefused, for a cloned key too."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    try:
        found = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=asked,
            expected_rp_id=_host(request),
            expected_origin=_origin(request),
            credential_public_key=key.public_key,
            credential_current_sign_count=key.uses,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise PasskeyRefused from None
    return int(found.new_sign_count)


def _origin(request: Request) -> str:
    origin = services_of(request).settings.origin
    return origin or f"http://{request.headers['host']}"  # a loopback name: the shell lets no other in


def _host(request: Request) -> str:
    return (_origin(request).split("://")[1].split("/")[0]).rsplit(":", 1)[0]
