"""`ancu order`: quarantine orders."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import msgspec

from ancu.models.clock import SystemClock
from ancu.models.errors import UsageError
from ancu.models.ids import EdgeId, OrderId, WardCode, band_number
from ancu.server.cli.common import as_table, common, emit, open_provisioner, open_register, parse_time
from ancu.server.cli.help import example
from ancu.server.people.listing import list_orders
from ancu.server.people.orders import Contact, NewPerson

__all__ = ["order"]


class _Guardian(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    phone: str | None = None
    relation: str = "guardian"


class _Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ward: str
    name: str
    phone: str | None = None
    address: str | None = None
    guardians: tuple[_Guardian, ...] = ()


@click.group()
@example(
    'echo \'{"ward": "w-hoa-sen", "name": "Nguyễn Văn Mẫu", "phone": "0000 001 001"}\' |',
    "  ancu order add --person - --days 14 --edge home-001 --band wb-00000042 --config server.toml",
)
def order() -> None:
    """Quarantine orders: add, extend, move, end, list."""


@order.command()
@click.option("--person", "file", type=click.Path(path_type=Path, allow_dash=True), help="JSON of a new person, or -.")
@click.option("--person-id", help="Or the id of a person who is known already.")
@click.option("--from", "starts", help="When it starts, with zone; default now.")
@click.option("--until", help="When it ends, with zone.")
@click.option("--days", type=click.IntRange(1, 365), help="Or how many days it lasts.")
@click.option("--edge", help="The edge of the home or site.")
@click.option("--band", help="The band that serves it; provisioned if it is new.")
@click.option("--bands-out", type=click.Path(path_type=Path), help="The edge's bands file, to write anew.")
@click.option("--sim-out", type=click.Path(path_type=Path), help="Bands file of `ancu sim bands` to add the band to.")
@click.option("--reason", default="home_quarantine", show_default=True)
@common
def add(
    *, file: Path | None, person_id: str | None, starts: str | None, until: str | None, days: int | None,
    edge: str | None, band: str | None, bands_out: Path | None, sim_out: Path | None, reason: str,
    config: Path, as_json: bool,
) -> None:  # fmt: skip
    """Open an order for a new or a known person; answers ids and the person's access code.

    The person's JSON has ward, name, and if known phone, address, guardians (name, phone, relation). It is a file and
    not an option, so that names do not show up in lists of processes.
    """
    if (file is None) == (person_id is None):
        raise UsageError("give either --person FILE or --person-id ID")
    if (until is None) == (days is None):
        raise UsageError("give either --until TIME or --days N")
    if (bands_out and not edge) or (sim_out and not (edge and band)):
        raise UsageError("--bands-out needs --edge; --sim-out needs --edge and --band")
    start = parse_time(starts) if starts else SystemClock().now()
    end = parse_time(until) if until else start + timedelta(days=days or 0)
    new = _read_person(file) if file else None
    number = band_number(band) if band else None
    with open_provisioner(config) as (register, provisioner):
        with register.ledger.together():
            person = register.orders.add_person(new) if new else str(person_id)
            id_ = register.orders.add(person, start, end, edge=EdgeId(edge) if edge else None, reason=reason)
            if number is not None:
                if number not in register.snapshot().bands:
                    register.devices.add_band(number)
                register.devices.assign(number, id_)
            code = register.officers.add_access_code(person)
        if bands_out and edge:
            provisioner.write_bands(EdgeId(edge), bands_out)
        if sim_out and number is not None:
            provisioner.write_simulated(number, id_, edge or "", sim_out)
    data = {"id": id_, "person": person, "until": end.isoformat(), "band": band, "access_code": code}
    emit(as_json, data, f"order {id_} of person {person}; access code, shown this once: {code}")


@order.command()
@click.argument("order_id", metavar="ORDER")
@click.option("--until", required=True, help="The new end, with zone.")
@common
def extend(order_id: str, until: str, config: Path, as_json: bool) -> None:
    """Move the end of an order."""
    at = parse_time(until)
    with open_register(config) as register:
        register.orders.extend(OrderId(order_id), at)
    emit(as_json, {"id": order_id, "until": at.isoformat()}, f"order {order_id} ends {at:%Y-%m-%d %H:%M} UTC")


@order.command()
@click.argument("order_id", metavar="ORDER")
@click.option("--edge", help="The box of the new home or site.")
@click.option("--ward", help="The new ward; default: the box's own.")
@click.option("--bands-out", type=click.Path(path_type=Path), help="The new box's bands file, to write anew.")
@common
@example("ancu order move o-7h3kq9x2mb --edge home-002 --bands-out home-002/bands.toml")
def move(
    *, order_id: str, edge: str | None, ward: str | None, bands_out: Path | None, config: Path, as_json: bool
) -> None:
    """Move an open order to another box: another home, a site, or home again.

    Until the new box hears the band its person is unknown, neither present nor away. The band stays the same.
    """
    if edge is None and (ward is None or bands_out is not None):
        raise UsageError("give --edge, or --ward alone where the new home has no box yet")
    with open_provisioner(config) as (register, provisioner):
        box = None if edge is None else register.snapshot().edges.get(EdgeId(edge))
        if ward is not None:
            place = WardCode(ward)
        elif box is not None:
            place = box.ward
        else:
            raise UsageError(f"no edge {edge!r}")
        register.orders.transfer(OrderId(order_id), place, EdgeId(edge) if edge else None)
        if bands_out and edge:
            provisioner.write_bands(EdgeId(edge), bands_out)
    data = {"id": order_id, "edge": edge, "ward": place}
    emit(as_json, data, f"order {order_id} is served at {edge or 'no box yet'}, ward {place}")


@order.command()
@click.argument("order_id", metavar="ORDER")
@click.option("--reason", default="completed", show_default=True)
@common
@example("ancu order end o-7h3kq9x2mb --reason completed")
def end(order_id: str, reason: str, config: Path, as_json: bool) -> None:
    """End an order now."""
    with open_register(config) as register:
        register.orders.end(OrderId(order_id), reason)
    emit(as_json, {"id": order_id, "state": "ended"}, f"order {order_id} ended")


@order.command("list")
@click.option("--open", "only_open", is_flag=True, help="Only orders that were not ended.")
@common
def list_(only_open: bool, config: Path, as_json: bool) -> None:
    """List orders, the newest first, by ids."""
    with open_register(config) as register:
        rows = [row for row in list_orders(register.snapshot()) if not (only_open and row["ended"])]
    emit(as_json, rows, as_table(rows, "no orders"))


def _read_person(file: Path) -> NewPerson:
    name = "standard input" if str(file) == "-" else str(file)
    try:
        raw: Any = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        person = msgspec.json.decode(raw, type=_Person)
    except OSError as error:
        raise UsageError(f"{name}: cannot be read ({error.strerror})") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: not a person: {error}") from None
    guardians = [Contact(each.name, each.phone, each.relation) for each in person.guardians]
    return NewPerson(WardCode(person.ward), person.name, person.phone, person.address, guardians)
