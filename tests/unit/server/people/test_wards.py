from __future__ import annotations

import pytest

from ancu.models.errors import UsageError
from ancu.server.people.register import Register


def test_good_rows_are_kept_and_bad_ones_named_by_line(register: Register) -> None:
    done = register.wards.read_csv(
        [
            "province,code,name,note",
            "Tỉnh Minh Hoạ,w-sen,Phường Sen,x",
            "Tỉnh Minh Hoạ,W-SEN,Phường Sen,",
            "Tỉnh Minh Hoạ,up,Phường Up,",
            "Tỉnh Minh Hoạ,w-mai",
            ',w-mai,"Phường ""Mai"", mới",',
            "Tỉnh Minh Hoạ,w-mai,Phường Mai,",
            "Tỉnh Minh Hoạ,w-hoa-sen,Phường Hoa Sen,",
            "Tỉnh Minh Hoạ,w-truc-xanh,Phường Trúc,",
        ]
    )
    assert (done.added, done.changed, done.unchanged) == (2, 1, 1)
    assert [error.line for error in done.errors] == [3, 4, 5, 6]
    assert {ward.code for ward in register.wards.all()} == {"w-hoa-sen", "w-mai", "w-sen", "w-truc-xanh"}


def test_importing_again_changes_nothing(register: Register) -> None:
    lines = ["code,name,province", "w-sen,Phường Sen,Tỉnh"]
    register.wards.read_csv(lines)
    version = register.version()
    assert register.wards.read_csv(lines).unchanged == 1
    assert register.version() == version


@pytest.mark.parametrize("lines", [[], [""], ["code,name"], ["code;name;province"]])
def test_a_file_without_the_columns_is_refused(register: Register, lines: list[str]) -> None:
    with pytest.raises(UsageError, match="columns"):
        register.wards.read_csv(lines)
