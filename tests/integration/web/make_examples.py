"""Make the API's examples anew, from real answers: python -m tests.integration.web.make_examples.

Asks every operation of the description as somebody who is let in (access.toml), over the real register, core and desk.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ancu.server.web import api

from . import test_matrix as matrix
from . import world as world_of

WRITTEN: dict[str, Any] = {  # what the world at rest refuses: a second check-in, and erasing before the end
    "POST /api/v1/checkins": {
        "201": {
            "id": "c-paxn6rzw5f",
            "person": "p-aaaaaaaaa1",
            "asked_at": "2026-03-02T05:00:00Z",
            "state": "asked",
            "answered_at": None,
        }
    },
    "POST /api/v1/me:erase": {"200": {"id": "x-7h3kq9x2mb", "at": "2026-03-16T05:00:00Z", "counts": {"asks": 1}}},
}
TARGET = Path(api.__file__).with_name("examples.json")


async def main() -> None:
    document = matrix.bare_app().openapi()
    found: dict[str, Any] = {}
    for path, item in sorted(document["paths"].items()):
        for method, operation in sorted(item.items()):
            route = f"{method.upper()} {path}"
            line = matrix.LINES.get(route)
            if line is None or line.stream:
                continue
            with tempfile.TemporaryDirectory() as folder:
                world = await world_of.make_world(Path(folder))
                try:
                    found[route] = await example(world, line, operation)
                finally:
                    await world.close()
    for route, answers in WRITTEN.items():
        found[route].setdefault("answers", answers)
    text = json.dumps(found, ensure_ascii=False, indent=1, sort_keys=True)
    TARGET.write_text(text + "\n", "utf-8")
    sys.stdout.write(f"{len(found)} operations\n")


async def example(world: Any, line: Any, operation: Any) -> dict[str, Any]:
    """The first let-in viewer whose wish is not refused."""
    made: dict[str, Any] = {}
    viewers = [one for one in ("health", *world_of.VIEWERS) if one in line.let_in] or ["anonymous"]
    for viewer in viewers:
        path, body, query = matrix.filled(world, line, 0)
        if line.path == "/api/v1/sessions" and line.method == "POST":
            body = {"login": "ward_a", "password": world_of.PASSWORD}
        if viewer in world_of.CITIZENS:
            body.pop("person", None)
        answer = await world.ask(viewer, line.method, path, body=body, query=query)
        if answer.status_code < 300:
            break
    parameters = {name: world.ids[line.ids.get(name, name)][0] for name in matrix.named(line.path)} | query
    parameters["Idempotency-Key"] = "4f1d0a52-8c1e-4f7a-9a55-0c6f6c0d7d11"
    made["parameters"] = {
        p["name"]: parameters[p["name"]] for p in operation.get("parameters", ()) if p["name"] in parameters
    }
    if "requestBody" in operation:
        made["body"] = body
    if (
        answer.status_code < 300
        and answer.content
        and answer.headers.get("content-type", "").startswith("application/json")
    ):
        made["answers"] = {str(answer.status_code): answer.json()}
    return made


if __name__ == "__main__":
    asyncio.run(main())
