"""Import from a CSV file: what was kept, and what is wrong in which line and column, with the way to mend it."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from ancu.models.errors import UsageError
from ancu.server.web.api.common import scoped
from ancu.server.web.api.orders import OrdersOf
from ancu.server.web.auth import Form, Officer, check_origin, text
from ancu.server.web.pages.citizen.forms import key_of
from ancu.server.web.render import render, words_of

__all__ = ["router"]

router = APIRouter(prefix="/orders/import", include_in_schema=False)
_MOST_CHARS = 400_000  # of the rows that are handed back to be mended
_BOM = "\ufeff"  # without it Excel reads a CSV in the machine's own code page
_SAMPLE = {
    "vi": (
        "Họ và tên,Phường/xã,Điện thoại,Địa chỉ,Từ ngày,Số ngày,Lý do,Người giám hộ,Điện thoại giám hộ",
        "Nguyễn Văn Mẫu,{ward},0901 234 567,12 đường Ví Dụ,21/11/2026,14,F1,,",
        "Trần Thị Bé Mẫu,{ward},,12 đường Ví Dụ,21/11/2026,14,F1,Trần Thị Mẹ Mẫu,0912 345 678",
    ),
    "en": (
        "Name,Ward,Phone,Address,From,Days,Reason,Guardian,Guardian phone",
        "Nguyễn Văn Mẫu,{ward},0901 234 567,12 Example Street,21/11/2026,14,close contact,,",
        "Trần Thị Bé Mẫu,{ward},,12 Example Street,21/11/2026,14,close contact,Trần Thị Mẹ Mẫu,0912 345 678",
    ),
}


async def _upload(request: Request, session: Officer) -> AsyncIterator[FormData]:
    """A form with one file, checked as `auth.Form` checks a form without one."""
    check_origin(request)
    async with request.form(max_files=1, max_fields=20) as form:
        if not session.csrf or not hmac.compare_digest(text(form, "csrf").encode(), session.csrf.encode()):
            raise HTTPException(403, "form token")
        yield form


@router.get("")
async def form_of(request: Request, session: Officer, desk: OrdersOf, why: Literal["", "no_file"] = "") -> Response:
    await desk.order_wards(session.viewer)  # only who may write orders
    return _page(request, fault="import.no_file" if why else None)


@router.post("")
async def take(
    request: Request, session: Officer, desk: OrdersOf, form: Annotated[FormData, Depends(_upload)]
) -> Response:
    viewer, file = session.viewer, form.get("file")
    await desk.order_wards(viewer)
    raw = await file.read() if isinstance(file, UploadFile) else b""
    if not raw:
        return RedirectResponse("/orders/import?why=no_file", 303)
    try:
        report = await desk.import_orders(viewer, raw, key=scoped(viewer, key_of(form)))
    except UsageError as error:
        return _page(request, fault="import.unreadable", says=str(error), status=422)
    lines = len({fault.line for fault in report.faults})
    return _page(request, report=report, bad=lines)


@router.post("/rows")
async def rows_to_mend(session: Officer, desk: OrdersOf, form: Form) -> Response:
    """The refused rows as a file: they come from the page, for the server keeps no file of names."""
    await desk.order_wards(session.viewer)
    return _csv(text(form, "rows", _MOST_CHARS), "can-sua.csv")


@router.get("/sample")
async def sample(request: Request, session: Officer, desk: OrdersOf) -> Response:
    wards = await desk.order_wards(session.viewer)
    ward = wards[0].name if wards else ""
    lines = _SAMPLE[words_of(request).lang]
    return _csv("\r\n".join(line.format(ward=ward) for line in lines) + "\r\n", "quyet-dinh.csv")


def _page(
    request: Request, *, report: Any = None, bad: int = 0, fault: str | None = None, says: str = "", status: int = 200
) -> Response:
    values = {"report": report, "bad": bad, "fault": fault, "says": says}
    return render(request, "orders_import.html", values, status=status)


def _csv(rows: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response((_BOM + rows).encode(), media_type="text/csv; charset=utf-8", headers=headers)
