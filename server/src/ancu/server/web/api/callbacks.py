"""`/callbacks/{channel}`: receipts of SMS, voice and Zalo, signed by whoever sends them.

Not under /api/v1: a provider signs in nowhere and chooses no idempotency key. The same receipt again changes nothing.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from ancu.server.web.api.common import PROBLEMS
from ancu.server.web.office import Receipts
from ancu.server.web.state import services_of

__all__ = ["router"]

router = APIRouter(prefix="/callbacks", tags=["callbacks"], responses=PROBLEMS)


@router.post("/{channel}", status_code=204, include_in_schema=False)
async def receive(channel: Annotated[str, Path(max_length=20)], request: Request, receipts: Receipts) -> Response:
    """What a provider says of messages that it took; 401 where the signature is not its own."""
    origin = services_of(request).settings.origin
    url = f"{origin}{request.url.path}" if origin else str(request.url)
    if request.url.query and origin:
        url += f"?{request.url.query}"
    await receipts.receive(channel, url, dict(request.headers), await request.body())
    return Response(status_code=204)
