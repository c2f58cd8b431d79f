"""What is the same on every page of one application: its name, whom to ask, where our endpoints live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from idaware.pages.document import DEFAULT_BRAND, Page, html_page


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Facts from the settings.

    * ``brand``: the application's name, as text. ``contact``: an e-mail or web address, or words.
    * ``prefix``: the external path of our endpoints, the base URL's own path included (``/tools/_idaware``).
    * ``home``: the external path of the application's front page.
    * ``frame_origins``: origins that may frame the page with the sign-in link, beside our own.
    """

    brand: str = DEFAULT_BRAND
    contact: str | None = None
    request_access_url: str | None = None
    prefix: str = "/_idaware"
    home: str = "/"
    frame_origins: tuple[str, ...] = ()

    def url(self, endpoint: str) -> str:
        """The external path of one of our endpoints."""
        return f"{self.prefix}/{endpoint}"

    def page(
        self,
        title: str,
        body: Markup,
        *,
        status: int = 200,
        script: str | None = None,
        csp: Mapping[str, str] | None = None,
        headers: Sequence[tuple[str, str]] = (),
        refresh_to: str | None = None,
        keep_opener: bool = False,
    ) -> Page:
        """``html_page`` under this application's name."""
        return html_page(
            title,
            body,
            status=status,
            brand=self.brand,
            script=script,
            csp=csp,
            headers=headers,
            refresh_to=refresh_to,
            keep_opener=keep_opener,
        )
