"""What has to hold whatever happens between a band and the server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from bleak import BleakClient
from bleak.exc import BleakError, BleakGATTProtocolError

from ancu.edge.progress import Progress
from ancu.edge.recorder import Recorder
from ancu.firmware_sim.bonds import Bonds
from ancu.firmware_sim.log import Flash
from ancu.models.band_facts import HistoryRun
from ancu.models.clock import to_ms
from ancu.models.frame import Status
from ancu.models.history import RECORD_BYTES, TAG_BYTES, split_records
from ancu.models.ids import BandNumber
from ancu.models.link import (
    ACCESS,
    CONTROL_POINT,
    ELAPSED_TIME,
    RECORDS,
    TICKS,
    access_proof,
    link_keys,
)
from ancu.models.topics import Lane
from ancu.models.wire import pack_record, unpack_record
from ancu.server.history import chain

from .conftest import CutterFlash, StillHost, connect, until

pytestmark = pytest.mark.timeout(120)  # many parts in one process, on machines that do other things too

PROTECTED = (TICKS, ELAPSED_TIME)


async def refusal(work: Any) -> str:
    with pytest.raises(BleakGATTProtocolError) as refused:
        await work
    return str(refused.value)


async def test_nobody_reads_what_is_protected_without_a_bond_or_without_the_homes_key(place: Any):
    await place.put_band()
    client = await connect(place)
    for uuid in (*PROTECTED, ACCESS):
        assert "Encryption" in await refusal(client.read_gatt_char(uuid))
    await client.pair()
    for uuid in PROTECTED:
        assert "Authorization" in await refusal(client.read_gatt_char(uuid))
    assert "Authorization" in await refusal(client.write_gatt_char(CONTROL_POINT, b"\x01\x01", response=True))
    nonce = bytes(await client.read_gatt_char(ACCESS))
    wrong = access_proof(bytes(16), nonce)
    assert "Authorization" in await refusal(client.write_gatt_char(ACCESS, wrong, response=True))
    right = access_proof(link_keys(place.band.keys.identity).access, nonce)
    assert "Authorization" in await refusal(client.write_gatt_char(ACCESS, right, response=True))  # one try a nonce
    told: list[bytes] = []
    await client.start_notify(RECORDS, lambda _, value: told.append(bytes(value)))
    await client.disconnect()
    assert not told


async def test_a_stranger_who_paired_leaves_no_bond(place: Any):
    await place.put_band()
    client = await connect(place)
    await client.pair()
    bonds = place.unit._gatt._bonds
    await until(lambda: bonds.all_keys)
    await client.disconnect()
    await until(lambda: not bonds.all_keys)


async def test_a_bond_outlives_both_ends_and_a_wrong_key_is_refused(place: Any, tmp_path: Any):
    await place.put_band()
    kept = str(tmp_path / "peer.bonds")
    access = link_keys(place.band.keys.identity).access

    async def enter(client: BleakClient) -> None:
        await client.write_gatt_char(
            ACCESS, access_proof(access, bytes(await client.read_gatt_char(ACCESS))), response=True
        )

    client = await connect(place, bonds=kept)
    await client.pair()
    await enter(client)
    await client.disconnect()
    (peer,) = place.unit._gatt._bonds.all_keys
    first_key = place.unit._gatt._bonds.all_keys[peer].ltk.value
    await place.take_band()
    await place.put_band()  # the band is reset; the peer's host was closed with its last user
    client = await connect(place, bonds=kept)
    await client.pair()
    await enter(client)
    assert len(await client.read_gatt_char(TICKS)) == 7
    await client.disconnect()
    assert place.unit._gatt._bonds.all_keys[peer].ltk.value == first_key  # taken up, not made anew

    spoiled = Bonds(tmp_path / "peer.bonds")
    for keys in spoiled.all_keys.values():
        keys.ltk.value = bytes(16)
    spoiled._write()
    client = await connect(place, bonds=kept)
    with pytest.raises(BleakError):
        await client.pair()
    await client.disconnect()

    client = await connect(place)  # the control: a peer that kept nothing is bonded with anew
    await client.pair()
    await client.disconnect()
    assert place.unit._gatt._bonds.all_keys.get(peer) is None or (
        place.unit._gatt._bonds.all_keys[peer].ltk.value != first_key
    )


async def test_a_link_that_is_cut_twenty_times_misses_and_doubles_nothing(place: Any):
    flash: list[CutterFlash] = []

    def page_of(page: Flash) -> Flash:
        flash.append(CutterFlash(page, lambda: place.unit._gatt.drop()))  # noqa: PLW0108 - the unit is yet to be
        return flash[0]

    await place.put_band(page_of)
    server = place.start_server()
    place.record(3000)
    newest = place.unit.band.log.stored.history_head
    flash[0].cuts |= set(random.Random(7).sample(range(3, newest), 20))
    agent = await place.start_edge()
    agent._visitor._visits._every_s = 0.3
    while server.upto() < newest:
        agent._visitor._visits.want(place.band.number, 0.0)  # its patience after a failure is not what is tested
        await asyncio.sleep(0.05)
    assert flash[0].made == 20
    assert agent._visitor.counts["failed"] >= 10  # two cuts may fall into one packet
    sequences = [reading["head"] for reading in server.history() if reading["head"] <= newest]
    assert sequences == sorted(set(sequences))
    assert len(sequences) == 3000
    assert server.rows("SELECT * FROM history_faults") == []


async def test_an_adapter_that_is_pulled_out_in_a_transfer_is_taken_back_and_nothing_is_missing(place: Any):
    flash: list[CutterFlash] = []

    def page_of(page: Flash) -> Flash:
        flash.append(CutterFlash(page, lambda: place.world._homes[0].server.drop_host()))  # noqa: PLW0108 - as above
        return flash[0]

    await place.put_band(page_of)
    server = place.start_server()
    place.record(400)
    newest = place.unit.band.log.stored.history_head
    flash[0].cuts.add(200)
    agent = await place.start_edge()
    await until(lambda: server.upto() >= newest)
    assert flash[0].made == 1
    assert agent._scan.rescans >= 1
    sequences = [reading["head"] for reading in server.history() if reading["head"] <= newest]
    assert sequences == sorted(set(sequences))
    assert len(sequences) == 400
    assert server.rows("SELECT * FROM history_faults") == []


class Hasty(Progress):
    """The known-bad control: notes as fetched what is still to come."""

    def fetched(self, band: BandNumber, identity_key: bytes, upto: int) -> None:
        super().fetched(band, identity_key, upto + 5)


async def test_the_control_an_edge_that_runs_ahead_of_what_it_has_misses_records(place: Any, tmp_path: Any):
    flash: list[CutterFlash] = []

    def page_of(page: Flash) -> Flash:
        flash.append(CutterFlash(page, lambda: place.unit._gatt.drop()))  # noqa: PLW0108 - as above
        return flash[0]

    await place.put_band(page_of)
    server = place.start_server()
    place.record(300)
    flash[0].cuts.add(150)
    agent = await place.start_edge()
    agent._visitor._progress = Hasty(tmp_path / "hasty")
    agent._visitor._visits._every_s = 0.3
    await until(lambda: server.rows("SELECT 1 FROM history_faults WHERE kind = 'missing'"))


def dropped(records: list[bytes], at: int) -> list[bytes]:
    return records[:at] + records[at + 1 :]


def edited(records: list[bytes], at: int) -> list[bytes]:
    spoiled = bytearray(records[at])
    spoiled[9] ^= 0x01
    return [*records[:at], bytes(spoiled), *records[at + 1 :]]


def reordered(records: list[bytes], at: int) -> list[bytes]:
    return [*records[:at], records[at + 1], records[at], *records[at + 2 :]]


@pytest.mark.parametrize(("spoil", "kind"), [(dropped, "missing"), (edited, "edited"), (reordered, "order")])
async def test_one_record_that_is_not_right_is_named_by_its_sequence_and_mended(
    place: Any, monkeypatch: Any, spoil: Callable[[list[bytes], int], list[bytes]], kind: str
):
    await place.put_band()
    server = place.start_server()
    place.record(60)
    spoiled = []
    append = Recorder.append

    class Thief:
        """Between the edge's radio and its journal: spoils one record of the first run."""

        def __call__(self, lane: Lane, blob: bytes) -> None:
            fact = unpack_record(blob)
            if isinstance(fact, HistoryRun) and not spoiled:
                records = [fact.records[i : i + RECORD_BYTES] for i in range(0, len(fact.records), RECORD_BYTES)]
                spoiled.append(spoil(records, 20))
                blob = pack_record(HistoryRun(fact.at_ms, fact.band, fact.head, b"".join(spoiled[0])))
            append(agent._recorder, lane, blob)

    agent = await place.start_edge()
    agent._recorder.append = Thief()
    await until(lambda: server.upto() >= 62)
    (fault,) = server.rows("SELECT band, sequence, kind FROM history_faults")
    assert tuple(fault) == (place.band.number, 21, kind)
    await until(lambda: server.rows("SELECT 1 FROM alerts WHERE kind = 'technical'"))
    assert (
        b"history_" + kind.encode() + b"_21" in server.rows("SELECT why FROM alerts WHERE kind = 'technical'")[0]["why"]
    )
    assert [reading["head"] for reading in server.history()][:60] == list(range(3, 63))  # brought again, whole


async def test_the_control_a_server_that_takes_a_records_own_word_names_nothing(place: Any, monkeypatch: Any):
    monkeypatch.setattr(chain, "chain_tag", lambda _key, _before, record: record[-TAG_BYTES:])
    await place.put_band()
    server = place.start_server()
    place.record(60)
    append, spoiled = Recorder.append, []

    def spoil(lane: Lane, blob: bytes) -> None:
        fact = unpack_record(blob)
        if isinstance(fact, HistoryRun) and not spoiled:
            spoiled.append(edited([*split_records(fact.records)], 20))
            blob = pack_record(HistoryRun(fact.at_ms, fact.band, fact.head, b"".join(spoiled[0])))
        append(agent._recorder, lane, blob)

    agent = await place.start_edge()
    agent._recorder.append = spoil
    await until(lambda: server.upto() >= 62)
    assert spoiled
    assert server.rows("SELECT 1 FROM history_faults") == []


async def test_a_boot_without_a_clock_is_unsynced_undated_and_dated_rightly_once_it_is_told(place: Any):
    class Unsure(StillHost):
        synced = False

        def clock_synced(self) -> bool:
            return self.synced

    await place.put_band()
    server = place.start_server()
    before_ms = to_ms(place.unit.clock.now())
    place.unit.reboot(loses_clock=True)
    await until(lambda: place.unit.band is not None)
    assert place.unit.band.elapsed(place.unit.now_ms()).ticks
    boot = place.unit.band.log.stored.boot
    booted_ms = place.unit.now_ms()
    agent = await place.start_edge()
    agent._visitor._host = host = Unsure()
    place.unit.band._record(place.unit.now_ms(), place.unit.sensed())
    newest = place.unit.band.log.stored.history_head
    await until(lambda: server.upto() >= newest)
    (waiting,) = server.rows("SELECT sequence FROM history_undated WHERE boot = ?", boot & 0xFF)
    assert waiting["sequence"] == newest
    assert not [reading for reading in server.history() if reading["head"] == newest]
    await until(lambda: place.unit.now_ms() - booted_ms > 2500)  # who dates it by its arrival is wrong by more than 2 s
    host.synced = True
    await until(lambda: [reading for reading in server.history() if reading["head"] == newest])
    (reading,) = [reading for reading in server.history() if reading["head"] == newest]
    assert reading["status"] & Status.UNSYNCED
    assert abs(reading["heard_ms"] - booted_ms) < 2000
    assert before_ms <= reading["heard_ms"] + 2000
    assert server.rows("SELECT * FROM history_undated") == []
