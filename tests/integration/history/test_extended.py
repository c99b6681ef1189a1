"""The extended profile: records that come without a connection, in adverts of up to 229 bytes."""

from __future__ import annotations

from typing import Any

import pytest

from ancu.edge.bands import RECORDS_EVERY_S, Bands, Moment, Say
from ancu.models.address import make_address
from ancu.models.band_facts import HistoryHeard
from ancu.models.frame import Status
from ancu.models.history import FIRST_TAG, Entry, Vitals, encode_entry
from ancu.models.ids import BandNumber
from ancu.server.history.chain import NOTHING, follow

from .conftest import until

pytestmark = pytest.mark.timeout(120)  # many parts in one process, on machines that do other things too
KEY = b"h" * 32


async def test_a_short_absence_heals_from_adverts_alone(place: Any):
    await place.put_band(extended_every=2)
    server = place.start_server()
    began_s = place.record(9)
    head = place.unit.band.log.stored.history_head
    assert head <= 12
    agent = await place.start_edge(visit_s=0)  # no connection at all
    await until(lambda: server.upto() == head)
    assert agent._visitor is None
    readings = [reading for reading in server.history() if reading["head"] <= head]
    assert [reading["heard_ms"] // 1000 for reading in readings] == [began_s + 60 * i for i in range(1, 10)]
    assert server.rows("SELECT * FROM history_faults") == []


async def test_the_control_an_edge_that_is_told_not_to_listen_brings_nothing(place: Any):
    await place.put_band(extended_every=2)
    server = place.start_server()
    place.record(9)
    agent = await place.start_edge(visit_s=0, extended=False)
    await until(lambda: agent._bands.malformed >= 3)
    assert server.upto() == 0


async def test_what_is_older_than_an_advert_holds_waits_for_a_connection(place: Any):
    await place.put_band(extended_every=2)
    server = place.start_server()
    place.record(40)
    agent = await place.start_edge(visit_s=0)
    await until(lambda: server.core.counts["readings", ""] >= 2 and agent._bands._bands[0].records)
    assert server.upto() == 0
    assert server.rows("SELECT * FROM history_faults") == []  # nobody left anything out: nobody asked
    await place.stop_edge()
    await place.start_edge()
    await until(lambda: server.upto() >= 42)


def test_an_edge_passes_one_such_advert_on_in_a_while_and_takes_it_for_no_presence():
    key = bytes(16)
    bands = Bands({BandNumber(1): key}, Moment(0, 0.0), report_s=1, unseen_s=16)
    address = make_address(key, 1)
    said = [
        bands.heard_extended(address, bytes((count // 4,)) * 58, Moment(1000 * count, float(count)))
        for count in range(60)
    ]
    actions = [action for each in said for action in each]
    assert len(actions) == 60 / RECORDS_EVERY_S
    assert all(isinstance(action, Say) and isinstance(action.record, HistoryHeard) for action in actions)
    assert bands.last_heard()[0].at_ms is None
    assert bands.heard_extended(b"\x40" + bytes(5), bytes(58), Moment(0, 99.0)) == []


def test_records_without_a_head_are_taken_where_the_chain_goes_on_and_nowhere_else():
    tag, records = FIRST_TAG, []
    for sequence in range(1, 9):
        record = encode_entry(
            Entry(sequence, 1, 60 * sequence, Vitals(70, 97, 361, 80, Status.SKIN, tamper=False)), KEY, tag
        )
        records.append(record)
        tag = record[-4:]
    first = follow(b"".join(records[:5]), NOTHING, KEY)
    assert first.held.upto == 5
    again = follow(b"".join(records[2:]), first.held, KEY)
    assert (again.held.upto, again.known, len(again.records)) == (8, 3, 3)
    assert follow(b"".join(records[6:]), first.held, KEY).held == first.held  # a gap
    spoiled = bytearray(records[5])
    spoiled[7] ^= 1
    assert follow(bytes(spoiled) + records[6], first.held, KEY).held == first.held
    assert follow(b"".join(records[5:]), first.held, b"x" * 32).held == first.held
