"""Make the typed client anew from the API's description: python tests/client/make_client.py.

One class, a method for each operation, a TypedDict for each schema; `test_client.py` holds it in step.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings

TARGET = Path(__file__).with_name("ancu_client.py")
_PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
_HEAD = '''"""A typed client of the API. Made by make_client.py from the API's description: do not edit."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict
from uuid import uuid4

import httpx


class Refused(Exception):
    """A problem, RFC 9457."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}")
        self.status, self.problem = status, problem

'''
_CLASS = '''
class Client:
    """Over an httpx client that knows the address and carries the token."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def _ask(self, method: str, path: str, query: dict[str, Any], body: Any, key: str | None) -> Any:
        headers = {"Accept": "application/json"}
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid4())
        asked = {name: value for name, value in query.items() if value is not None}
        answer = await self._http.request(method, path, params=asked, json=body, headers=headers)
        if answer.status_code >= 400:
            raise Refused(answer.status_code, answer.json())
        kind = answer.headers.get("content-type", "")
        return answer.json() if kind.startswith("application/json") else answer.text
'''


def made(document: Mapping[str, Any]) -> str:
    """The client's text."""
    parts = [_HEAD]
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append(_schema(_name(name), schema))
    parts.append(_CLASS)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if "text/event-stream" not in operation["responses"].get("200", {}).get("content", {}):
                parts.append(_method(method.upper(), path, operation))
    return "\n".join(parts)


def _schema(name: str, schema: Mapping[str, Any]) -> str:
    if "properties" not in schema:
        return f"{name} = {_type(schema, quoted=True)}\n"
    required = set(schema.get("required", ()))
    lines = [f"class {name}(TypedDict):"]
    for field, kind in schema["properties"].items():
        told = _type(kind)
        lines.append(f"    {field}: {told if field in required else f'NotRequired[{told}]'}")
    return "\n".join(lines) + "\n"


def _type(schema: Mapping[str, Any], *, quoted: bool = False) -> str:  # noqa: PLR0911 - one for each kind
    if "$ref" in schema:
        name = _name(schema["$ref"].rpartition("/")[2])
        return f'"{name}"' if quoted else name
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if "const" in schema:
        return f"Literal[{schema['const']!r}]"
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(_type(kind, quoted=quoted) for kind in kinds))
    match schema.get("type"):
        case "array":
            return f"list[{_type(schema.get('items', {}), quoted=quoted)}]"
        case "object":
            more = schema.get("additionalProperties", {})
            return f"dict[str, {_type(more, quoted=quoted) if isinstance(more, dict) else 'Any'}]"
        case str(kind) if kind in _PLAIN:
            return _PLAIN[kind]
    return "Any"


def _method(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parameters = [one for one in operation.get("parameters", ()) if one["in"] in {"path", "query"}]
    parameters.sort(key=lambda one: not one.get("required", False))
    taken = [f"{_word(p['name'])}: {_argument(p)}" for p in parameters if p["in"] == "path"]
    named = [f"{_word(p['name'])}: {_argument(p)}" for p in parameters if p["in"] == "query"]
    content = operation.get("requestBody", {}).get("content", {})
    if content:
        schema = next(iter(content.values())).get("schema", {})
        taken.append(f"body: {_type(schema) if 'application/json' in content else 'Any'}")
    if method == "POST":
        named.append("key: str | None = None")
    arguments = ", ".join(["self", *taken, *(["*", *named] if named else [])])
    answer = _answer(operation)
    query = ", ".join(f"{p['name']!r}: {_word(p['name'])}" for p in parameters if p["in"] == "query")
    address = re.sub(r"{(\w+)}", lambda m: "{" + _word(m[1]) + "}", path)
    body, key = "body" if content else "None", "key" if method == "POST" else "None"
    call = f"await self._ask({method!r}, f{address!r}, {{{query}}}, {body}, {key})"
    summary = operation.get("description", operation.get("summary", "")).split("\n")[0].replace("\\", "")
    lines = f"        found: {answer} = {call}\n        return found" if answer != "None" else f"        {call}"
    return f'    async def {operation["operationId"]}({arguments}) -> {answer}:\n        """{summary}"""\n{lines}\n'


def _argument(parameter: Mapping[str, Any]) -> str:
    told = _type(parameter["schema"])
    return told if parameter.get("required") else f"{told} | None = None"


def _answer(operation: Mapping[str, Any]) -> str:
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            content = response.get("content", {})
            if "application/json" in content:
                return _type(content["application/json"].get("schema", {}))
            return "str" if content else ("str" if status == "200" else "None")
    return "Any"


def _name(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _word(name: str) -> str:
    word = re.sub(r"\W", "_", name)
    return f"{word}_" if keyword.iskeyword(word) else word


if __name__ == "__main__":
    application = create_app(None, None, WebSettings(), None)  # type: ignore[arg-type]
    TARGET.write_text(made(application.openapi()), "utf-8")
