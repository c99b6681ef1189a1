"""`ancu report`: the figures of the work."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ancu.models.errors import UsageError
from ancu.server.cli.help import example

if TYPE_CHECKING:
    from ancu.server.review.kpis import Kpis
    from ancu.server.review.stats import Share, Spread

__all__ = ["report"]


@click.command()
@example("ancu report --config server.toml --ward 26734 --from 2026-08-01T00:00+07:00")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), default=Path("server.toml"), show_default=True,
    help="The server's configuration file.",
)  # fmt: skip
@click.option(
    "--from", "since", default=None, help="First moment, e.g. 2026-08-01T00:00+07:00; default: a week before the last."
)
@click.option("--to", "until", default=None, help="Last moment; default: now.")
@click.option("--ward", default=None, help="One ward; default: all.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def report(config: Path, since: str | None, until: str | None, ward: str | None, as_json: bool) -> None:
    """Alerts and pages per 100 people a day, precision, times to notify, acknowledge and resolve, releases."""
    from ancu.models.clock import SystemClock  # noqa: PLC0415 - `--help` needs none of it
    from ancu.server.cli.common import emit, parse_time, read_settings  # noqa: PLC0415
    from ancu.server.review.figures import figures  # noqa: PLC0415
    from ancu.server.review.kpis import as_json as plain  # noqa: PLC0415

    settings = read_settings(config)
    end = SystemClock().now() if until is None else parse_time(until)
    start = end - timedelta(days=7) if since is None else parse_time(since)
    if start >= end:
        raise UsageError("--from is not before --to")
    found = figures(settings.database, start, end, ward=ward)
    emit(as_json, plain(found), _lines(found))


def _lines(found: Kpis) -> list[str]:
    from ancu.server.cli.common import as_table  # noqa: PLC0415

    where = "all wards" if found.ward is None else f"ward {found.ward}"
    kinds: list[dict[str, Any]] = [
        {"kind": kind, "alerts": each.alerts, "pages": each.pages, "true": _share(each.precision)}
        for kind, each in found.by_kind.items()
    ]
    severities = ", ".join(f"{severity} {count}" for severity, count in found.by_severity.items())
    alerts, pages = (_rate(rate, found.person_days) for rate in (found.alerts_per_100_days, found.pages_per_100_days))
    return [
        f"{found.start.isoformat(timespec='minutes')} to {found.end.isoformat(timespec='minutes')}, {where}",
        f"person-days        {found.person_days:.1f}",
        f"alerts             {found.alerts} ({severities}), {alerts}; goal: at most 10",
        f"pages              {found.pages}, {pages}; goal: at most 3",
        f"true, of known     {_share(found.precision)}; of paged {_share(found.paged_precision)}; goal: 60 %",
        f"time to notify     {_spread(found.to_notify)}",
        f"time to claim      {_spread(found.to_acknowledge)}",
        f"time to resolve    {_spread(found.to_resolve)}; {found.unresolved} not resolved",
        f"reopened           {found.reopened}",
        f"exits confirmed    {found.exits.known}, missed {found.exits.missed}; tests {found.exits.tests}",
        f"releases           {found.releases.due} due, {found.releases.on_time} on time",
        "",
        *as_table(kinds, "no alerts"),
    ]


def _rate(value: float | None, person_days: float) -> str:
    if value is None or person_days < 1:
        return "not a person-day to count them by"
    return f"{value:.2f} per 100 people a day"


def _share(found: Share) -> str:
    if found.share is None or found.low is None or found.high is None:
        return "not known"
    return f"{found.share:.0%} of {found.true + found.false} ({found.low:.0%} to {found.high:.0%})"


def _spread(found: Spread) -> str:
    if found.p50_s is None or found.p95_s is None:
        return "no data"
    return f"p50 {found.p50_s:.0f} s, p95 {found.p95_s:.0f} s, of {found.count}"
