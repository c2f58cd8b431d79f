"""The provider as one process sees it: what is fetched when, and what serves while it is down."""

from __future__ import annotations

from typing import Any

import pytest

from idaware.effects import FetchJson, JsonAnswer
from idaware.errors import ProviderMisbehaved, ProviderUnavailable
from idaware.oidc.provider import (
    KEYS_MAX_SECONDS,
    KEYS_MIN_SECONDS,
    KEYS_SECONDS,
    METADATA_SECONDS,
    NEWER_KEYS_SECONDS,
    PROBE_SECONDS,
    Provider,
)
from idaware.oidc.providers import quirks_for
from idaware.oidc.remembered import RETRY_SECONDS, STALE_SECONDS, UNDER_WAY_SECONDS

DAY = STALE_SECONDS


def metadata(op: Any, now: float) -> Any:
    return op.world.run(op.provider.metadata(now))


def keys(op: Any, now: float, kid: str | None = "k1", alg: str = "RS256") -> Any:
    return op.world.run(op.provider.keys(kid, alg, now))


def fetches(op: Any, url: str) -> int:
    count: int = op.world.asked.count(url)
    return count


def switch_off(op: Any, error: Any = None) -> None:
    for url in (op.metadata_url, op.jwks_url):
        op.world.table[url] = error or op.down


# -- metadata ------------------------------------------------------------------------------------------------


def test_nothing_is_fetched_until_it_is_needed(op: Any) -> None:
    assert op.provider.metadata_now(op.now) is None
    assert op.provider.probe_now(op.now) is None
    assert op.provider.problem is None
    assert op.world.asked == []


def test_metadata_is_fetched_once_an_hour(op: Any) -> None:
    first = metadata(op, op.now)
    assert metadata(op, op.now + METADATA_SECONDS - 1) is first
    assert op.provider.metadata_now(op.now + METADATA_SECONDS - 1) is first
    assert op.provider.metadata_now(op.now + METADATA_SECONDS) is None
    assert metadata(op, op.now + METADATA_SECONDS) is not first
    assert fetches(op, op.metadata_url) == 2


def test_application_starts_while_the_provider_is_down_and_recovers_by_itself(op: Any) -> None:
    working = dict(op.world.table)
    switch_off(op)
    with pytest.raises(ProviderUnavailable):
        metadata(op, op.now)
    assert op.provider.problem == "nobody there"
    op.world.table.update(working)
    assert metadata(op, op.now + RETRY_SECONDS).issuer == op.issuer
    assert op.provider.problem is None


def test_provider_that_is_down_costs_one_attempt_in_five_seconds(op: Any) -> None:
    switch_off(op)
    for second in range(RETRY_SECONDS):
        with pytest.raises(ProviderUnavailable, match="nobody there"):
            metadata(op, op.now + second)
    assert fetches(op, op.metadata_url) == 1
    with pytest.raises(ProviderUnavailable):
        metadata(op, op.now + RETRY_SECONDS)
    assert fetches(op, op.metadata_url) == 2


def test_kept_metadata_serves_for_a_day_while_the_provider_is_down(op: Any) -> None:
    first = metadata(op, op.now)
    switch_off(op)
    late = op.now + METADATA_SECONDS
    assert metadata(op, late) is first
    assert op.provider.metadata_now(late + 1) is first  # resting: no request has to wait for another attempt
    assert op.provider.metadata_now(late + RETRY_SECONDS) is None
    assert metadata(op, op.now + DAY) is first
    with pytest.raises(ProviderUnavailable):
        metadata(op, op.now + DAY + RETRY_SECONDS)
    assert op.provider.metadata_now(op.now + DAY + RETRY_SECONDS + 1) is None


def test_a_rest_begins_when_the_attempt_ends(op: Any) -> None:
    """A provider that answers nothing fails after seconds: else the next request would be held up at once."""
    time = [op.now]
    slow = Provider(op.settings, quirks_for(op.issuer), clock=lambda: time[0])
    flow = slow.metadata(op.now)
    next(flow)
    time[0] += 2 * RETRY_SECONDS
    with pytest.raises(ProviderUnavailable):
        flow.throw(ProviderUnavailable("no complete answer within 10 s"))
    for later in (time[0] - 1, time[0], time[0] + RETRY_SECONDS - 1):
        with pytest.raises(ProviderUnavailable, match="within 10 s"):
            next(slow.metadata(later))
    assert isinstance(next(slow.metadata(time[0] + RETRY_SECONDS)), FetchJson)


def test_a_slow_provider_holds_up_one_request_where_a_document_is_kept(op: Any) -> None:
    first = metadata(op, op.now)
    late = op.now + METADATA_SECONDS
    waiting = op.provider.metadata(late)
    next(waiting)
    assert op.provider.metadata_now(late) is first
    assert metadata(op, late + 1) is first
    assert op.provider.metadata_now(late + UNDER_WAY_SECONDS) is None, (
        "a fetch that a fork cut off never ends"
    )
    assert op.provider.metadata_now(late + DAY) is None
    waiting.close()
    assert op.provider.metadata_now(late) is None, "given up: somebody else has to ask"


def test_where_nothing_is_kept_everybody_waits_for_the_one_fetch(op: Any) -> None:
    waiting = op.provider.metadata(op.now)
    next(waiting)
    assert op.provider.metadata_now(op.now) is None
    assert isinstance(next(op.provider.metadata(op.now)), FetchJson)


@pytest.mark.parametrize(
    "answer",
    [
        JsonAnswer(404, None),
        JsonAnswer(200, None, content_type="text/html"),
        JsonAnswer(200, {"issuer": "https://evil.example"}),
        JsonAnswer(302, None),
        ProviderMisbehaved("too large"),
    ],
    ids=["not_found", "a_page", "another_issuer", "a_redirect", "too_large"],
)
def test_answer_that_is_no_metadata_is_a_problem_and_kept_metadata_serves_on(op: Any, answer: Any) -> None:
    op.world.table[op.metadata_url] = answer
    with pytest.raises(ProviderMisbehaved):
        metadata(op, op.now)
    assert op.provider.problem
    op.world.table[op.metadata_url] = lambda: JsonAnswer(200, dict(op.document))
    first = metadata(op, op.now + RETRY_SECONDS)
    op.world.table[op.metadata_url] = answer
    assert metadata(op, op.now + RETRY_SECONDS + METADATA_SECONDS) is first


def test_document_under_another_status_than_200_is_none(op: Any) -> None:
    op.world.table[op.metadata_url] = JsonAnswer(404, op.document)
    with pytest.raises(ProviderMisbehaved, match="404"):
        metadata(op, op.now)


def test_failure_is_raised_again_as_what_it_was(op: Any) -> None:
    op.world.table[op.metadata_url] = ProviderMisbehaved("a redirect")
    for _ in range(2):
        with pytest.raises(ProviderMisbehaved, match="a redirect"):
            metadata(op, op.now)


def test_clock_that_was_set_back_leads_to_a_fetch_and_not_to_metadata_for_ever(op: Any) -> None:
    metadata(op, op.now)
    earlier = op.now - 7 * DAY
    assert op.provider.metadata_now(earlier) is None
    metadata(op, earlier)
    assert op.provider.metadata_now(earlier + 1) is not None
    assert op.provider.metadata_now(op.now) is None


def test_failure_from_before_the_clock_was_set_back_holds_nobody_up(op: Any) -> None:
    working = dict(op.world.table)
    switch_off(op)
    with pytest.raises(ProviderUnavailable):
        metadata(op, op.now)
    op.world.table.update(working)
    assert metadata(op, op.now - DAY).issuer == op.issuer


def test_two_flows_at_once_both_fetch_and_the_newer_document_stays(op: Any) -> None:
    slow, quick = op.provider.metadata(op.now), op.provider.metadata(op.now + 1)
    slow_effect, quick_effect = next(slow), next(quick)
    assert (
        slow_effect == quick_effect
    )  # nobody is told "failed" because somebody else is asking: the port shares
    with pytest.raises(StopIteration) as finished:
        quick.send(JsonAnswer(200, op.document))
    newer = finished.value.value
    with pytest.raises(StopIteration):
        slow.send(JsonAnswer(200, op.document))
    assert op.provider.metadata_now(op.now + 2) is newer


def test_newer_document_replaces_the_older_one_in_whatever_order_they_came(op: Any) -> None:
    older, newer = op.provider.metadata(op.now), op.provider.metadata(op.now + 1)
    next(older), next(newer)
    for flow in (older, newer):
        with pytest.raises(StopIteration) as finished:
            flow.send(JsonAnswer(200, dict(op.document)))
    assert op.provider.metadata_now(op.now + 2) is finished.value.value


# -- keys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_age", "lifetime"),
    [
        (None, KEYS_SECONDS),
        (0, KEYS_MIN_SECONDS),
        (60, KEYS_MIN_SECONDS),
        (7200, 7200),
        (10**9, KEYS_MAX_SECONDS),
    ],
)
def test_keys_live_as_long_as_the_answer_says_within_bounds(
    op: Any, max_age: int | None, lifetime: int
) -> None:
    op.max_age = max_age
    keys(op, op.now)
    keys(op, op.now + lifetime - 1)
    assert fetches(op, op.jwks_url) == 1
    keys(op, op.now + lifetime)
    assert fetches(op, op.jwks_url) == 2


def test_key_that_a_fetch_no_longer_brings_is_gone(op: Any) -> None:
    assert len(keys(op, op.now)) == 1
    op.jwks = [op.jwk("k2")]
    assert keys(op, op.now + KEYS_SECONDS) == ()
    assert len(keys(op, op.now + KEYS_SECONDS, "k2")) == 1


def test_unknown_kid_costs_one_fetch_then_there_is_a_cool_down(op: Any) -> None:
    keys(op, op.now)
    op.jwks.append(op.jwk("k2"))
    assert len(keys(op, op.now + 1, "k2")) == 1
    for second in range(2, 1 + NEWER_KEYS_SECONDS):
        assert keys(op, op.now + second, "zz") == ()
    assert fetches(op, op.jwks_url) == 2
    assert keys(op, op.now + 1 + NEWER_KEYS_SECONDS, "zz") == ()
    assert fetches(op, op.jwks_url) == 3


def test_unknown_kid_does_not_fetch_again_what_was_fetched_for_it(op: Any) -> None:
    assert keys(op, op.now, "zz") == ()
    assert fetches(op, op.jwks_url) == 1


def test_unknown_kid_does_not_fetch_again_what_was_just_renewed(op: Any) -> None:
    keys(op, op.now)
    assert keys(op, op.now + KEYS_SECONDS, "zz") == ()
    assert fetches(op, op.jwks_url) == 2


def test_cool_down_ends_when_the_clock_was_set_back(op: Any) -> None:
    keys(op, op.now)
    keys(op, op.now + 1, "zz")
    keys(op, op.now - 10, "zz")  # the kept keys are from the future: a fetch
    keys(op, op.now - 9, "zz")  # and so is the cool-down: another one
    keys(op, op.now - 8, "zz")
    assert fetches(op, op.jwks_url) == 4


def test_kept_keys_serve_for_a_day_while_the_provider_is_down(op: Any) -> None:
    keys(op, op.now)
    switch_off(op)
    assert len(keys(op, op.now + DAY)) == 1
    with pytest.raises(ProviderUnavailable):
        keys(op, op.now + DAY + RETRY_SECONDS)


@pytest.mark.parametrize(
    "answer",
    [
        ProviderUnavailable("500"),
        ProviderMisbehaved("larger than 1 MiB"),
        ProviderMisbehaved("a redirect to http"),
        JsonAnswer(200, None),
        JsonAnswer(404, {"keys": []}),
        JsonAnswer(200, {"error": "x"}),
    ],
    ids=["unavailable", "too_large", "redirect", "a_page", "not_found", "no_key_set"],
)
def test_answer_that_is_no_key_set_closes_or_leaves_the_kept_keys(op: Any, answer: Any) -> None:
    working = op.world.table[op.jwks_url]
    op.world.table[op.jwks_url] = answer
    with pytest.raises((ProviderUnavailable, ProviderMisbehaved)):
        keys(op, op.now)
    assert op.provider.problem
    op.world.table[op.jwks_url] = working
    assert len(keys(op, op.now + RETRY_SECONDS)) == 1
    op.world.table[op.jwks_url] = answer
    assert len(keys(op, op.now + RETRY_SECONDS + KEYS_SECONDS)) == 1


def test_unknown_kid_while_the_provider_is_down_is_no_verdict_on_the_token(op: Any) -> None:
    keys(op, op.now)
    switch_off(op)
    with pytest.raises(ProviderUnavailable):
        keys(op, op.now + 1, "zz")
    assert keys(op, op.now + 2, "zz") == ()  # the cool-down holds all the same
    assert fetches(op, op.jwks_url) == 2
    assert len(keys(op, op.now + 2)) == 1


def test_keys_follow_the_metadata_to_another_address(op: Any) -> None:
    op.max_age = KEYS_MAX_SECONDS
    keys(op, op.now)
    op.document["jwks_uri"] = f"{op.issuer}/keys"
    op.world.table[f"{op.issuer}/keys"] = lambda: JsonAnswer(200, {"keys": [op.jwk("k2")]})
    assert keys(op, op.now + METADATA_SECONDS, "k1") == ()
    assert len(keys(op, op.now + METADATA_SECONDS, "k2")) == 1


def test_keys_from_another_address_do_not_serve_when_the_new_one_fails(op: Any) -> None:
    keys(op, op.now)
    op.document["jwks_uri"] = f"{op.issuer}/keys"
    op.world.table[f"{op.issuer}/keys"] = op.down
    with pytest.raises(ProviderUnavailable):
        keys(op, op.now + METADATA_SECONDS, "k1")


def test_only_the_metadata_and_its_endpoints_are_asked(op: Any) -> None:
    keys(op, op.now)
    assert op.world.asked == [op.metadata_url, op.jwks_url]
    assert all(effect.bearer is None for effect in op.world.effects)


def test_key_set_can_be_had_whole(op: Any) -> None:
    assert len(op.world.run(op.provider.key_set(op.now)).by_alg["RS256"]) == 1


# -- probe ---------------------------------------------------------------------------------------------------


def probe(op: Any, now: float) -> bool:
    good: bool = op.world.run(op.provider.probe(now))
    return good


def test_one_request_probes_and_the_others_do_not_wait_for_it(op: Any) -> None:
    waiting = op.provider.probe(op.now)
    next(waiting)
    assert op.provider.probe_now(op.now + 1) is False
    assert probe(op, op.now + 1) is False
    assert op.provider.probe_now(op.now + UNDER_WAY_SECONDS) is None
    waiting.close()
    assert op.provider.probe_now(op.now + 1) is None
    assert probe(op, op.now + 1)


def test_probe_asks_the_provider_at_most_every_half_minute(op: Any) -> None:
    assert probe(op, op.now)
    assert probe(op, op.now + PROBE_SECONDS - 1)
    assert op.provider.probe_now(op.now + PROBE_SECONDS - 1) is True
    assert fetches(op, op.metadata_url) == 1
    assert op.provider.probe_now(op.now + PROBE_SECONDS) is None
    assert probe(op, op.now + PROBE_SECONDS)
    assert fetches(op, op.metadata_url) == 2


@pytest.mark.parametrize(
    "error", [ProviderUnavailable("down"), ProviderMisbehaved("odd"), JsonAnswer(200, {"issuer": "x"})]
)
def test_probe_of_a_provider_that_is_down_or_odd_is_false_and_never_raises(op: Any, error: Any) -> None:
    metadata(op, op.now)
    switch_off(op, error)
    assert probe(op, op.now) is False
    assert op.provider.probe_now(op.now + 1) is False
    assert op.provider.metadata_now(op.now + 1) is not None
    assert op.provider.probe_now(op.now - 1) is None
