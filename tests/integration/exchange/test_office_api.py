"""Shifts, handovers and push over HTTP, with the real core behind them."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from ancu.server.adapters.notify_webpush import public_text


async def test_a_ward_passes_from_one_officer_to_the_next_by_two_signatures(ward: Any):
    await ward.post("checkpoint-scans", person="p-1", checkpoint="bridge", at=ward.at())
    whom = (await ward.get("colleagues?ward=w1")).json()["items"]
    assert [(one["officer"], one["watch"], one["absent"]) for one in whom] == [
        ("binh", None, False),
        ("y-te", None, False),
    ]
    drawn = await ward.post("handovers", ward="w1", taker="binh")
    held = drawn.json()
    assert (drawn.status_code, held["giver"], held["waits_for_me"]) == (201, "lan", True)
    assert [item["kind"] for item in held["items"]] == ["checkpoint_scan"]
    for who in ("lan", "binh"):
        signed = await ward.post(f"handovers/{held['id']}:sign", who, hash=held["hash"])
        assert signed.status_code == 200
    assert signed.json()["whole"]
    again = await ward.post(f"handovers/{held['id']}:sign", "binh", hash=held["hash"])
    assert (again.status_code, again.json()["code"]) == (409, "handover_refused")
    assert [row["id"] for row in (await ward.get("handovers", "binh")).json()["items"]] == [held["id"]]


async def test_of_another_ward_nothing_is_seen_and_a_person_has_no_office(ward: Any):
    held = (await ward.post("handovers", ward="w1", taker="binh")).json()
    assert (await ward.get(f"handovers/{held['id']}", "minh")).status_code == 404
    assert (await ward.get("handovers", "minh")).json()["items"] == []
    assert (await ward.get("colleagues?ward=w1", "minh")).status_code == 404
    assert (await ward.get("shifts?ward=w1", "minh")).status_code == 404
    assert (await ward.get("shifts", "p-1")).status_code == 403
    assert (await ward.get("handovers", "p-1")).status_code == 403
    assert (await ward.post("handovers", ward="w1", taker="minh")).status_code == 404


async def test_the_calendar_is_listed(ward: Any):
    db = ward.register().connection
    now_ms = int(ward.clock.now().timestamp() * 1000)
    db.execute("INSERT INTO duty_watches VALUES ('lan', 'shift', ?, ?)", (now_ms - 1000, now_ms + 3_600_000))
    db.execute("INSERT INTO duty_absences VALUES ('binh', ?, ?, 'leave')", (now_ms - 1000, now_ms + 3_600_000))
    lines = (await ward.get("shifts")).json()["items"]
    assert [(line["officer"], line["what"]) for line in lines] == [("binh", "absent"), ("lan", "shift")]
    assert "leave" not in str(lines)
    assert (await ward.get("shifts?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z")).status_code == 409


async def test_a_browser_subscribes_and_is_forgotten(ward: Any):
    assert (await ward.get("push/key")).json() == {"key": "vapid-key"}
    keys = {"p256dh": public_text(ec.generate_private_key(ec.SECP256R1())), "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
    endpoint = "https://127.0.0.1/abc"
    kept = await ward.post("push/subscriptions", endpoint=endpoint, expirationTime=None, keys=keys)
    assert (kept.status_code, kept.content) == (204, b"")
    assert (await ward.post("push/subscriptions", endpoint="https://10.0.0.1/", keys=keys)).status_code == 409
    assert (await ward.post("push/subscriptions", "p-1", endpoint=endpoint, keys=keys)).status_code == 403
    db = ward.register().connection
    assert [row["officer"] for row in db.execute("SELECT officer FROM contact_points")] == ["lan"]
    assert (await ward.post("push/subscriptions:remove", endpoint=endpoint)).status_code == 204
    assert db.execute("SELECT count(*) FROM contact_points").fetchone()[0] == 0
    assert (await ward.post("push/messages/none:acknowledge")).status_code == 404
    assert (await ward.post("push/messages/none:shown")).status_code == 404
