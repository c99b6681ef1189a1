"""What a person under order asks for, may know, takes away, and what is erased; and who looked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ancu.models.ids import OrderId
from ancu.server.adapters.sqlite import connect
from ancu.server.people.errors import LoginRefused
from ancu.server.people.ledger import Ledger
from ancu.server.ports import NotFound
from ancu.server.ports.citizen import AskKind
from ancu.server.ports.exchange import Refused, Symptom

from .house import House, open_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = await open_house(tmp_path)
    yield made
    await made.close()


async def test_an_absence_that_was_asked_for_and_allowed_is_an_absence(house: House):
    me, lan = house.viewer("p-an"), house.viewer("lan")
    starts, until = house.clock.now() + timedelta(hours=3), house.clock.now() + timedelta(hours=5)
    ask = await house.desk.ask(
        me, "p-an", AskKind.ABSENCE, about="test", note="Lấy mẫu", starts_at=starts, until=until, key="1"
    )
    assert (ask.accepted, ask.due_at, ask.label) == (None, starts, "")  # the reply comes before it begins
    assert [row.label for row in (await house.desk.asks(lan, still_open=True)).items] == [
        "Nguyễn Văn An · Phường Bến Nghé"
    ]
    answered = await house.desk.answer_ask(lan, ask.id, accept=True, key="2")
    assert answered.accepted
    (absence,) = (await house.desk.standing(me)).absences
    assert (absence.starts_at, absence.until, absence.reason, absence.state) == (starts, until, "test", "coming")
    with pytest.raises(Refused) as refused:
        await house.desk.answer_ask(lan, ask.id, accept=False, reply="Không", key="3")
    assert refused.value.why == "decided"


async def test_the_same_key_asks_once(house: House):
    me = house.viewer("p-an")
    first = await house.desk.ask(me, "p-an", AskKind.FOOD, note="Gạo", key="1")
    again = await house.desk.ask(me, "p-an", AskKind.FOOD, note="Gạo", key="1")
    assert first.id == again.id
    assert len((await house.desk.asks(me)).items) == 1


async def test_a_refusal_of_an_absence_or_a_dispute_says_why(house: House):
    me, lan = house.viewer("p-an"), house.viewer("lan")
    ask = await house.desk.ask(me, "p-an", AskKind.DISPUTE, about="alert", note="Tôi ở nhà", key="1")
    assert ask.due_at == house.clock.now() + timedelta(hours=72)
    with pytest.raises(Refused) as refused:
        await house.desk.answer_ask(lan, ask.id, accept=False, key="2")
    assert refused.value.why == "reply"
    await house.desk.answer_ask(lan, ask.id, accept=False, reply="Camera thấy người ra", key="3")
    assert (await house.desk.standing(me)).asks[0].reply == "Camera thấy người ra"


async def test_a_disputed_order_that_was_wrong_ends_at_once(house: House):
    me, lan = house.viewer("p-an"), house.viewer("lan")
    ask = await house.desk.ask(me, "p-an", AskKind.DISPUTE, about="order", note="Nhầm người", key="1")
    house.clock.advance(hours=73)
    assert (await house.desk.ask_of(lan, ask.id)).overdue
    await house.desk.answer_ask(lan, ask.id, accept=True, reply="Xin lỗi bà con", key="2")
    await house.turn()
    assert (await house.desk.person(me, "p-an")).ended_at is not None
    assert (await house.desk.standing(me)).end_reason == "dispute_upheld"


@pytest.mark.parametrize("who", ["minh", "p-be", "p-xa"])
async def test_what_one_asks_is_nobody_elses(house: House, who: str):
    ask = await house.desk.ask(house.viewer("p-an"), "p-an", AskKind.MEDICINE, note="Hạ sốt", key="1")
    with pytest.raises(NotFound):
        await house.desk.ask_of(house.viewer(who), ask.id)
    assert [row.id for row in (await house.desk.asks(house.viewer(who))).items] == []
    with pytest.raises(NotFound):
        await house.desk.ask(house.viewer(who), "p-an", AskKind.FOOD, key="2")


async def test_a_person_sees_who_looked_and_a_look_is_one_line(house: House):
    me, lan = house.viewer("p-an"), house.viewer("lan")
    await house.desk.person(me, "p-an")
    for _ in range(3):
        await house.desk.person(lan, "p-an")
    house.clock.advance(minutes=16)
    await house.desk.person(lan, "p-an")
    seen = await house.desk.accesses(me)
    assert [(row.viewer, row.role, row.what) for row in seen] == [(lan.id, "officer", "person")] * 2
    assert await house.desk.accesses(house.viewer("p-be")) == []


async def test_a_person_takes_away_what_is_stored_of_him_and_of_nobody_else(house: House):
    me = house.viewer("p-be")
    await house.desk.declare(me, "p-be", [Symptom.COUGH], 371, key="1")
    await house.desk.ask(house.viewer("p-an"), "p-an", AskKind.FOOD, note="Gạo", key="2")
    taken = await house.desk.take_away(me)
    unsaid = {"phone": None, "lat": None, "lon": None}
    assert taken["identity"] == [{"name": "Nguyễn Thị Bé", "address": "12 Nguyễn Huệ"} | unsaid]
    assert taken["contacts"][0]["name"] == "Trần Thị Bình"
    assert [row["symptoms"] for row in taken["declarations"]] == [["cough"]]
    assert taken["requests"] == []


async def test_data_is_erased_only_after_the_end_and_the_receipt_names_nobody(house: House):
    me, lan = house.viewer("p-an"), house.viewer("lan")
    code = await house.accounts.issue_code("p-an", by=lan.id)
    await house.desk.declare(me, "p-an", [Symptom.FEVER], None, key="1")
    await house.desk.ask(me, "p-an", AskKind.HELP, note="Sửa ống nước", key="2")
    with pytest.raises(Refused):
        await house.desk.erase(me, key="3")
    register = house.register()
    register.orders.end(OrderId("o-1"), "completed")
    register.connection.close()
    await house.turn()
    receipt = await house.desk.erase(me, key="4")
    assert (receipt.counts["person_private"], receipt.counts["declarations"], receipt.counts["asks"]) == (1, 1, 1)
    assert await house.desk.receipt(receipt.id) == receipt
    assert house.rows("SELECT count(*) FROM person_private WHERE person = 'p-an'") == [(0,)]
    assert (await house.desk.person(lan, "p-an")).label == "p-an"
    connect(house.data / "ancu.db").execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    written = b"".join(path.read_bytes() for path in house.data.glob("ancu.db*"))
    assert "Nguyễn Thị Bé".encode() in written
    assert [name for name in ("Sửa ống nước", "Nguyễn Văn An") if name.encode() in written] == []
    with pytest.raises(NotFound):
        await house.desk.receipt("x-nothing")
    register = house.register()
    with pytest.raises(LoginRefused):
        register.officers.person_of_code(code)
    assert Ledger(register.connection, "test").verify() is None
    register.connection.close()


async def test_a_kit_opens_with_its_code_once_and_after_five_wrong_ones_not_at_all(house: House):
    register = house.register()
    passed = register.entry.issue("p-an")
    for wrong in ("", "0000 0000", passed.code[:-1]):
        with pytest.raises(LoginRefused):
            register.entry.person_of(passed.kit, wrong)
    assert register.entry.person_of(passed.kit, passed.code.replace(" ", "")) == "p-an"
    with pytest.raises(LoginRefused):
        register.entry.person_of(passed.kit, passed.code)
    code = register.entry.issue_code("p-an")
    for _ in range(5):
        with pytest.raises(LoginRefused):
            register.entry.person_of(passed.kit, "1")
    with pytest.raises(LoginRefused):
        register.entry.person_of(passed.kit, code)
    with pytest.raises(LoginRefused):
        register.entry.person_of("another-kit", register.entry.issue_code("p-an"))
    register.connection.close()


async def test_a_new_kit_ends_the_one_before(house: House):
    register = house.register()
    old, new = register.entry.issue("p-an"), register.entry.issue("p-an")
    with pytest.raises(LoginRefused):
        register.entry.person_of(old.kit, new.code)
    assert register.entry.person_of(new.kit, new.code) == "p-an"
    register.connection.close()
