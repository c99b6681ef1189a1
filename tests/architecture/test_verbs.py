"""The command line keeps the contract: every verb explains itself and speaks JSON when asked."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest

from ancu.models.command import ancu


def verbs(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from verbs(found, (*path, name))
    else:
        yield " ".join(path), command


VERBS = dict(verbs(ancu))


def test_the_verbs_of_the_contract_are_there():
    promised = {
        "demo",
        "server run",
        "server check",
        "gateway run",
        "gateway check",
        "edge run",
        "edge check",
        "sim bands",
        "bench ingest",
        "bench latency",
        "bench vision",
        "device list",
        "officer add",
        "officer disable",
        "officer list",
        "order add",
        "order end",
        "order list",
        "ward import",
        "audit verify",
    }
    assert promised <= set(VERBS)


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_says_what_it_does_and_answers_in_json(name: str):
    verb = VERBS[name]
    assert verb.help
    assert "--json" in {option for parameter in verb.params for option in parameter.opts}
    assert all(getattr(parameter, "help", "?") for parameter in verb.params if parameter.opts[0] == "--json")
