from __future__ import annotations

from pathlib import Path

import pytest

from ancu.models.errors import ConfigError, UsageError
from ancu.models.ids import BandNumber, EdgeId, GatewayId, OrderId, WardCode
from ancu.models.keys import derive_band_keys, derive_edge_keys
from ancu.server.adapters.pki import Authority
from ancu.server.people.errors import Absent, Exists, Revoked
from ancu.server.people.register import Register
from ancu.server.people.snapshot import read_snapshot
from ancu.server.people.vault import Vault

from .conftest import EDGE, GATEWAY, OTHER, PERSON, START, UNTIL, WARD

BAND = BandNumber(42)


def an_order(register: Register) -> OrderId:
    return register.orders.add(register.orders.add_person(PERSON), START, UNTIL, edge=EDGE)


def test_a_band_has_keys_while_it_serves_an_order_and_others_for_the_next(register: Register) -> None:
    key = register.devices.add_band(BAND)
    assert register.snapshot().bands[BAND].keys is None
    first = an_order(register)
    register.devices.assign(BAND, first)
    band = register.snapshot().bands[BAND]
    assert (band.order, band.keys) == (first, derive_band_keys(key, first))
    second = an_order(register)
    register.devices.assign(BAND, second)
    assert register.snapshot().bands[BAND].keys == derive_band_keys(key, second)


def test_a_band_still_worn_after_its_order_ended_is_still_known(register: Register) -> None:
    order = an_order(register)
    register.devices.add_band(BAND)
    register.devices.assign(BAND, order)
    register.orders.end(order, "completed")
    assert register.snapshot().bands[BAND].order == order
    assert register.snapshot().orders[order].ended_at is not None


def test_an_order_has_one_band(register: Register) -> None:
    order = an_order(register)
    for number in (BAND, BandNumber(43)):
        register.devices.add_band(number)
        register.devices.assign(number, order)
    snapshot = register.snapshot()
    assert snapshot.bands[BAND].order is None
    served = snapshot.band_of(order)
    assert served is not None
    assert served.number == 43


def test_an_edge_is_given_identity_keys_of_its_own_home_and_no_other(register: Register) -> None:
    order = an_order(register)
    key = register.devices.add_band(BAND)
    register.devices.assign(BAND, order)
    register.devices.add_edge(EdgeId("home-002"), WARD)
    assert register.devices.identity_keys(EDGE) == {BAND: derive_band_keys(key, order).identity}
    assert register.devices.identity_keys(EdgeId("home-002")) == {}
    register.devices.revoke_band(BAND)
    assert register.devices.identity_keys(EDGE) == {}


def test_a_rotated_key_replaces_the_old_one(register: Register) -> None:
    old = register.snapshot().edges[EDGE].keys
    new = register.devices.rotate_edge(EDGE)
    assert register.snapshot().edges[EDGE].keys == derive_edge_keys(new) != old
    first = register.devices.add_band(BAND)
    assert register.devices.rotate_band(BAND) == register.devices.band_key(BAND) != first


def test_the_depots_own_key_is_taken(register: Register) -> None:
    assert register.devices.add_band(BAND, bytes(16)) == bytes(16)


def test_a_revoked_device_stays_revoked(register: Register) -> None:
    register.devices.add_band(BAND)
    register.devices.add_camera(EDGE, "cam-a", "Cổng A")
    register.devices.revoke_camera(EDGE, "cam-a")
    register.devices.revoke_band(BAND)
    register.devices.revoke_device("edge", EDGE)
    register.devices.revoke_device("gateway", GATEWAY)
    snapshot = register.snapshot()
    assert snapshot.bands[BAND].revoked
    assert snapshot.edges[EDGE].revoked
    assert snapshot.gateways[GATEWAY].revoked
    assert snapshot.cameras[EDGE, "cam-a"].revoked
    for change in (
        lambda: register.devices.revoke_band(BAND),
        lambda: register.devices.assign(BAND, OrderId("o-any")),
        lambda: register.devices.rotate_edge(EDGE),
        lambda: register.devices.revoke_device("gateway", GATEWAY),
        lambda: register.devices.add_edge(EdgeId("home-003"), WARD, gateway=GATEWAY),
        lambda: register.devices.add_camera(EDGE, "cam-b", "Cổng B"),
    ):
        with pytest.raises(Revoked):
            change()
    with pytest.raises(Absent):
        register.devices.revoke_camera(EDGE, "cam-a")


def test_an_id_names_one_device_of_any_kind(register: Register) -> None:
    for change in (
        lambda: register.devices.add_edge(EDGE, WARD),
        lambda: register.devices.add_edge(EdgeId(GATEWAY), WARD),
        lambda: register.devices.add_gateway(GatewayId(EDGE), [WARD]),
        lambda: register.devices.add_edge(EdgeId("server"), WARD),
        lambda: register.devices.add_gateway(GatewayId("server"), [WARD]),
    ):
        with pytest.raises(Exists):
            change()


@pytest.mark.parametrize("edge", ["A", "home/1", "home+", "#", "home 1", ">", "*", "$mqtt"])
def test_an_id_cannot_leave_its_topic_branch(register: Register, edge: str) -> None:
    with pytest.raises(UsageError):
        register.devices.add_edge(EdgeId(edge), WARD)


def test_what_does_not_exist_is_said(register: Register) -> None:
    with pytest.raises(Absent, match="ward"):
        register.devices.add_edge(EdgeId("home-003"), WardCode("w-none"))
    with pytest.raises(Absent, match="ward"):
        register.devices.add_gateway(GatewayId("gw-2"), [OTHER, WardCode("w-none")])
    with pytest.raises(Absent, match="gateway"):
        register.devices.add_edge(EdgeId("home-003"), WARD, gateway=GatewayId("gw-none"))
    with pytest.raises(Absent, match="band"):
        register.devices.band_key(BAND)
    with pytest.raises(Absent, match="edge"):
        register.devices.revoke_device("edge", "home-none")
    assert GatewayId("gw-2") not in register.snapshot().gateways


def test_the_newest_certificate_of_a_device_is_the_only_one_let_in(register: Register, tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "ca", "test")
    for number in range(2):
        issued = authority.issue_device(EDGE, tmp_path / f"{number}.crt", tmp_path / f"{number}.key")
        register.devices.certify("edge", issued)
    (admitted,) = register.devices.admitted()
    assert (admitted.id, admitted.identity, admitted.wards) == (EDGE, issued.identity, (WARD,))
    register.devices.revoke_device("edge", EDGE)
    assert register.devices.admitted() == []


def test_no_key_is_in_the_file_nor_in_a_repr(register: Register, tmp_path: Path) -> None:
    order = an_order(register)
    key = register.devices.add_band(BAND)
    edge_key = register.devices.rotate_edge(EDGE)
    register.devices.assign(BAND, order)
    register.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stored = (tmp_path / "ancu.db").read_bytes()
    for secret in (key, edge_key):
        assert secret not in stored
        assert secret.hex().encode() not in stored
    shown = repr(register.snapshot())
    assert derive_band_keys(key, order).frame.hex() not in shown
    assert "keys" not in shown


def test_another_master_key_opens_nothing(register: Register) -> None:
    with pytest.raises(ConfigError, match="does not open edge:home-001"):
        read_snapshot(register.connection, Vault(bytes(32)))


def test_a_key_moved_to_another_device_does_not_open(register: Register) -> None:
    register.devices.add_edge(EdgeId("home-002"), WARD)
    register.connection.execute(
        "UPDATE edges SET sealed_key = (SELECT sealed_key FROM edges WHERE id = 'home-002') WHERE id = 'home-001'"
    )
    with pytest.raises(ConfigError, match="row was changed"):
        register.snapshot()


def test_a_change_that_a_snapshot_shows_raises_the_version(register: Register) -> None:
    versions = [register.version()]
    order = an_order(register)
    versions.append(register.version())
    register.devices.add_band(BAND)
    versions.append(register.version())
    register.devices.assign(BAND, order)
    versions.append(register.version())
    register.devices.revoke_band(BAND)
    versions.append(register.version())
    assert versions == sorted(set(versions))
    assert register.snapshot().version == versions[-1]
    register.officers.add_access_code(register.snapshot().orders[order].person)
    assert register.version() == versions[-1]
