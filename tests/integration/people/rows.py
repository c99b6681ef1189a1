"""A file of orders, three of its rows wrong."""

from __future__ import annotations


def rows_of(count: int, first: int = 0, day: str = "21/11/2026") -> bytes:
    """A file of `count` rows: people numbered from `first`, orders that begin on `day`.

    The last three are wrong: a day, a telephone, and somebody who is under order.
    """
    rows = ["Họ và tên,Điện thoại,Địa chỉ,Từ ngày,Số ngày"]
    rows += [f"Người Mẫu {n},09{n:08d},Nhà {n},{day},14" for n in range(first, first + count - 3)]
    rows += [
        "Sai Ngày,,,31/02/2026,14",
        f"Sai Số,9.01E+08,,{day},14",
        f"NGUYỄN VĂN AN,0901234567,,{day},14",
    ]
    return "\r\n".join(rows).encode("utf-8-sig")
