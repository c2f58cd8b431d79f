"""Security rule 26: what an identity shaped is not kept by shared caches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.http.caching import adjust_caching

BOTH = "Cookie, Authorization"


def test_public_answer_without_identity_is_untouched():
    assert adjust_caching("public, s-maxage=60", True, None, attached=False, public=True) == (None, None)
    assert adjust_caching(None, False, None, attached=False, public=True) == (None, None)


@pytest.mark.parametrize("public", [True, False], ids=["public rule", "other rule"])
def test_answer_with_identity_and_no_word_of_its_own_is_private(public):
    assert adjust_caching(None, False, None, attached=True, public=public) == ("private, no-store", BOTH)
    assert adjust_caching(None, True, None, attached=True, public=public) == ("private, no-cache", BOTH)


@pytest.mark.parametrize(
    ("cache_control", "changed"),
    [
        pytest.param("private, max-age=60", None, id="private already"),
        pytest.param("no-store", None, id="not stored at all"),
        pytest.param("Private", None, id="any case"),
        pytest.param("max-age=60", "private, max-age=60", id="storable by anybody"),
        pytest.param("no-cache", "private, no-cache", id="storable, though revalidated"),
        pytest.param("public, max-age=60", "private, max-age=60", id="public goes"),
        pytest.param("s-maxage=60, private", "private", id="s-maxage goes"),
        pytest.param("PUBLIC,S-MaxAge = 60 ,no-store", "no-store", id="any case, any blanks"),
        pytest.param("public", "private", id="nothing left"),
        pytest.param(
            'private="Set-Cookie"', 'private, private="Set-Cookie"', id="private for some fields only"
        ),
        pytest.param('x="a, public", public', 'private, x="a, public"', id="quoted text is left alone"),
        pytest.param('x="open, public', 'private, x="open', id="open quote hides nothing"),
        pytest.param("", "private", id="empty"),
        pytest.param("public-ish, private", None, id="another directive"),
    ],
)
def test_own_words_of_the_application_stay_but_for_shared_caches(cache_control, changed):
    assert adjust_caching(cache_control, True, BOTH, attached=True, public=False) == (changed, None)


def test_own_words_on_a_public_rule_stay_as_they_are():
    assert adjust_caching("public, max-age=60", False, None, attached=True, public=True) == (None, BOTH)


@pytest.mark.parametrize(
    ("cache_control", "changed"),
    [
        pytest.param("public, max-age=60", "max-age=60", id="shared words go"),
        pytest.param("max-age=60", None, id="others stay"),
        pytest.param("public", "private", id="nothing left"),
        pytest.param(None, None, id="nothing said"),
    ],
)
def test_preflight_without_identity_loses_shared_words_on_a_rule_that_is_not_public(cache_control, changed):
    assert adjust_caching(cache_control, False, None, attached=False, public=False) == (changed, None)


@pytest.mark.parametrize(
    ("vary", "changed"),
    [
        pytest.param(None, BOTH, id="absent"),
        pytest.param("", BOTH, id="empty"),
        pytest.param("Accept-Encoding", f"Accept-Encoding, {BOTH}", id="another"),
        pytest.param("cookie", "cookie, Authorization", id="one of both"),
        pytest.param("authorization , COOKIE", None, id="both, any case"),
        pytest.param("*", None, id="anything"),
        pytest.param("Accept, *", None, id="anything, in a list"),
        pytest.param("Cookies", f"Cookies, {BOTH}", id="a longer word"),
    ],
)
def test_vary_names_what_the_identity_came_from(vary, changed):
    assert adjust_caching("private", False, vary, attached=True, public=False) == (None, changed)


@settings(max_examples=200)
@given(st.text(max_size=30) | st.text(alphabet='publics-mxageno,=" \\', max_size=40), st.booleans())
def test_no_shared_word_survives_and_a_second_pass_changes_nothing(cache_control, attached):
    changed, _ = adjust_caching(cache_control, False, BOTH, attached=attached, public=False)
    final = cache_control if changed is None else changed
    assert "public" not in [word.strip().lower() for word in final.split(",") if '"' not in final]
    assert adjust_caching(final, False, BOTH, attached=attached, public=False) == (None, None)
