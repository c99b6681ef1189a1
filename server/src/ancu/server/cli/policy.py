"""`ancu policy`: what the rules are, whether a file is sound, what differs, and what it would have done."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ancu.models.errors import ConfigError, UsageError
from ancu.server.cli.help import example

if TYPE_CHECKING:
    from ancu.server.config import ServerSettings
    from ancu.server.review.book import Book

__all__ = ["policy"]

_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
_base = click.option("--base", default=None, help="The policy that an override is laid over, if it is not built in.")
_config = click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), default=Path("server.toml"), show_default=True,
    help="The server's configuration file.",
)  # fmt: skip


@click.group()
@example("ancu policy check district.toml", "ancu policy replay district.toml --config server.toml")
def policy() -> None:
    """The numbers by which alerts are raised: a built-in name (default, table, demo), a file, or an override file."""


@policy.command()
@click.argument("policy_name", metavar="[POLICY]", default="default")
@_base
@_json
def show(policy_name: str, base: str | None, as_json: bool) -> None:
    """Print a policy as a table."""
    from ancu.server.cli.common import emit  # noqa: PLC0415 - `--help` needs none of it
    from ancu.server.review.book import load_one  # noqa: PLC0415
    from ancu.server.review.texts import policy_json, policy_table  # noqa: PLC0415

    shown = load_one(policy_name, base)
    emit(as_json, policy_json(shown), policy_table(shown))


@policy.command()
@click.argument("files", nargs=-1, required=True)
@_base
@_json
def check(files: tuple[str, ...], base: str | None, as_json: bool) -> None:
    """Validate files; one line a problem, and exit code 1 if there is one."""
    from ancu.server.cli.common import emit  # noqa: PLC0415
    from ancu.server.review.book import fingerprint, inspect  # noqa: PLC0415
    from ancu.server.review.lint import notes  # noqa: PLC0415

    answers: list[dict[str, Any]] = []
    for file in files:
        try:
            found, overlay, wrong = inspect(file, base)
        except ConfigError as error:
            found, overlay, wrong = None, None, [str(error).removeprefix(f"{file}: ")]
        answers.append(
            {
                "file": file,
                "ok": not wrong,
                "label": None if found is None else found.label,
                "fingerprint": None if found is None else fingerprint(found),
                "wards": [] if overlay is None else list(overlay.wards),
                "provinces": [] if overlay is None else list(overlay.provinces),
                "problems": wrong,
                "notes": [] if found is None else notes(found),
            }
        )
    good = [f"{a['file']}: {a['label']} {a['fingerprint']}, no problem" for a in answers if a["ok"]]
    said = [f"{a['file']}: note: {note}" for a in answers for note in a["notes"]]
    emit(as_json, {"ok": all(a["ok"] for a in answers), "files": answers}, [*good, *said] or "")
    for answer in answers:
        for problem in answer["problems"]:
            print(f"ancu: {answer['file']}: {problem}", file=sys.stderr)
    if not all(a["ok"] for a in answers):
        raise click.exceptions.Exit(1)


@policy.command()
@click.argument("old")
@click.argument("new")
@_base
@_json
def diff(old: str, new: str, base: str | None, as_json: bool) -> None:
    """Name every number that differs, old -> new."""
    from ancu.server.cli.common import emit  # noqa: PLC0415
    from ancu.server.review.book import differences, load_one  # noqa: PLC0415
    from ancu.server.review.texts import value_text  # noqa: PLC0415

    was, now = load_one(old, base), load_one(new, base)
    changes = differences(was, now)
    data = {
        "old": was.label,
        "new": now.label,
        "changes": [{"key": c.key, "old": c.old, "new": c.new} for c in changes],
    }
    lines = [f"{change.key}: {value_text(change.old)} -> {value_text(change.new)}" for change in changes]
    emit(as_json, data, lines or f"{was.label} and {now.label} are the same")


@policy.command()
@click.argument("policy_name", metavar="POLICY")
@_config
@click.option(
    "--from",
    "since",
    default=None,
    help="Compare alerts opened from this time on, e.g. 2026-08-01T00:00+07:00; default: the last 14 days, after a"
    " warm-up where the past does not begin with the first input.",
)
@click.option("--to", "until", default=None, help="... and before this one.")
@click.option("--ward", default=None, help="Compare one ward's alerts.")
@click.option("--warm-up", type=float, default=None, help="Begin so many hours before what is compared.")
@_json
def replay(
    *,
    policy_name: str,
    config: Path,
    since: str | None,
    until: str | None,
    ward: str | None,
    warm_up: float | None,
    as_json: bool,
) -> None:
    """Judge the stored past again under a changed policy, and say which alerts appear, vanish or move.

    Nothing is changed; a server may run beside it. The policy in force is replayed too, and compared with what was
    really raised, so that you see how far to trust the answer.
    """
    from ancu.server.cli.common import emit, parse_time, read_settings  # noqa: PLC0415
    from ancu.server.review.stored import at_one_moment, rehearse, usual_window  # noqa: PLC0415
    from ancu.server.review.texts import rehearsal_json, rehearsal_lines  # noqa: PLC0415

    settings = read_settings(config)
    base, new = _books(settings, policy_name)
    if warm_up is not None and warm_up < 0:
        raise UsageError("--warm-up is not negative")
    warming = None if warm_up is None else timedelta(hours=warm_up)
    began = time.perf_counter()
    with at_one_moment(settings.database) as connection:
        if since is None:
            first, begin = usual_window(connection, warming)
        else:
            first = parse_time(since)
            begin = None if warming is None else first - warming
        (found,) = rehearse(
            connection,
            base,
            [new],
            since=first,
            until=None if until is None else parse_time(until),
            ward=ward,
            begin=begin,
        )
    took_s = time.perf_counter() - began
    emit(as_json, rehearsal_json(found, base, new, took_s), rehearsal_lines(found, base, new, took_s))


@policy.command()
@_config
@click.option("--weeks", type=click.IntRange(1, 52), default=1, show_default=True, help="How far to look back.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the suggestions as an override file."
)
@_json
def learn(config: Path, weeks: int, out: Path | None, as_json: bool) -> None:
    """What outcomes teach: rules and bands to look at, and suggested numbers with their replay.

    Nothing is put in force: a suggestion waits for a person who replays it, names its places and signs it.
    """
    from ancu.models.clock import SystemClock  # noqa: PLC0415 - `--help` needs none of it
    from ancu.server.cli.common import emit, read_settings  # noqa: PLC0415
    from ancu.server.review.book import load_book  # noqa: PLC0415
    from ancu.server.review.lessons import draft, lessons_json, lessons_lines, lessons_of  # noqa: PLC0415
    from ancu.server.review.stored import at_one_moment  # noqa: PLC0415

    settings = read_settings(config)
    now = SystemClock().now()
    with at_one_moment(settings.database) as connection:
        taught = lessons_of(
            connection, load_book(settings.policy, settings.policy_overrides), now - timedelta(weeks=weeks), now
        )
    if out is not None:
        _write(out, draft(taught, now.date()))
    emit(as_json, lessons_json(taught), lessons_lines(taught))


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error.strerror})") from None


def _books(settings: ServerSettings, name: str) -> tuple[Book, Book]:
    """The book in force, and the book with one policy changed: the base, or the places of an override."""
    from ancu.server.review.book import Book, inspect, load_book  # noqa: PLC0415

    base = load_book(settings.policy, settings.policy_overrides)
    found, overlay, wrong = inspect(name, settings.policy if _is_override(name) else None)
    if found is None or wrong:
        raise ConfigError(f"{name}: {wrong[0]}" + (f" (and {len(wrong) - 1} more)" if wrong[1:] else ""))
    if overlay is None:
        return base, Book(found, base.of_wards, base.of_provinces)
    wards = {**base.of_wards, **dict.fromkeys(overlay.wards, found)}
    return base, Book(base.base, wards, {**base.of_provinces, **dict.fromkeys(overlay.provinces, found)})


def _is_override(name: str) -> bool:
    from ancu.server.review.book import inspect  # noqa: PLC0415

    return inspect(name)[1] is not None
