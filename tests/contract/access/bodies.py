"""Bodies that fit the OpenAPI document: small, and the same each time."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_FORMATS = {
    "uuid": str(uuid.UUID(int=7)),
    "date-time": "2023-11-14T22:13:20Z",
    "date": "2023-11-14",
    "uri": "https://example.com/",
    "email": "somebody@example.com",
    "password": "a long enough passphrase",
}


class Bodies:
    """Makes examples for the schemas of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def of(self, method: str, path: str) -> Any:
        """Return a body for an operation; None where it takes no JSON."""
        schema = self.schema(method, path)
        return None if schema is None else self.example(schema)

    def schema(self, method: str, path: str) -> Mapping[str, Any] | None:
        operation = self._document["paths"].get(path, {}).get(method.lower(), {})
        content = operation.get("requestBody", {}).get("content", {})
        found: Mapping[str, Any] | None = content.get("application/json", {}).get("schema")
        return found

    def example(self, schema: Mapping[str, Any]) -> Any:
        schema = self.resolved(schema)
        for word in ("const", "default"):
            if word in schema:
                return schema[word]
        if "enum" in schema:
            return schema["enum"][0]
        if kind := schema.get("type"):
            return getattr(self, f"_{kind}")(schema)
        return None

    def resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow references and take the first of several."""
        while True:
            if "$ref" in schema:
                schema = self._document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
                continue
            several = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
            if not several:
                return schema
            schema = several[0]

    def texts(self, schema: Mapping[str, Any]) -> Iterator[str]:
        """Name the properties of an object that take text."""
        for name, one in self.resolved(schema).get("properties", {}).items():
            if self.resolved(one).get("type") == "string":
                yield name

    def _object(self, schema: Mapping[str, Any]) -> Any:
        properties = schema.get("properties", {})
        return {name: self.example(properties[name]) for name in schema.get("required", [])}

    def _array(self, schema: Mapping[str, Any]) -> Any:
        return [self.example(schema["items"])] * max(1, schema.get("minItems", 1))

    def _string(self, schema: Mapping[str, Any]) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if "pattern" in schema:
            return _matching(schema["pattern"])
        return "somebody@example.com"[: schema.get("maxLength", 100)]

    def _integer(self, schema: Mapping[str, Any]) -> int:
        return int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))

    def _number(self, schema: Mapping[str, Any]) -> float:
        return float(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 0.5))

    def _boolean(self, _: Mapping[str, Any]) -> bool:
        return True

    def _null(self, _: Mapping[str, Any]) -> None:
        return None


def _matching(pattern: str) -> str:
    found: list[str] = []

    @settings(max_examples=1, database=None, derandomize=True, suppress_health_check=[*HealthCheck])
    @given(st.from_regex(pattern, fullmatch=True))
    def take(text: str) -> None:
        found.append(text)

    take()
    return found[0]
