"""`ancu bench vision`: how well the camera sees, on anyone's pictures."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ancu.models.errors import UsageError

__all__ = ["vision"]

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--people", type=_FOLDER, help="A folder of images/ and YOLO labels/ (class 0 is a person).")
@click.option("--faces", type=_FOLDER, help="A folder of faces, one folder a person.")
@click.option("--door", type=_FILE, help="A clip of a door; with --truth.")
@click.option("--truth", type=_FILE, help="Its entries and exits; docs/camera.md has the format.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def vision(*, people: Path | None, faces: Path | None, door: Path | None, truth: Path | None, as_json: bool) -> None:
    """Person detection (AP50), time a picture on one thread, and a door's precision and recall."""
    try:
        from ancu.edge.camera.bench import bench_vision  # noqa: PLC0415 - an extra of this distribution
    except ImportError as error:
        raise UsageError(f"bench vision needs {error.name}: pip install 'ancu-edge[camera]'") from None
    figures = bench_vision(people, faces, door, truth)
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:<16}{'not measured' if value is None else value}")
