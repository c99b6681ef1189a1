"""An officer's own account: one-time codes and passkeys. Changes ask for a sign-in of a few minutes ago."""

from __future__ import annotations

import json
from base64 import b32encode
from datetime import timedelta
from io import BytesIO
from typing import Annotated
from urllib.parse import quote

import segno
from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.responses import JSONResponse, RedirectResponse, Response

from ancu.server.people.factors import PasskeyRecord
from ancu.server.people.officers import Officers
from ancu.server.web import passkeys
from ancu.server.web.accounts import Session
from ancu.server.web.auth import Form, Officer, text
from ancu.server.web.problems import for_people, problem
from ancu.server.web.render import render
from ancu.server.web.security import Security
from ancu.server.web.state import Services, services_of

__all__ = ["router"]

router = APIRouter(prefix="/security", include_in_schema=False)
_Services = Annotated[Services, Depends(services_of)]
_FRESH = timedelta(minutes=15)
_CREDENTIAL_CHARS = 20_000
_LABEL_CHARS = 60


@router.get("")
async def own(request: Request, session: Officer, security: Security) -> Response:
    return await _page(request, session, security)


@router.post("/code")
async def begin_code(
    request: Request, session: Officer, services: _Services, security: Security, _form: Form
) -> Response:
    """A new secret, shown once, as a picture for the telephone and as text."""
    if (stale := _stale(request, session, services)) is not None:
        return stale
    id_ = session.viewer.id
    secret = await security.ask(lambda officers: officers.factors.begin_code(id_), by=id_)
    return await _page(request, session, security, secret=secret)


@router.post("/code/confirm")
async def confirm_code(request: Request, session: Officer, security: Security, form: Form) -> Response:
    id_, code = session.viewer.id, text(form, "code", 20)
    if await security.ask(lambda officers: officers.factors.confirm_code(id_, code), by=id_):
        return RedirectResponse("/security", 303)
    return await _page(request, session, security, wrong=True, status=422)


@router.post("/code/remove")
async def remove_code(
    request: Request, session: Officer, services: _Services, security: Security, form: Form
) -> Response:
    """Only with a code: whoever finds an open page cannot."""
    if (stale := _stale(request, session, services)) is not None:
        return stale
    id_, code = session.viewer.id, text(form, "code", 20)
    if not await security.ask(lambda officers: officers.factors.check_code(id_, code), by=id_):
        return await _page(request, session, security, wrong=True, status=422)
    await security.ask(lambda officers: officers.factors.remove_code(id_), by=id_)
    return RedirectResponse("/security", 303)


@router.post("/passkeys/options")
async def passkey_options(
    request: Request, session: Officer, services: _Services, security: Security, _form: Form
) -> Response:
    if (stale := _stale(request, session, services)) is not None:
        return stale
    id_, asked = session.viewer.id, passkeys.challenge()
    held = await security.ask(lambda officers: officers.factors.passkeys(id_), by=id_)
    step = await security.ask(lambda officers: officers.factors.begin("new_passkey", asked, id_), by=id_)
    options = passkeys.creation(request, id_, session.name, held, asked)
    return JSONResponse({"step": step, "options": json.loads(options)})


@router.post("/passkeys")
async def add_passkey(request: Request, session: Officer, security: Security, form: Form) -> Response:
    id_, step, label = session.viewer.id, text(form, "step", 100), text(form, "label", _LABEL_CHARS).strip()
    begun = await security.ask(lambda officers: officers.factors.finish("new_passkey", step), by=id_)
    if begun is None or begun[0] != id_:
        raise passkeys.PasskeyRefused
    new = passkeys.made(request, text(form, "credential", _CREDENTIAL_CHARS), begun[1])
    await security.ask(
        lambda officers: officers.factors.add_passkey(id_, new.id, new.public_key, new.uses, label or "?"), by=id_
    )
    return JSONResponse({"to": "/security"})


@router.post("/passkeys/{passkey}/remove")
async def remove_passkey(
    request: Request, passkey: str, session: Officer, services: _Services, security: Security, _form: Form
) -> Response:
    """One of his own; what is another's, or nobody's, changes nothing and says nothing."""
    if (stale := _stale(request, session, services)) is not None:
        return stale
    id_ = session.viewer.id

    def removing(officers: Officers) -> None:
        for key in officers.factors.passkeys(id_):
            if _name(key) == passkey:
                officers.factors.remove_passkey(id_, key.id)

    await security.ask(removing, by=id_)
    return RedirectResponse("/security", 303)


async def _page(
    request: Request,
    session: Session,
    security: Security,
    *,
    secret: bytes | None = None,
    wrong: bool = False,
    status: int = 200,
) -> Response:
    id_ = session.viewer.id
    has_code = await security.ask(lambda officers: officers.factors.has_code(id_), by=id_)
    held = await security.ask(lambda officers: officers.factors.passkeys(id_), by=id_)
    values = {
        "has_code": has_code,
        "waits": wrong and not has_code,
        "wrong": wrong,
        "secret": None if secret is None else _spaced(_base32(secret)),
        "picture": None if secret is None else _picture(secret, session.name),
        "keys": [(_name(key), key) for key in held],
    }
    return render(request, "security.html", values, status=status)


def _stale(request: Request, session: Session, services: Services) -> Response | None:
    """Who signed in long ago signs in again before he changes how one signs in: the page may have been left open."""
    opened = session.opened_at
    if opened is not None and services.clock.now() - opened <= _FRESH:
        return None
    where = "/login?why=again&next=/security"
    if for_people(request):
        return RedirectResponse(where, 303)
    return problem(401, "sign_in_needed")


def _name(key: PasskeyRecord) -> str:
    return key.id.hex()[:40]


def _base32(secret: bytes) -> str:
    return b32encode(secret).decode().rstrip("=")


def _spaced(text_: str) -> str:
    return " ".join(text_[i : i + 4] for i in range(0, len(text_), 4))


def _picture(secret: bytes, name: str) -> Markup:
    """The QR code that authenticator apps read, drawn here: the secret goes nowhere else."""
    address = f"otpauth://totp/{quote('An Cư')}:{quote(name)}?secret={_base32(secret)}&issuer={quote('An Cư')}"
    drawn = BytesIO()
    segno.make(address, error="m").save(drawn, kind="svg", xmldecl=False, svgclass="qr", lineclass=None, omitsize=True)
    return Markup(drawn.getvalue().decode())  # noqa: S704 - drawn by us, of squares only
