"""`ancu bench presence`: false departures, and how soon true ones are noticed, on seeded radio traces."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from ancu.edge.presence import Nearness
from ancu.edge.presence_traces import Figures, measure

__all__ = ["bench_presence", "presence"]

DAYS_A_HOME = 2.0
FALSE_AWAY_AT_MOST = 1.0  # in 30 wearer-days
NOTICE_AT_MOST_S = 300.0
CONTROL_DAYS = 30.0


class Hasty(Nearness):
    """Known-bad: believes each slot by itself; one threshold, no median, no waiting."""

    def _judge(self, mono_s: float) -> None:  # noqa: ARG002 - the signature of what it replaces
        self.near = self._slots[-1] >= self._thresholds.far_dbm


def bench_presence(*, days: float, seed: int, control_days: float = CONTROL_DAYS) -> dict[str, object]:
    """The figures, the same for the known-bad ways, and whether what must hold does."""
    homes = max(1, round(days / DAYS_A_HOME))
    figures = measure(seed=seed, days=days, homes=homes)
    control_homes = max(1, round(control_days / DAYS_A_HOME))
    hasty = measure(seed=seed, days=control_days, homes=control_homes, judge=Hasty)
    ungated = measure(seed=seed, days=control_days, homes=control_homes, gated=False)
    false = _per_month(figures.false_away, figures)
    worst = max(figures.notice_s, default=0.0)
    return {
        "wearer_days": round(figures.wearer_days, 1),
        "homes": figures.homes,
        "homes_needing_another_receiver": figures.refused_homes,
        "false_away_per_30_days": false,
        "away_behind_a_dead_edge": figures.dead_away,
        "departures": figures.departures,
        "departures_unnoticed": figures.unnoticed,
        "notice_s": {
            "p50": _share(figures.notice_s, 0.5),
            "p95": _share(figures.notice_s, 0.95),
            "max": round(worst, 1),
        },
        "return_s_p95": _share(figures.return_s, 0.95),
        "shown_home_share": round(figures.home_known_s / figures.home_s, 4),
        "known_bad": {
            "no_hysteresis_no_dwell_false_away_per_30_days": _per_month(hasty.false_away, hasty),
            "no_health_gate_away_behind_a_dead_edge": ungated.dead_away,
        },
        "holds": false <= FALSE_AWAY_AT_MOST
        and not figures.dead_away
        and not figures.unnoticed
        and worst <= NOTICE_AT_MOST_S,
    }


@click.command()
@click.option("--days", default=300.0, show_default=True, type=click.FloatRange(1, 100_000), help="Wearer-days.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same figures.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def presence(*, days: float, seed: int, as_json: bool) -> None:
    """Home, away or unknown by how loud a band is: sigma 6 dB, 40 % loss, five-minute fades of 15 dB."""
    figures = bench_presence(days=days, seed=seed)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        for name, value in figures.items():
            click.echo(f"{name:<32}{value}")
    if not figures["holds"]:
        raise click.exceptions.Exit(1)


def _per_month(count: int, figures: Figures) -> float:
    return round(30 * count / figures.wearer_days, 3)


def _share(times: Sequence[float], share: float) -> float | None:
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1) if ordered else None
