"""Sample people of a demonstration: plainly invented names, places that do not exist, numbers that nobody has."""

from __future__ import annotations

from ancu.models.ids import WardCode
from ancu.server.people.orders import Contact, NewPerson

__all__ = ["PROVINCE", "SITE", "WARDS", "sample_person"]

PROVINCE = "Tỉnh Minh Hoạ"
WARDS = {WardCode("w-hoa-sen"): "Phường Hoa Sen", WardCode("w-truc-xanh"): "Phường Trúc Xanh"}
SITE = "Khu cách ly Hoa Sen, cổng A"

_FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Phan", "Vũ", "Đặng", "Bùi", "Đỗ")
_GIVEN = ("Văn Mẫu", "Thị Ví Dụ", "Minh Hoạ", "Thị Thử", "Văn Giả", "Thị Demo", "Văn Bản", "Thị Nháp")


def sample_person(number: int, ward: WardCode) -> NewPerson:
    """The same person for the same number; every third is a child with a guardian."""
    family, given = _FAMILY[number % len(_FAMILY)], _GIVEN[number % len(_GIVEN)]
    guardian = Contact(f"{family} Phụ Huynh", _phone(number, 9), "guardian")
    return NewPerson(
        ward=ward,
        name=f"{family} {given}",
        phone=_phone(number, 1),
        address=f"Nhà mẫu số {number}, ngõ Tưởng Tượng, {WARDS[ward]}",
        guardians=[guardian] if number % 3 == 0 else [],
    )


def _phone(number: int, line: int) -> str:
    return f"0000 {line:03d} {number % 1000:03d}"  # no Vietnamese number begins so
