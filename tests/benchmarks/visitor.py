"""The one person and the one request that every subject gets, as a server would hand it over."""

from __future__ import annotations

from io import BytesIO
from typing import Any

HOST = "tool.corp.example"
PATH = "/area7/reports/today"
PUBLIC_PATH = "/status/today"
PERSON = {
    "sub": "8f14e45f-ceea-4a7b-9c1d-2b8c0f4b8e21",
    "email": "alice@corp.example",
    "email_verified": True,
    "name": "Alice Example",
    "groups": ["sre-7", "finance", "all-staff", "vpn"],
}
GROUP = "sre-7"
OWN_COOKIES = "theme=dark; csrftoken=0b8mZcKq1n7Xo5dTtYw2s4uJ6fRgLhPa"
"""Cookies of the application, which stand in the header beside those of a session."""

PAGE_HEADERS = {
    "host": HOST,
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language": "en-GB,en;q=0.9",
    "accept-encoding": "gzip, deflate, br",
    "referer": f"https://{HOST}/area7",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "navigate",
    "sec-fetch-dest": "document",
    "sec-fetch-user": "?1",
    "upgrade-insecure-requests": "1",
}
PROGRAM_HEADERS = {"host": HOST, "user-agent": "curl/8.5.0", "accept": "application/json"}


def scope(headers: dict[str, str], cookies: str | None, path: str = PATH) -> dict[str, Any]:
    """An ASGI scope as uvicorn makes it."""
    named = {**headers, **({} if cookies is None else {"cookie": cookies})}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("10.0.0.2", 8000),
        "client": ("10.0.0.1", 50_000),
        "scheme": "https",
        "root_path": "",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "state": {},
    }


def environ(headers: dict[str, str], cookies: str | None) -> dict[str, Any]:
    """A WSGI environ as gunicorn makes it."""
    named = {**headers, **({} if cookies is None else {"cookie": cookies})}
    return {
        "wsgi.errors": None,
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.file_wrapper": None,
        "wsgi.input_terminated": True,
        "wsgi.input": BytesIO(),
        "wsgi.url_scheme": "https",
        "SERVER_SOFTWARE": "gunicorn/23.0.0",
        "REQUEST_METHOD": "GET",
        "QUERY_STRING": "",
        "RAW_URI": PATH,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "10.0.0.1",
        "REMOTE_PORT": "50000",
        "SERVER_NAME": "10.0.0.2",
        "SERVER_PORT": "8000",
        "PATH_INFO": PATH,
        "SCRIPT_NAME": "",
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in named.items()},
    }
