"""What is taken and what is refused at the door."""

from __future__ import annotations

import dataclasses

from ancu.models.ids import EdgeId, GatewayId, WardCode, partition_of
from ancu.models.topics import Lane, Upstream
from ancu.models.wire import Confirmation, Relayed
from ancu.server.bench.fleet import fleet, register_of, relay_of
from ancu.server.ingest.keyring import Keyring, keyring_of
from ancu.server.ingest.pipeline import Pipeline, Taken
from ancu.server.ingest.rows import facts_of

NOW = 1_790_000_000_000
HOME, OTHER = fleet(2)
KEYRING = keyring_of(register_of([HOME, OTHER]))


def item(**changes: object) -> Relayed:
    made = dataclasses.replace(HOME, sent={}).batch([HOME.bands[0].heard(NOW)])
    fields = {"ward": made.ward, "edge": made.edge, "lane": made.lane, "received_ms": NOW, "body": made.body}
    return Relayed(**{**fields, **changes})  # type: ignore[arg-type]


def take(one: Relayed, *, keyring: Keyring = KEYRING, partition: int | None = None) -> Taken:
    _, body = relay_of([one], HOME.gateway)
    topic = Upstream(partition_of(one.edge) if partition is None else partition, HOME.gateway)
    return Pipeline().take(topic, body, keyring, NOW)


def reasons(taken: Taken) -> list[str]:
    return [label for (name, label), _ in taken.counts.items() if name == "bodies_refused"]


def test_a_batch_is_confirmed_to_the_edge_in_its_ward():
    assert take(item()).confirms == {Confirmation(HOME.edge, Lane.STATE, HOME.epoch, 1): HOME.ward}


def test_what_disagrees_with_its_topic_is_refused_and_never_confirmed():
    wrong = [
        take(item(ward=WardCode("ward-xyz"))),
        take(item(edge=OTHER.edge)),
        take(item(lane=Lane.ALARM)),
        take(item(), partition=(partition_of(HOME.edge) + 1) % 64),
    ]
    assert [reasons(taken) for taken in wrong] == [["topic"]] * 4
    assert not any(taken.confirms for taken in wrong)


def test_a_relay_under_another_gateways_name_is_refused():
    topic, body = relay_of([item()], GatewayId("gw-other"))
    taken = Pipeline().take(Upstream(topic.partition, HOME.gateway), body, KEYRING, NOW)
    assert reasons(taken) == ["topic"]


def test_unknown_and_revoked_edges_are_refused():
    assert reasons(take(item(edge=EdgeId("edge-nobody")))) == ["unknown_edge"]
    revoked = dataclasses.replace(KEYRING.edges[HOME.edge], revoked=True)
    keyring = dataclasses.replace(KEYRING, edges={**KEYRING.edges, HOME.edge: revoked})
    assert reasons(take(item(), keyring=keyring)) == ["revoked"]


def test_a_batch_sealed_with_another_edges_key_is_trouble_of_the_edge_it_names():
    forged = dataclasses.replace(HOME, keys=OTHER.keys, sent={}).batch([HOME.bands[0].heard(NOW)])
    taken = take(forged)
    assert reasons(taken) == ["seal"]
    assert [facts_of(row)[1][0].reason for row in taken.rows] == ["body_seal"]
    assert not taken.confirms


def test_a_new_epoch_begins_again_and_the_old_one_stays_closed():
    pipeline, home = Pipeline(), dataclasses.replace(HOME, sent={})
    old = home.batch([HOME.bands[0].heard(NOW - 5000)])
    new = home.batch([HOME.bands[0].heard(NOW)], first=1, epoch=home.epoch + 1)
    uptos = []
    for one in (old, new, old):
        topic, body = relay_of([one], HOME.gateway)
        taken = pipeline.take(topic, body, KEYRING, NOW)
        uptos += [(confirm.epoch - home.epoch, confirm.upto, len(taken.rows)) for confirm in taken.confirms]
    assert uptos == [(0, 1, 1), (1, 1, 1), (0, 1, 0)]


def test_one_confirm_answers_all_batches_of_a_lane_in_a_relay():
    home = dataclasses.replace(HOME, sent={})
    batches = [home.batch([HOME.bands[0].heard(NOW - 1000 * back)]) for back in (3, 2, 1)]
    topic, body = relay_of(batches, HOME.gateway)
    assert [confirm.upto for confirm in Pipeline().take(topic, body, KEYRING, NOW).confirms] == [3]
