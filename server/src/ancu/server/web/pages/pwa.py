"""What makes the pages an app: the manifest and the service worker, which must lie at the root to serve all pages."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ancu.server.web import static
from ancu.server.web.render import words_of
from ancu.server.web.static import asset

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_WORKER = Path(static.__file__).parent / "static" / "worker.js"


@router.get("/app.webmanifest")
async def manifest(request: Request) -> Response:
    words = words_of(request)
    body = {
        "name": words.t("app.name"),
        "short_name": words.t("app.name"),
        "lang": words.lang,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f3f6f5",
        "theme_color": "#0b6157",
        "icons": [{"src": asset("icon.svg"), "type": "image/svg+xml", "sizes": "any", "purpose": "any"}],
    }
    return JSONResponse(body, media_type="application/manifest+json", headers={"Vary": "Cookie"})


@router.get("/worker.js")
async def worker() -> Response:
    """Asked for anew at each visit: an old worker must not outlive an upgrade."""
    return Response(_WORKER.read_bytes(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})
