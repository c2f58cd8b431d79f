"""Which middlewares answer before the gate: they are outside it, so no policy and no record covers what they do."""

from __future__ import annotations


def outside_the_gate(app: object) -> list[str] | None:
    """Names of the middlewares that stand outside ``IdentityMiddleware``; ``None`` where that cannot be seen.

    Seen are Starlette's and FastAPI's ``user_middleware`` (outermost first). An application that *is* the middleware
    has nothing outside it that it could know of.
    """
    if type(app).__name__ == "IdentityMiddleware":
        return []
    stack = getattr(app, "user_middleware", None)
    if not isinstance(stack, list):
        return None
    names = [getattr(getattr(entry, "cls", None), "__name__", "?") for entry in stack]
    return names[: names.index("IdentityMiddleware")] if "IdentityMiddleware" in names else None
