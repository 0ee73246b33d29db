"""The page that explains the API, made from its schema: no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font-size: .95em; }
section { border-top: 1px solid; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8886; }
.scroll { overflow-x: auto; }
""".strip()

_LINK = re.compile(r"\[([^\]]+)\]\((https://[^)\s]+)\)")
_CODE = re.compile(r"`([^`]+)`")

REFERENCE_POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)


def reference_page(schema: Mapping[str, Any]) -> str:
    """The page, as HTML."""
    info = schema["info"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])}: API</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{escape(info['title'])}: API</h1><p>{escape(info['summary'])} Version {escape(info['version'])}.</p>",
        '<p>For programs: <a href="openapi.json">openapi.json</a>. For people: <a href="./">the map</a>.</p>',
        *_prose(info["description"]),
    ]
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            parts += _operation(method, path, operation, schema["components"]["schemas"])
    return "".join([*parts, "</main></body></html>"])


def _prose(markdown: str) -> Iterator[str]:
    """Paragraphs, lists and links: all the Markdown that the description holds."""
    for block in markdown.strip().split("\n\n"):
        linked = _LINK.sub(r'<a href="\2">\1</a>', escape(block))
        code = _CODE.sub(r"<code>\1</code>", linked)
        if block.startswith("- "):
            items = code.removeprefix("- ").split("\n- ")
            yield "<ul>" + "".join(f"<li>{item}</li>" for item in items) + "</ul>"
        else:
            yield f"<p>{code}</p>"


def _operation(method: str, path: str, operation: Mapping[str, Any], models: Mapping[str, Any]) -> Iterator[str]:
    address = escape(path)
    shown = f'<a href="{address.removeprefix("/")}">{address}</a>' if "{" not in path else address
    yield f"<section><h2><code>{method.upper()} {shown}</code></h2><p>{escape(operation['summary'])}.</p>"
    parameters = [
        (one["name"], one["schema"], one.get("description", ""), one["in"]) for one in operation.get("parameters", ())
    ]
    if parameters:
        yield "<h3>Parameters</h3>" + _table(
            ("name", "where", "kind", "meaning"),
            [(name, where, _kind(kind), text) for name, kind, text, where in parameters],
        )
    (media,) = operation["responses"]["200"]["content"].values()
    name = media["schema"]["$ref"].rsplit("/", 1)[1]
    yield f"<h3>Answer: {escape(name)}</h3>{_fields(models[name])}"
    items = models[name]["properties"].get("items")
    if items is not None:
        item = items["items"]["$ref"].rsplit("/", 1)[1]
        yield f"<h3>Each of its items: {escape(item)}</h3>{_fields(models[item])}"
    yield "</section>"


def _fields(model: Mapping[str, Any]) -> str:
    rows = [(name, _kind(one), one.get("description", "")) for name, one in model["properties"].items()]
    return _table(("field", "kind", "meaning"), rows)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(one)}</td>" for one in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _kind(schema: Mapping[str, Any]) -> str:
    """A JSON schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[1]
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("format") or schema.get("type", "any"))
