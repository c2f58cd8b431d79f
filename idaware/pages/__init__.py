"""What people and programs see from us: refusals, sign-in and sign-out, ``me``, problem details, health.

Pure functions of data; nothing here decides anything.
"""

from __future__ import annotations

from idaware.pages.document import Page, card, html_page
from idaware.pages.health import Part
from idaware.pages.me import Reach, SessionFacts
from idaware.pages.pages import Pages
from idaware.pages.style import BASE_CSS

__all__ = ["BASE_CSS", "Page", "Pages", "Part", "Reach", "SessionFacts", "card", "html_page"]
