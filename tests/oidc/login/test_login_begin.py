"""What a sign-in asks of the provider."""

from __future__ import annotations

from typing import Any

import pytest

from idaware.policy.model import Require

# -- to the provider


def test_a_sign_in_asks_for_a_code_with_pkce_state_and_nonce(world: Any) -> None:
    sent = world.begin()
    assert (sent["response_type"], sent["code_challenge_method"]) == ("code", "S256")
    assert len({sent["state"], sent["nonce"], sent["code_challenge"]}) == 3
    assert sent["redirect_uri"] == "https://billing.corp.example/_idaware/callback"
    assert not {"prompt", "max_age", "acr_values", "login_hint"} & set(sent)


@pytest.mark.parametrize(
    ("needs", "sent"),
    [
        pytest.param(Require(acr=("gold", "silver")), {"acr_values": "gold silver"}, id="acr"),
        pytest.param(Require(auth_within=900), {"max_age": "900"}, id="age"),
        pytest.param(Require(amr=("mfa",)), {"prompt": "login"}, id="methods alone"),
        pytest.param(Require(amr=("mfa",), auth_within=60), {"max_age": "60"}, id="methods and age"),
        pytest.param(Require(("gold",), ("mfa",)), {"acr_values": "gold"}, id="methods and acr"),
    ],
)
@pytest.mark.parametrize("kind", ["login", "step_up"])
def test_a_sign_in_carries_what_the_page_requires(
    kind: str, needs: Require, sent: dict[str, str], world: Any
) -> None:
    found = world.begin(kind, require=needs)
    assert {name: found[name] for name in ("acr_values", "max_age", "prompt") if name in found} == sent


def test_somebody_else_may_sign_in(world: Any) -> None:
    world.sign_in()
    sent = world.begin(prompt="select_account")
    assert sent["prompt"] == "select_account"
    assert "login_hint" not in sent


@pytest.mark.parametrize(
    ("kind", "prompt"), [("renew", "none"), ("popup", None), ("step_up", None)], ids=lambda value: str(value)
)
def test_the_provider_is_told_whose_session_goes_on(kind: str, prompt: str | None, world: Any) -> None:
    world.sign_in()
    sent = world.begin(kind)
    assert (sent.get("prompt"), sent["login_hint"]) == (prompt, "alice@corp.example")


def test_there_is_no_silent_renewal_of_nothing(world: Any) -> None:
    assert "prompt" not in world.begin("renew")
