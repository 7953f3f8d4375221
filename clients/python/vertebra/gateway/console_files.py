"""The console's built files as routes of Envoy: each is read once and answered from memory."""

import mimetypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Route = dict[str, Any]
"""A route as Envoy's JSON has it."""

CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""Said here, because what the system's own table says differs from machine to machine."""

SECURITY_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
}

INDEX = "index.html"
FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"
HASHED_FOLDER = "assets"
"""Files below it carry a hash of what they hold in their names: they never change."""


def console_routes(folder: Path) -> list[Route]:
    """Return one route a file, `/` and pages of the console's own making as `index.html`.

    Raises:
        FileNotFoundError: the folder has no index.html: the console is not built.
    """
    index = folder / INDEX
    if not index.is_file():
        raise FileNotFoundError(
            f"no console in {str(folder)!r}: {INDEX} is missing; `make console` builds it"
        )
    files = [_route({"path": f"/{name}"}, folder / name) for name in _names(folder)]
    # Pages have no dot in their paths: what has one and is no file is missing.
    page = {"safe_regex": {"regex": "/[^.]*"}, "headers": [_method("GET")]}
    return [*files, _route({"path": "/"}, index), _route(page, index)]


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _route(match: Route, file: Path) -> Route:
    is_hashed = file.parent.name == HASHED_FOLDER
    headers = {
        "content-type": _content_type(file),
        "cache-control": FOREVER if is_hashed else ASK_FIRST,
        **SECURITY_HEADERS,
    }
    return {
        "match": match,
        "direct_response": {"status": 200, "body": {"filename": str(file.absolute())}},
        "response_headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for key, value in headers.items()
        ],
    }


def _method(name: str) -> Route:
    return {"name": ":method", "string_match": {"exact": name}}


def _content_type(file: Path) -> str:
    known = CONTENT_TYPES.get(file.suffix.lower())
    return known or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
