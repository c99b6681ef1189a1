"""Every operation of the API shows an example of what is asked and answered, and each fits the description."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from ancu.server.web.app import create_app
from ancu.server.web.settings import WebSettings

DOCUMENT: dict[str, Any] = create_app(None, None, WebSettings(), None).openapi()  # type: ignore[arg-type]
ANEW = "make them anew: python -m tests.integration.web.make_examples"


def operations() -> Iterator[Any]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield pytest.param(operation, id=f"{method.upper()} {path}")


def check(media: dict[str, Any], what: str) -> None:
    assert "example" in media, f"no example of its {what}: {ANEW}"
    schema = {**media.get("schema", {}), "components": DOCUMENT["components"]}
    errors = [error.message for error in jsonschema_rs.validator_for(schema).iter_errors(media["example"])]
    assert errors == [], f"the example of its {what} does not fit: {ANEW}"


@pytest.mark.parametrize("operation", list(operations()))
def test_an_operation_has_examples_that_fit(operation: dict[str, Any]):
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None:
        check(body, "body")
    for parameter in operation.get("parameters", ()):
        if parameter.get("required"):
            assert "example" in parameter, f"no example of {parameter['name']}: {ANEW}"
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if status.startswith("2") and content is not None and content.get("schema"):
            check(content, "answer")


def test_operation_ids_are_unique():
    ids = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))
