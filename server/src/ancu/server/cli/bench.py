"""`ancu bench`: reproducible benchmarks."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path

import click

from ancu.models.errors import UsageError

__all__ = ["bench"]


class _Benches(click.Group):
    """Its own benchmarks, and those that the other installed parts bring along."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(point.name for point in entry_points(group="ancu.benches"))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for point in entry_points(group="ancu.benches", name=cmd_name):
            command = point.load()
            return command if isinstance(command, click.Command) else None
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Benches)
def bench() -> None:
    """Benchmarks that give the same figures on anyone's machine."""


@bench.command()
@click.option("--homes", type=click.IntRange(1, 100_000), default=2_000, show_default=True)
@click.option("--batch", type=click.IntRange(1, 60), default=25, show_default=True, help="Readings in one batch.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def ingest(homes: int, batch: int, seed: int, as_json: bool) -> None:
    """Readings a second from sealed batches to their confirm, and what each part costs."""
    from ancu.server.bench.ingest import bench_ingest  # noqa: PLC0415 - `--help` needs none of it

    with tempfile.TemporaryDirectory(prefix="ancu-bench-") as folder:
        figures = bench_ingest(Path(folder), homes=homes, batch=batch, seed=seed)
    if as_json:
        plain = asdict(figures)
        plain["cpu_us_per_reading"] = plain.pop("parts")
        click.echo(json.dumps(plain))
        return
    click.echo(f"{figures.readings} readings in {figures.batches} batches: {figures.readings_per_s:,.0f} readings/s")
    click.echo(f"confirm latency: p50 {figures.confirm_p50_ms:.1f} ms, p99 {figures.confirm_p99_ms:.1f} ms")
    for name, cost in figures.parts.items():
        click.echo(f"  {name:<8}{cost:8.2f} us of processor time a reading")


@bench.command()
@click.option("--alerts", type=click.IntRange(10, 10_000), default=200, show_default=True)
@click.option(
    "--load",
    "load_per_s",
    type=click.IntRange(1, 50_000),
    default=1_000,
    show_default=True,
    help="Ordinary readings a second beside the alerts.",
)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def stream(alerts: int, load_per_s: int, seed: int, as_json: bool) -> None:
    """From a strap cut's frame at the server to the alert on an officer's stream, under load; no radio, no broker."""
    from ancu.server.bench.stream import bench_stream  # noqa: PLC0415 - `--help` needs none of it

    with tempfile.TemporaryDirectory(prefix="ancu-bench-") as folder:
        figures = asyncio.run(bench_stream(Path(folder), alerts=alerts, load_per_s=load_per_s, seed=seed))
    if as_json:
        click.echo(json.dumps(asdict(figures)))
        return
    click.echo(f"{figures.alerts} alerts beside {load_per_s} readings/s")
    click.echo(f"p50 {figures.p50_ms:.1f} ms, p99 {figures.p99_ms:.1f} ms to an officer's stream")


@bench.command()
@click.option("--readings", type=click.IntRange(100_000), default=1_000_000, show_default=True)
@click.option("--homes", type=click.IntRange(1, 10_000), default=300, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def restart(readings: int, homes: int, seed: int, as_json: bool) -> None:
    """How soon a killed server is ready again, with much stored."""
    from ancu.server.bench.restart import bench_restart  # noqa: PLC0415 - `--help` needs none of it

    with tempfile.TemporaryDirectory(prefix="ancu-bench-") as folder:
        figures = bench_restart(Path(folder), readings=readings, homes=homes, seed=seed)
    if as_json:
        click.echo(json.dumps(asdict(figures)))
        return
    click.echo(f"ready in {figures.ready_s:.2f} s with {figures.readings} readings stored")
    click.echo(f"the series made anew in {figures.series_s:.1f} s")
    inbox, series = figures.inbox_bytes_per_reading, figures.series_bytes_per_reading
    click.echo(f"{inbox:.0f} bytes a reading in the inbox, {series:.0f} in the series")


@bench.command("latency")
@click.option("--runs", type=click.IntRange(1, 200), default=20, show_default=True, help="Straps cut, one a home.")
@click.option("--loss", type=click.FloatRange(0, 0.9), default=0.08, show_default=True, help="Adverts lost in the air.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--known-bad", is_flag=True, help="Bands send an alarm once, to see that the figures tell.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def alarm(*, runs: int, loss: float, seed: int, known_bad: bool, as_json: bool) -> None:
    """From a strap cut in the radio to the alert in an officer's open page, through every real process."""
    from ancu.server.bench.alarm import bench_alarm  # noqa: PLC0415 - `--help` needs none of it

    with tempfile.TemporaryDirectory(prefix="ancu-bench-") as folder:
        figures = bench_alarm(Path(folder), runs=runs, seed=seed, loss=loss, known_bad=known_bad)
    if as_json:
        click.echo(json.dumps(asdict(figures)))
        return
    click.echo(f"{figures.runs} strap cuts, {figures.missing} without an alert")
    click.echo(f"p50 {figures.p50_ms:.0f} ms, p95 {figures.p95_ms:.0f} ms, p99 {figures.p99_ms:.0f} ms")
    click.echo(f"p95 in advert intervals: {figures.p95_intervals:.2f}")


@bench.command()
@click.option("--alerts", type=click.IntRange(1, 50_000), default=5_000, show_default=True, help="Open at once.")
@click.option("--streams", type=click.IntRange(1, 240), default=200, show_default=True, help="Open inboxes.")
@click.option("--raised", type=click.IntRange(1, 1_000), default=30, show_default=True, help="Alerts, meanwhile.")
@click.option("--requests", type=click.IntRange(2, 10_000), default=100, show_default=True)
@click.option("--known-bad", is_flag=True, help="Pages that ask for the whole list at every change: --check fails.")
@click.option("--check", is_flag=True, help="Fail where the figures break what the pages promise.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def pages(  # noqa: PLR0917 - click passes them by name
    alerts: int, streams: int, raised: int, requests: int, known_bad: bool, check: bool, as_json: bool
) -> None:
    """From an alert to its row in every open inbox, and what a long list costs, through the server's own process."""
    from ancu.server.bench.pages import bench_pages  # noqa: PLC0415 - `--help` needs none of it

    with tempfile.TemporaryDirectory(prefix="ancu-bench-") as folder:
        figures = asyncio.run(
            bench_pages(
                Path(folder), alerts=alerts, streams=streams, raised=raised, requests=requests, known_bad=known_bad
            )
        )
    if as_json:
        click.echo(json.dumps(asdict(figures)))
    else:
        click.echo(f"{figures.raised} alerts, {figures.streams} open inboxes, {figures.missing} rows missing")
        click.echo(
            f"raised to visible: p50 {figures.visible_p50_ms:.0f} ms, p99 {figures.visible_p99_ms:.0f} ms,"
            f" worst {figures.visible_worst_ms:.0f} ms; {figures.cpu_ms_per_alert:.0f} ms of processor time an alert"
        )
        click.echo(
            f"inbox with {figures.open_alerts} open alerts: p50 {figures.inbox_p50_ms:.1f} ms,"
            f" p99 {figures.inbox_p99_ms:.1f} ms; {figures.inbox_cpu_ms:.1f} ms of processor time"
        )
        click.echo(f"a hundred rows more: p50 {figures.further_p50_ms:.1f} ms")
        click.echo(f"first load: {figures.first_load_gzip_bytes / 1000:.0f} kB compressed, scripts and styles included")
    if check and (broken := figures.broken()):
        raise UsageError("; ".join(broken))
