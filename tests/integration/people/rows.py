"""A file of orders, three of its rows wrong."""

from __future__ import annotations


def rows_of(count: int) -> bytes:
    """A file of `count` rows; the last three are wrong: a day, a telephone, and somebody who is under order."""
    rows = ["Họ và tên,Điện thoại,Địa chỉ,Từ ngày,Số ngày"]
    rows += [f"Người Mẫu {n},09{n:08d},Nhà {n},21/11/2026,14" for n in range(count - 3)]
    rows += [
        "Sai Ngày,,,31/02/2026,14",
        "Sai Số,9.01E+08,,21/11/2026,14",
        "NGUYỄN VĂN AN,0901234567,,21/11/2026,14",
    ]
    return "\r\n".join(rows).encode("utf-8-sig")
