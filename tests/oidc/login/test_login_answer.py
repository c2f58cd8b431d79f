from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idaware.errors import (
    ClientError,
    ProviderError,
    ProviderMisbehaved,
    ProviderRefused,
    ProviderUnavailable,
    TokenRejected,
)
from idaware.oidc import login_answer
from idaware.oidc.login_answer import (
    MAX_PARAMETERS,
    MAX_VALUE_CHARS,
    Answer,
    Refusal,
    check_answer,
    check_promised_issuer,
    read_answer,
    refusal_of,
    unknown_state,
)
from idaware.reasons import Reason

ISSUER = "https://login.corp.example"


def reason_of(outcome: Answer | Refusal | None) -> Reason | None:
    return outcome.reason if isinstance(outcome, Refusal) else None


def test_the_parameters_that_count_are_read() -> None:
    answer = read_answer(
        {"state": ["s"], "code": ["c"], "iss": [ISSUER], "session_state": ["x"], "error_description": ["d"]}
    )
    assert answer == Answer("s", "c", ISSUER, "", "d")
    assert read_answer({}) == Answer("")


def test_a_code_is_not_in_a_repr() -> None:
    assert "c0de" not in repr(read_answer({"code": ["c0de"]}))


@pytest.mark.parametrize(
    "name", ["state", "code", "iss", "error", "session_state"], ids=lambda name: f"two {name}"
)
def test_a_repeated_parameter_is_refused(name: str) -> None:
    params = {"state": ["s"], "code": ["c"]} | {name: ["same", "same"]}
    outcome = read_answer(params)
    assert isinstance(outcome, Refusal)
    assert (outcome.reason, outcome.status) == (Reason.LOGIN_REFUSED_BY_PROVIDER, 400)
    assert name in outcome.log


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"code": ["x" * (MAX_VALUE_CHARS + 1)]}, id="a value"),
        pytest.param({str(number): ["x"] for number in range(MAX_PARAMETERS + 1)}, id="a number of them"),
    ],
)
def test_parameters_are_bounded(params: dict[str, list[str]]) -> None:
    outcome = read_answer(params)
    assert isinstance(outcome, Refusal)
    assert (outcome.reason, outcome.status) == (Reason.REQUEST_TOO_LARGE, 413)


def test_large_codes_of_real_providers_are_taken() -> None:
    assert isinstance(read_answer({"code": ["x" * MAX_VALUE_CHARS]}), Answer)


@given(st.dictionaries(st.text(max_size=20), st.lists(st.text(max_size=30), max_size=3), max_size=40))
def test_any_parameters_end_in_an_answer_or_a_refusal(params: dict[str, list[str]]) -> None:
    answer = read_answer(params)
    outcome = answer if isinstance(answer, Refusal) else check_answer(answer, ISSUER)
    if outcome is not None:
        assert outcome.message.isprintable()
        assert outcome.log.isprintable()


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        pytest.param(Answer("s", "c"), None, None, id="a success without iss"),
        pytest.param(Answer("s", "c", ISSUER), None, None, id="a success of our issuer"),
        pytest.param(Answer("s", "c", ISSUER + "/"), Reason.ISSUER_UNKNOWN, 400, id="one character more"),
        pytest.param(Answer("s", "c", ""), Reason.ISSUER_UNKNOWN, 400, id="an empty iss"),
        pytest.param(
            Answer("s", "", "https://evil.example", "access_denied"),
            Reason.ISSUER_UNKNOWN,
            400,
            id="an error of another issuer",
        ),
        pytest.param(
            Answer("s", "", None, "access_denied"),
            Reason.LOGIN_REFUSED_BY_PROVIDER,
            403,
            id="the person or the provider said no",
        ),
        pytest.param(
            Answer("s", "c", ISSUER, "access_denied"),
            Reason.LOGIN_REFUSED_BY_PROVIDER,
            403,
            id="an error beside a code is an error",
        ),
        pytest.param(
            Answer("s", "", None, "temporarily_unavailable"), Reason.PROVIDER_UNAVAILABLE, 503, id="later"
        ),
        pytest.param(Answer("s", "", None, "server_error"), Reason.PROVIDER_UNAVAILABLE, 503, id="its error"),
        pytest.param(Answer("s"), Reason.LOGIN_REFUSED_BY_PROVIDER, 400, id="neither code nor error"),
    ],
)
def test_answers_are_checked(answer: Answer, reason: Reason | None, status: int | None) -> None:
    refusal = check_answer(answer, ISSUER)
    assert reason_of(refusal) is reason
    assert (None if refusal is None else refusal.status) == status


@pytest.mark.parametrize("error", sorted(login_answer._OURS))
def test_an_error_about_our_registration_is_not_laid_at_the_persons_door(error: str) -> None:
    refusal = check_answer(Answer("s", "", None, error, "unknown client my-tool"), ISSUER)
    assert refusal is not None
    assert (refusal.reason, refusal.status) == (Reason.LOGIN_CLIENT_REFUSED, 503)
    assert "unknown client my-tool" in refusal.log
    assert "unknown client my-tool" not in refusal.message, "details are for operators"


def test_the_providers_own_words_are_shown_on_one_line_and_short() -> None:
    refusal = check_answer(Answer("s", "", None, "access_denied", "No\r\nway\x1b[31m" + "!" * 900), ISSUER)
    assert refusal is not None
    assert refusal.message.startswith("access_denied: No  way [31m!!!")
    assert len(refusal.message) < 450


@pytest.mark.parametrize(
    ("iss", "promised", "reason"),
    [
        pytest.param(None, True, Reason.ISSUER_UNKNOWN, id="promised and missing"),
        pytest.param(None, False, None, id="not promised"),
        pytest.param(ISSUER, True, None, id="promised and there"),
    ],
)
def test_a_promised_iss_has_to_be_there(iss: str | None, promised: bool, reason: Reason | None) -> None:
    assert reason_of(check_promised_issuer(Answer("s", "c", iss), promised)) is reason


@pytest.mark.parametrize(
    ("error", "reason", "status"),
    [
        pytest.param(ProviderUnavailable("x"), Reason.PROVIDER_UNAVAILABLE, 503, id="unavailable"),
        pytest.param(ProviderMisbehaved("x"), Reason.LOGIN_TOKEN_REJECTED, 400, id="misbehaved"),
        pytest.param(
            ProviderRefused("invalid_grant", "", 400), Reason.LOGIN_CLIENT_REFUSED, 400, id="code used"
        ),
        pytest.param(
            ProviderRefused("invalid_client", "", 401), Reason.LOGIN_CLIENT_REFUSED, 503, id="wrong secret"
        ),
        pytest.param(
            ProviderRefused("http_400", "", 400), Reason.LOGIN_CLIENT_REFUSED, 503, id="an empty 400"
        ),
        pytest.param(ProviderRefused("http_500", "", 500), Reason.PROVIDER_UNAVAILABLE, 503, id="500"),
        pytest.param(ProviderRefused("slow_down", "", 429), Reason.PROVIDER_UNAVAILABLE, 503, id="429"),
        pytest.param(
            ProviderRefused("temporarily_unavailable", "", 400), Reason.PROVIDER_UNAVAILABLE, 503, id="later"
        ),
        pytest.param(
            TokenRejected(Reason.LOGIN_NONCE_MISMATCH, "11. nonce", "x"),
            Reason.LOGIN_NONCE_MISMATCH,
            400,
            id="nonce",
        ),
        pytest.param(
            ClientError(Reason.SESSION_TOO_LARGE, "x"), Reason.SESSION_TOO_LARGE, 400, id="too large"
        ),
    ],
)
def test_what_is_raised_becomes_a_refusal(
    error: ProviderError | ClientError, reason: Reason, status: int
) -> None:
    refusal = refusal_of(error)
    assert (refusal.reason, refusal.status) == (reason, status)
    assert str(error) in refusal.log


def test_an_unknown_state_says_so() -> None:
    refusal = unknown_state("not here")
    assert (refusal.reason, refusal.status, refusal.log) == (Reason.LOGIN_STATE_UNKNOWN, 400, "not here")
