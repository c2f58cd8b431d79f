"""The FastAPI application of these tests, guarded by one line."""

from typing import Any

from content import LIVE, STATIC, page, protected
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from idaware.asgi import IdentityMiddleware

inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
mounted = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)


@mounted.get("/", response_class=HTMLResponse)
@mounted.get("/secret", response_class=HTMLResponse)
async def mounted_secret(request: Request) -> str:
    return protected("Mounted", request.scope["idaware"])


@inner.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@inner.get("/", response_class=HTMLResponse)
async def front(request: Request) -> str:
    return page("Front page", request.scope["idaware"])


@inner.get("/open/{rest:path}", response_class=HTMLResponse)
async def open_to_all(request: Request, rest: str) -> str:
    return page(f"Open {rest}", request.scope["idaware"])


@inner.get("/team/{team}/report", response_class=HTMLResponse)
async def report(request: Request, team: str) -> str:
    return page(f"Report of {team}", request.scope["idaware"])


@inner.get("/live", response_class=HTMLResponse)
async def live(request: Request) -> str:
    return page("Live", request.scope["idaware"], more=LIVE)


@inner.get("/admin", response_class=HTMLResponse)
@inner.get("/admin/{rest:path}", response_class=HTMLResponse)
@inner.post("/admin/post", response_class=HTMLResponse)
async def admin(request: Request, rest: str = "") -> str:
    return protected(f"Admin {rest}", request.scope["idaware"])


@inner.get("/api/v1/items/{item}", response_class=HTMLResponse)
async def item(request: Request, item: str) -> str:
    return protected(f"Item {item}", request.scope["idaware"])


@inner.get("/{area}/{name}", response_class=HTMLResponse)
async def area(request: Request, area: str, name: str) -> str:
    return protected(f"{area.title()} {name}", request.scope["idaware"])


@inner.post("/{area}/{name}")
async def upload(request: Request, area: str, name: str) -> dict[str, Any]:
    return {"bytes": len(await request.body()), "who": request.scope["idaware"].email}


@inner.websocket("/ws")
@inner.websocket("/admin/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    heard = await websocket.receive_text()
    await websocket.send_text(f"{heard} {websocket.scope['idaware'].email}")
    await websocket.close()


inner.mount("/static", StaticFiles(directory=STATIC))
inner.mount("/mnt", mounted)

app = IdentityMiddleware(inner)
