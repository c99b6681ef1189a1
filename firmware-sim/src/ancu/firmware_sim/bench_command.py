"""`ancu bench radio`: what the air, the link and an edge make of many bands, each part a process of its own."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import click

__all__ = ["radio"]


@click.command()
@click.option("--bands", type=click.IntRange(1, 2_000), default=500, show_default=True, help="On one adapter, at 1 Hz.")
@click.option("--for", "for_s", type=click.FloatRange(5, 3_600), default=60.0, show_default=True, help="Seconds.")
@click.option("--records", type=click.IntRange(64, 20_000), default=20_000, show_default=True, help="In a band's log.")
@click.option("--cuts", type=click.IntRange(1, 500), default=60, show_default=True, help="Straps cut, one a band.")
@click.option("--loss", type=click.FloatRange(0, 0.9), default=0.3, show_default=True, help="Adverts lost at the cuts.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--known-bad", is_flag=True, help="Spoil each part, to see that the figures tell.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def radio(
    *, bands: int, for_s: float, records: int, cuts: int, loss: float, seed: int, known_bad: bool, as_json: bool
) -> None:
    """Adverts into an edge's journal, history over a bond, and strap cuts through a lossy air.

    Exit code 1 where a figure is not what it has to be.
    """
    from ancu.firmware_sim.bench_radio import Bench  # noqa: PLC0415 - `--help` needs none of it

    with tempfile.TemporaryDirectory(prefix="ancu-bench-") as folder:
        bench = Bench(Path(folder), seed=seed, known_bad=known_bad)
        figures = asyncio.run(bench.run(bands=bands, for_s=for_s, records=records, cuts=cuts, loss=loss))
    if as_json:
        click.echo(json.dumps(asdict(figures) | {"missed": figures.missed()}))
        if figures.missed():
            raise SystemExit(1)
        return
    f = figures
    click.echo(f"{f.bands} bands at 1 Hz for {f.for_s:.0f} s: {f.delivered_percent:.2f} % of {f.sent} in the journal")
    click.echo(f"edge: {f.edge_cpu_percent:.1f} % of a core, {f.edge_rss_mib:.1f} MiB")
    click.echo(f"history: {f.history_bytes} bytes at {f.history_kb_per_s:.1f} kB/s")
    click.echo(
        f"{f.cuts} straps cut at {f.loss:.0%} loss: {f.cuts_missing} missing, p50 {f.cut_p50_s:.2f} s,"
        f" p95 {f.cut_p95_s:.2f} s ({f.cut_p95_intervals:.2f} advert intervals) into the journal"
    )
    for missed in figures.missed():
        click.echo(f"does not hold: {missed}")
    if figures.missed():
        raise SystemExit(1)
