"""What a run amounts to: figures for machines, and a table for people."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from ancu.truth.match import Matched, Met, Told
from ancu.truth.outages import outages
from ancu.truth.run import Outcome

__all__ = ["figures", "table"]


def figures(outcome: Outcome, matched: Matched, *, people: int, days: float, **asked: Any) -> dict[str, Any]:
    """All figures as plain values; the same run gives the same."""
    hundred = people * days / 100
    alerts = matched.alerts
    paged = [alert for alert in alerts if alert.pages or alert.ladder]
    needs = matched.needs
    breaches = [row for name in ("sos", "strap_cut", "out_of_range", "band_removed") for row in needs[name]]
    kinds = sorted({alert.kind for alert in alerts} | {name for name, rows in needs.items() if rows})
    return {
        **asked,
        "people": people,
        "days": days,
        "alerts_per_100_days": _per(len(alerts), hundred),
        "pages_per_100_days": _per(len(paged), hundred),
        "rings_per_100_days": _per(sum(a.pages + a.ladder for a in alerts), hundred),
        "paged_precision": _share(sum(a.true for a in paged), len(paged)),
        "recall": _recall(breaches),
        "recall_paged": _paged(breaches),
        "unknown_minutes_a_day": round(outcome.unknown_min / people / days, 3),
        "unknown_shown_late": len(outcome.shown_known),
        "records": {"written": outcome.written, "received": outcome.received, "waiting": outcome.waiting},
        "kinds": {kind: _kind(kind, alerts, matched, hundred) for kind in kinds},
        "outages": outages(outcome, matched),
        "exits_by_way": _by_cause(needs["out_of_range"]),
        "false_pages_by_cause": dict(sorted(Counter(f"{a.kind}: {a.cause}" for a in paged if not a.true).items())),
    }


def table(report: dict[str, Any]) -> str:
    """The same for a person at a terminal."""
    head = (
        f"{report['people']} people, {report['days']:g} days, preset {report['preset']}, policy {report['policy']}, "
        f"seed {report['seed']}"
    )
    columns = (
        "kind",
        "alerts",
        "/100 d",
        "pages",
        "/100 d",
        "precision",
        "paged",
        "needed",
        "recall",
        "p50",
        "p95",
        "p99",
    )
    rows = [columns]
    for kind, figure in report["kinds"].items():
        latency = figure["latency_s"]
        rows.append(
            (
                kind,
                str(figure["alerts"]),
                _text(figure["alerts_per_100_days"]),
                str(figure["pages"]),
                _text(figure["pages_per_100_days"]),
                _percent(figure["precision"]),
                _percent(figure["paged_precision"]),
                str(figure["needed"]),
                _percent(figure["recall"]),
                *(_seconds(latency.get(key)) for key in ("p50", "p95", "p99")),
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(columns))]
    lines = ["  ".join(_cell(i, cell, widths[i]) for i, cell in enumerate(row)) for row in rows]
    totals = [
        f"alerts per 100 people a day     {report['alerts_per_100_days']:g}",
        f"paged alerts per 100 a day      {report['pages_per_100_days']:g}",
        f"every ring, with the ladder's   {report['rings_per_100_days']:g}",
        f"share of paged that are true    {_percent(report['paged_precision'])}",
        f"breaches told / that rang       {_percent(report['recall'])} / {_percent(report['recall_paged'])}",
        f"minutes shown as unknown a day  {report['unknown_minutes_a_day']:g}",
    ]
    causes = sorted(report["false_pages_by_cause"].items(), key=lambda item: -item[1])
    why = [f"  {count:6}  {cause}" for cause, count in causes[:12]]
    ways = [
        f"  {way:8} {_percent(row['recall']):>7} of {row['needed']}, rang {_percent(row['paged'])}"
        for way, row in report["exits_by_way"].items()
    ]
    blocks = [head, "\n".join(lines), "\n".join(totals)]
    storm = report["outages"]
    if storm["count"]:
        most, single = storm["incidents_most"], storm["incidents_of_homes"]
        blocks.append(
            f"{storm['count']} outages of an area: at most {most} incidents each, {single} of homes that came back"
        )
    if ways:
        blocks.append("exits over 3 minutes found, by way\n" + "\n".join(ways))
    if why:
        blocks.append("pages that were not true, by what really was\n" + "\n".join(why))
    return "\n\n".join(blocks)


def _kind(kind: str, alerts: Sequence[Told], matched: Matched, hundred: float) -> dict[str, Any]:
    mine = [alert for alert in alerts if alert.kind == kind]
    paged = [alert for alert in mine if alert.pages or alert.ladder]
    needed = matched.needs.get(kind, [])
    late = sorted(met.told_ms / 1000 for met in needed if met.told_ms is not None)
    return {
        "alerts": len(mine),
        "alerts_per_100_days": _per(len(mine), hundred),
        "pages": len(paged),
        "pages_per_100_days": _per(len(paged), hundred),
        "precision": _share(sum(a.true for a in mine), len(mine)),
        "paged_precision": _share(sum(a.true for a in paged), len(paged)),
        "needed": len(needed),
        "recall": _recall(needed),
        "recall_paged": _paged(needed),
        "latency_s": {f"p{q}": _quantile(late, q / 100) for q in (50, 95, 99)} if late else {},
        "causes": dict(sorted(Counter(a.cause for a in mine).items())),
    }


def _by_cause(needed: Iterable[Met]) -> dict[str, Any]:
    rows: dict[str, list[Met]] = defaultdict(list)
    for met in needed:
        rows[met.happening.cause].append(met)
    return {
        cause: {"needed": len(found), "recall": _recall(found), "paged": _paged(found)}
        for cause, found in sorted(rows.items())
    }


def _recall(rows: Sequence[Met]) -> float | None:
    return _share(sum(met.told_ms is not None for met in rows), len(rows))


def _paged(rows: Sequence[Met]) -> float | None:
    return _share(sum(met.paged_ms is not None for met in rows), len(rows))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _per(count: int, hundred: float) -> float:
    return round(count / hundred, 3)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank."""
    return round(ordered[min(len(ordered) - 1, max(0, -(-int(share * 1e9) * len(ordered) // 10**9) - 1))], 1)


def _cell(column: int, text: str, width: int) -> str:
    return text.rjust(width) if column else text.ljust(width)


def _text(number: float) -> str:
    return f"{number:.2f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _seconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.0f} s"
