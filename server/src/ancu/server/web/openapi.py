"""The API's description: FastAPI's own, made to say what is true of this API, with links and examples.

Short operation ids (the functions' names) for generated clients; who must show a token; refusals as problems only;
links from every list and creation to what can be done with its items; examples from `api/examples.json`, which hold
real answers and are kept in step by a test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from ancu.server.web.auth import asks_for_session
from ancu.server.web.routes import routes_of

__all__ = ["describe"]

_BEARER = "bearer"
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})


def describe(app: FastAPI) -> None:
    """Let the application answer /openapi.json this way."""

    @cache
    def made() -> dict[str, Any]:
        routes = [route for route in routes_of(app.routes) if route.include_in_schema]
        document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        document["components"].setdefault("securitySchemes", {})[_BEARER] = {"type": "http", "scheme": "bearer"}
        by_place = {(route.path, method.lower()): route for route in routes for method in route.methods or ()}
        for path, method, operation in _operations(document):
            _correct(operation, by_place[path, method])
        _link(document)
        _illustrate(document)
        return document

    app.openapi = made  # type: ignore[method-assign]  # FastAPI's way of extending it


def _operations(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in _METHODS:
                yield path, method, operation


def _correct(operation: dict[str, Any], route: APIRoute) -> None:
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _never_null(parameter["schema"])
    operation["operationId"] = route.name
    operation["responses"].pop("422", None)  # every refusal is a problem, which '4XX' describes
    if _needs_session(route.dependant):
        operation["security"] = [{_BEARER: []}]


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or is not: an address has no null."""
    kinds: list[dict[str, Any]] = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {name: value for name, value in schema.items() if name != "anyOf"} | kinds[0]


def _needs_session(dependant: Dependant) -> bool:
    return asks_for_session(dependant.call) or any(map(_needs_session, dependant.dependencies))


def _link(document: dict[str, Any]) -> None:
    """From what answers with the id of a thing, or with a list of them, to what can be asked of that thing."""
    targets: dict[str, list[tuple[str, str]]] = {}
    for path, _, operation in _operations(document):
        if found := re.match(r"(/api/v1/[\w/-]+)/{(\w+)}", path):
            targets.setdefault(found[1], []).append((operation["operationId"], found[2]))
    for path, _, operation in _operations(document):
        for status, response in operation["responses"].items():
            where = _id_in(document, response)
            if where is None or not status.startswith("2"):
                continue
            links = {
                name: {"operationId": name, "parameters": {parameter: f"$response.body#{where}"}}
                for name, parameter in targets.get(path, ())
            }
            if links:
                response["links"] = links


def _id_in(document: Mapping[str, Any], response: Mapping[str, Any]) -> str | None:
    """Where an answer of JSON holds an id."""
    schema = _resolved(document, response.get("content", {}).get("application/json", {}).get("schema", {}))
    properties = schema.get("properties", {})
    if "id" in properties:
        return "/id"
    items = _resolved(document, properties.get("items", {}).get("items", {}))
    return "/items/0/id" if "id" in items.get("properties", {}) else None


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    name = schema.get("$ref", "").rpartition("/")[2]
    return document["components"]["schemas"][name] if name else schema


def _illustrate(document: dict[str, Any]) -> None:
    examples = _examples()
    for path, method, operation in _operations(document):
        example = examples.get(f"{method.upper()} {path}", {})
        for parameter in operation.get("parameters", ()):
            if parameter["name"] in example.get("parameters", {}):
                parameter["example"] = example["parameters"][parameter["name"]]
        if "body" in example and "requestBody" in operation:
            operation["requestBody"]["content"]["application/json"]["example"] = example["body"]
        for status, answer in example.get("answers", {}).items():
            content = operation["responses"].get(status, {}).get("content", {}).get("application/json")
            if content is not None:
                content["example"] = answer


@cache
def _examples() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(files("ancu.server.web.api").joinpath("examples.json").read_text("utf-8"))
    return found
