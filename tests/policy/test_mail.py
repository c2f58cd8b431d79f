from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.policy.mail import canonical_domain, domain_of, fold_address


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("alice@corp.example", "corp.example"),
        ("alice@CORP.Example", "corp.example"),
        ("alice@bücher.example", "xn--bcher-kva.example"),
        ("alice@BÜCHER.example", "xn--bcher-kva.example"),
        ("alice@xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("alice", None),
        ("@corp.example", None),
        ("alice@", None),
        ("a@b@corp.example", None),
        ("a@corp.example@", None),
        ("a@corp..example", None),
        ("a@corp.example.", None),
        ("a@ corp.example", None),
        ("a@-corp.example", None),
        ("a@corp.example\n", None),
        ("a@\uff43orp.example", None),
        ("a@\u212aorp.example", None),
        ("a@corp\u3002example", None),
        ("a@corp\uff0eexample", None),
        ("a@\u0130.example", None),
        ("a@" + "a" * 254, None),
    ],
    ids=[
        "as it is",
        "upper case",
        "international",
        "international upper case",
        "already encoded",
        "no at sign",
        "no local part",
        "no domain",
        "two at signs",
        "at sign at the end",
        "empty label",
        "trailing dot",
        "blank",
        "hyphen first",
        "newline at the end",
        "full-width letter",
        "kelvin sign",
        "ideographic full stop",
        "full-width full stop",
        "dotted capital i",
        "too long",
    ],
)
def test_domain_of_an_address(address: str, domain: str | None) -> None:
    assert domain_of(address) == domain


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Alice@Corp.Example", "alice@corp.example", True),
        ("ÉVE@x.y", "éve@x.y", False),
        ("ÉVE@X.y", "Éve@x.y", True),
    ],
    ids=["ASCII case", "other case counts", "ASCII case beside others"],
)
def test_addresses_are_compared_without_ascii_case(one: str, other: str, same: bool) -> None:
    assert (fold_address(one) == fold_address(other)) is same


@settings(max_examples=200)
@given(st.text(max_size=12))
def test_any_text_has_a_canonical_domain_or_none(text: str) -> None:
    domain = canonical_domain(text)
    assert domain is None or (
        domain.isascii() and domain == domain.lower() and canonical_domain(domain) == domain
    )
