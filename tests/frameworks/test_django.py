"""Django: ``request.user`` from the gate, guards, accounts kept in step, and security rule 6 at dispatch."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client as WsgiClient

from idaware import asgi, wsgi
from idaware.errors import ConfigurationError
from idaware.http.paths import check_path
from idaware.http.routes import parts_agree
from idaware.identity import ANONYMOUS, Identity, Wanted
from idaware.testing import capture_audit, signed_in, signed_out
from support import django_site

django_site.ready()

from django.contrib.auth.models import AnonymousUser, Group, User  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.exceptions import ImproperlyConfigured, PermissionDenied  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.test import AsyncClient, Client, RequestFactory, override_settings  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import Resolver404, ResolverMatch, include, path, re_path  # noqa: E402
from django.urls.resolvers import RegexPattern, URLResolver  # noqa: E402
from django.utils.decorators import method_decorator  # noqa: E402
from django.views import View  # noqa: E402

from idaware.django import IdentityMiddleware, _part, current_identity, require_groups  # noqa: E402
from idaware.django.users import DatabaseUsers, LightUser, users_from_settings  # noqa: E402

REACHED: list[str] = []


def who(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    user = request.user
    return JsonResponse(
        {
            "principal": current_identity(request).principal,
            "user": user.get_username(),
            "signed_in": user.is_authenticated,
        }
    )


async def who_async(request: HttpRequest) -> HttpResponse:
    user = await request.auser()
    return JsonResponse({"principal": current_identity(request).principal, "user": user.get_username()})


@require_groups("sre")
def sre(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for sre")


@require_groups("sre")
async def sre_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("for sre, later")


@require_groups("cleaners")
def not_kept(request: HttpRequest) -> HttpResponse:
    raise AssertionError("a guard on a group that is not kept never passes")


class Page(View):
    @method_decorator(require_groups("auditors"))
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for auditors")


def admin(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    REACHED.append(request.path_info)
    return HttpResponse("secrets")


ROUTES = [
    path("who/", who),
    path("public/who/", who),
    path("public/guarded/", sre),
    path("async/who/", who_async),
    path("sre/", sre),
    path("sre/async/", sre_async),
    path("page/", Page.as_view()),
    path("not-kept/", not_kept),
    path("jobs/<int:job>/", include([path("log/<path:name>", who), re_path(r"^v(?P<v>\d+)/$", who)])),
    path("admin/users/", admin),
    re_path(r"(?i)^folded/$", admin),
    re_path(r"inside/", admin),
    path("plain", who),
]


@pytest.fixture(autouse=True)
def site() -> Iterator[ModuleType]:
    """A module with the routes, as ``ROOT_URLCONF`` and ``WSGI_APPLICATION`` name one."""
    module = ModuleType("tests_django_project")
    module.urlpatterns = ROUTES  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    REACHED.clear()
    with override_settings(
        ROOT_URLCONF=module.__name__, WSGI_APPLICATION=f"{module.__name__}.application", IDAWARE={}
    ):
        yield module
    del sys.modules[module.__name__]


@pytest.fixture
def application(site: ModuleType, gate_settings: Any) -> Any:
    site.application = wsgi.IdentityMiddleware(get_wsgi_application(), **gate_settings())  # type: ignore[attr-defined]
    return site.application


@pytest.fixture
def client(application: Any) -> Client:
    return Client()


@pytest.fixture
def asgi_client(gate_settings: Any) -> TestClient:
    return TestClient(asgi.IdentityMiddleware(get_asgi_application(), **gate_settings()))


# -- who is asking --------------------------------------------------------------------------------------------------


def test_who_asks_is_told(client: Client) -> None:
    answer = signed_in(client, groups=["sre"], sub="alice").get("/who/")
    assert answer.json() == {"principal": "login/alice", "user": "alice", "signed_in": True}


def test_nobody_on_a_public_path_is_anonymous(client: Client) -> None:
    answer = signed_out(client).get("/public/who/")
    assert answer.json() == {"principal": None, "user": "", "signed_in": False}


@pytest.mark.parametrize("url", ["/who/", "/async/who/"])
def test_who_asks_is_told_under_asgi(asgi_client: TestClient, url: str) -> None:
    answer = signed_in(asgi_client, groups=["sre"], sub="alice").get(url)
    assert answer.json()["principal"] == "login/alice"
    assert answer.json()["user"] == "alice"


def test_an_async_view_runs_under_wsgi_too(client: Client) -> None:
    assert signed_in(client, groups=["sre"]).get("/async/who/").json()["user"] == "tester"


@pytest.mark.parametrize("url", ["/who/", "/sre/", "/plain"])
def test_an_application_without_the_gate_refuses_to_work(url: str) -> None:
    with pytest.raises(ConfigurationError, match="get_wsgi_application"):
        Client().get(url)
    assert Client(raise_request_exception=False).get(url).status_code == 500


def test_the_entry_is_async_where_django_is() -> None:
    async def respond(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    assert iscoroutinefunction(IdentityMiddleware(respond))
    assert not iscoroutinefunction(IdentityMiddleware(lambda request: HttpResponse()))


# -- guards -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/sre/", "/sre/async/"])
def test_a_guard_lets_its_groups_pass_and_nobody_else(client: Client, url: str) -> None:
    assert signed_in(client, groups=["sre"]).get(url).status_code == 200
    assert signed_in(client, groups=["finance"]).get(url).status_code == 403


def test_a_class_based_view_is_guarded(client: Client) -> None:
    assert signed_in(client, groups=["sre", "auditors"]).get("/page/").status_code == 200
    assert signed_in(client, groups=["sre"]).get("/page/").status_code == 403


@pytest.mark.parametrize("url", ["/sre/", "/sre/async/"])
def test_a_guard_works_under_asgi(asgi_client: TestClient, url: str) -> None:
    assert signed_in(asgi_client, groups=["sre"]).get(url).status_code == 200
    assert signed_in(asgi_client, groups=["finance"]).get(url).status_code == 403


def test_nobody_gets_401_from_a_guard_on_a_public_path(client: Client) -> None:
    answer = signed_out(client).get("/public/guarded/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="idaware"')


def test_a_guard_on_a_group_that_is_not_kept_is_an_error(client: Client) -> None:
    with pytest.raises(ConfigurationError, match="cleaners"):
        signed_in(client, groups=["sre"]).get("/not-kept/")


# -- security rule 6 --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("/who/", "/who/"),
        ("/jobs/7/log/a/b", "/jobs/<int:job>/log/<path:name>"),
        ("/jobs/7/v2/", r"/jobs/<int:job>/v(?P<v>\d+)/$"),
    ],
    ids=["literal", "include", "regular expression"],
)
def test_the_route_is_in_the_record(client: Client, asgi_client: TestClient, url: str, route: str) -> None:
    for guarded in (signed_in(client, groups=["sre"]), signed_in(asgi_client, groups=["sre"])):
        with capture_audit(guarded) as records:
            assert guarded.get(url).status_code == 200
        assert (records.last["route"], records.last["framework"]) == (route, "django")


class Rewrites:
    """A WSGI middleware inside the gate that sends requests elsewhere."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        environ["PATH_INFO"] = environ["PATH_INFO"].replace("/jobs/users", "/admin/users")
        return self.app(environ, start_response)


def test_a_path_rewritten_behind_the_gate_reaches_no_view(gate_settings: Any) -> None:
    guarded = wsgi.IdentityMiddleware(Rewrites(get_wsgi_application()), **gate_settings())
    client = signed_in(WsgiClient(guarded), groups=["sre"])
    with capture_audit(guarded) as records:
        answer = client.get("/jobs/users/")
    assert (answer.status_code, REACHED) == (403, [])
    assert (records.last["reason"], records.last["route"]) == ("path_mismatch", "/admin/users/")


def test_a_path_rewritten_behind_the_asgi_gate_reaches_no_view(gate_settings: Any) -> None:
    inner = get_asgi_application()

    async def rewrites(scope: Any, receive: Any, send: Any) -> None:
        scope["path"] = scope["path"].replace("/jobs/users", "/admin/users")
        await inner(scope, receive, send)

    guarded = asgi.IdentityMiddleware(rewrites, **gate_settings())
    client = signed_in(TestClient(guarded), groups=["sre"])
    with capture_audit(guarded) as records:
        answer = client.get("/jobs/users/")
    assert (answer.status_code, REACHED) == (403, [])
    assert (records.last["reason"], records.last["route"]) == ("path_mismatch", "/admin/users/")


@pytest.mark.parametrize("url", ["/FOLDED/", "/x/inside/"], ids=["case folded", "matched in the middle"])
def test_a_pattern_that_reads_another_path_than_the_policy_reaches_no_view(client: Client, url: str) -> None:
    signed_in(client, groups=["sre"])
    with capture_audit(client) as records:
        assert client.get(url).status_code == 403
    assert (records.last["reason"], REACHED) == ("path_mismatch", [])
    assert client.get("/folded/").status_code == 200


@pytest.mark.parametrize("side", ["wsgi", "asgi"])
def test_a_mounted_application_is_compared_with_its_mount(gate_settings: Any, side: str) -> None:
    guarded: Any
    if side == "wsgi":
        mounts = DispatcherMiddleware(lambda environ, start: [], {"/tools": get_wsgi_application()})
        guarded = wsgi.IdentityMiddleware(mounts, **gate_settings())
        client: Any = WsgiClient(guarded)
    else:
        guarded = asgi.IdentityMiddleware(
            Starlette(routes=[Mount("/tools", get_asgi_application())]), **gate_settings()
        )
        client = TestClient(guarded)
    with capture_audit(guarded) as records:
        assert signed_in(client, groups=["sre"]).get("/tools/who/").status_code == 200
    assert records.last["route"] == "/tools/who/"


def test_an_address_that_the_application_tells_does_not_disturb(client: Client) -> None:
    with override_settings(FORCE_SCRIPT_NAME="/outside"):
        assert signed_in(client, groups=["sre"]).get("/who/").status_code == 200


def test_a_match_that_tells_no_patterns_is_not_compared(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        ResolverMatch, "tried", property(lambda self: None, lambda self, tried: None), raising=False
    )
    assert signed_in(client, groups=["sre"]).get("/who/").status_code == 200


PATTERNS = [
    r"^jobs/(?P<id>[0-9]+)/delete/$",
    r"^(?P<kind>a|b/c)/(?P<name>[\w-]+)/?$",
    r"^files/(?P<rest>.*)$",
    r"^files/(?P<rest>.+)/raw$",
    r"^v(\d+(?:\.\d+)?)/users$",
    r"^(?:en|de)?/?about$",
    r"^x[^/]*/y*/z{0,2}$",
    r"^app",
    r"^app/",
    r"(?P<slug>[a-c]+)/edit/$",
    r"\.pdf$",
    r"[ab]+\Z",
    r"",
    r"a|b/c",
]


@settings(max_examples=200)
@given(st.data())
def test_what_django_matches_agrees(data: st.DataObject) -> None:
    include_path, regex = (
        data.draw(st.sampled_from(["", "api/", "t/<slug:t>/"])),
        data.draw(st.sampled_from(PATTERNS)),
    )
    resolver = URLResolver(RegexPattern(r"^/"), [path(include_path, include([re_path(regex, who)]))])
    text = data.draw(st.from_regex(regex, alphabet="abcdefghijklmnopqrstuvwxyz0123456789./-_"))
    url = "/" + include_path.replace("<slug:t>", "s") + text
    assume(check_path(url, None) is None)
    try:
        match = resolver.resolve(url)
    except Resolver404:
        return
    parts = tuple(_part(entry.pattern) for entry in match.tried[-1])
    assert parts_agree(parts, url)
    told = url.replace("/api/", "/API/")
    assert parts_agree(parts, told) == (told == url or include_path != "api/")


# -- users ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_accounts() -> Iterator[None]:
    yield
    User.objects.all().delete()
    Group.objects.all().delete()


database = override_settings(IDAWARE={"USERS": "database"})
KEPT = Wanted(groups=frozenset({"sre", "finance"}))


def person(sub: str = "alice", **facts: Any) -> Identity:
    defaults: dict[str, Any] = {
        "alias": "login", "actor_type": "human", "groups": frozenset(), "session_id": "s1", "kept": KEPT,
        "wanted": Wanted(groups=frozenset({"sre", "finance", "new"})),
    }  # fmt: skip
    return Identity(subject=sub, **{**defaults, **facts})


def accounts(**asked: Any) -> DatabaseUsers:
    return DatabaseUsers(**{"staff_groups": None, "superuser_groups": None, "find_user": None, **asked})


def test_a_light_user_speaks_as_djangos_own_does() -> None:
    user = LightUser(person(user="alice@corp", email="a@corp.example", name="Alice"))
    assert (str(user), user.get_username(), user.email) == ("alice@corp", "alice@corp", "a@corp.example")
    assert (user.get_full_name(), user.get_short_name()) == ("Alice", "Alice")
    assert (user.is_authenticated, user.is_anonymous, user.is_active) == (True, False, True)
    assert (user.is_staff, user.is_superuser, user.pk) == (False, False, None)
    assert not user.has_perm("x")
    assert not user.has_module_perms("x")
    assert not user.has_perms(["x"])
    assert user.has_perms([])
    assert user == LightUser(person()) != LightUser(person("bob"))
    assert hash(user) == hash(LightUser(person()))
    nobody = LightUser(ANONYMOUS)
    assert (nobody.is_anonymous, nobody.email, nobody.get_full_name()) == (True, "", "")


@pytest.mark.usefixtures("no_accounts")
def test_an_account_is_made_at_the_first_request(application: Any) -> None:
    with database:
        client = signed_in(Client(), groups=["sre"], sub="alice", email="a@corp.example", name="Alice A")
        assert client.get("/who/").json()["user"] == "login/alice"
    user = User.objects.get(username="login/alice")
    assert (user.email, user.first_name, user.is_staff, user.is_superuser) == (
        "a@corp.example",
        "Alice A",
        False,
        False,
    )
    assert [group.name for group in user.groups.all()] == ["sre"]
    assert not user.has_usable_password()


@pytest.mark.usefixtures("no_accounts")
def test_a_request_that_never_asks_for_the_user_asks_no_database(application: Any) -> None:
    with database:
        client = signed_in(Client(), groups=["sre"])
        with CaptureQueriesContext(connection) as queries:
            assert client.get("/sre/").status_code == 200
    assert len(queries) == 0


@pytest.mark.usefixtures("no_accounts")
def test_an_account_is_kept_in_step_at_each_sign_in_and_not_at_each_request() -> None:
    users = accounts()
    users.user_of(person(groups=frozenset({"sre", "finance"})))
    with CaptureQueriesContext(connection) as queries:
        again = users.user_of(person(groups=frozenset({"sre", "finance"})))
    assert len(queries) == 1
    assert again.groups.count() == 2
    later = users.user_of(person(groups=frozenset({"finance"}), session_id="s2", name="Alice B"))
    assert ([group.name for group in later.groups.all()], later.first_name) == (["finance"], "Alice B")
    assert users.user_of(person(groups=None, session_id="s3")).groups.count() == 0


@pytest.mark.usefixtures("no_accounts")
def test_groups_given_by_hand_do_not_stay() -> None:
    users = accounts()
    users.user_of(person()).groups.add(Group.objects.create(name="sre"))
    assert users.user_of(person(session_id="s2")).groups.count() == 0


@pytest.mark.usefixtures("no_accounts")
def test_an_account_that_is_gone_is_made_again() -> None:
    users = accounts()
    users.user_of(person(groups=frozenset({"sre"}))).delete()
    assert users.user_of(person(groups=frozenset({"sre"}))).groups.count() == 1


@pytest.mark.usefixtures("no_accounts")
def test_staff_and_superusers_are_those_in_the_groups_and_nobody_else() -> None:
    users = accounts(staff_groups=("sre",), superuser_groups=())
    user = users.user_of(person(groups=frozenset({"sre"})))
    assert (user.is_staff, user.is_superuser) == (True, False)
    User.objects.update(is_superuser=True)
    user = users.user_of(person(session_id="s2"))
    assert (user.is_staff, user.is_superuser) == (False, False)


@pytest.mark.usefixtures("no_accounts")
def test_staff_and_superusers_stay_as_they_are_where_no_groups_are_named() -> None:
    users = accounts()
    users.user_of(person())
    User.objects.update(is_staff=True)
    assert users.user_of(person(session_id="s2")).is_staff


@pytest.mark.usefixtures("no_accounts")
def test_a_session_that_cannot_say_whether_somebody_is_staff_is_refused() -> None:
    with pytest.raises(PermissionDenied, match="new"):
        accounts(staff_groups=("new",), superuser_groups=None).user_of(person())


@pytest.mark.usefixtures("no_accounts")
def test_an_account_that_is_switched_off_is_nobody() -> None:
    users = accounts()
    users.user_of(person())
    User.objects.update(is_active=False)
    assert users.user_of(person()) == AnonymousUser()


def test_nobody_has_no_account() -> None:
    assert accounts().user_of(ANONYMOUS) == AnonymousUser()
    assert User.objects.count() == 0


def find_bob(identity: Identity) -> Any:
    return User.objects.filter(email=identity.email).first() if identity.email_verified else None


@pytest.mark.usefixtures("no_accounts")
def test_an_account_that_exists_already_is_found() -> None:
    bob = User.objects.create_user("bob", "b@corp.example")
    users = accounts(find_user=find_bob)
    found = users.user_of(person("1", email="b@corp.example", email_verified=True, groups=frozenset({"sre"})))
    assert (found, found.groups.count()) == (bob, 1)
    other = users.user_of(person("2", email="b@corp.example", email_verified=False, session_id="s2"))
    assert other.username == "login/2"


@pytest.mark.usefixtures("no_accounts")
def test_names_that_do_not_fit_are_cut_with_a_digest() -> None:
    long = "g" * 200
    user = accounts().user_of(person("s" * 200, groups=frozenset({long + "1", long + "2"})))
    assert len(user.username) <= 150
    assert user.groups.count() == 2
    assert accounts().user_of(person("s" * 199 + "t")) != user


@pytest.mark.usefixtures("no_accounts")
def test_a_database_that_folds_case_gives_nobody_anothers_account(monkeypatch: pytest.MonkeyPatch) -> None:
    User.objects.create_user("login/ALICE")
    plain = User._default_manager.get_or_create
    monkeypatch.setattr(
        User._default_manager,
        "get_or_create",
        lambda username, defaults: plain(username="login/ALICE", defaults=defaults),
    )
    with pytest.raises(PermissionDenied, match="exactly"):
        accounts().user_of(person())


@pytest.mark.usefixtures("no_accounts")
def test_a_user_model_of_fewer_fields_is_served() -> None:
    class Bare:
        """What ``AbstractBaseUser`` has, and an address for a name."""

        USERNAME_FIELD = "email"
        is_active = True

        class _state:
            db = "default"

        @staticmethod
        def get_email_field_name() -> str:
            return "email"

    bare = Bare()
    assert accounts(find_user=lambda identity: bare).user_of(person()) is bare


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"USER": "database"}, "did you mean 'USERS'"),
        ({"zzz": 1}, "expected USERS"),
        ({"USERS": "none"}, "expected 'light' or 'database'"),
        ({"STAFF_GROUPS": ["sre"]}, "set 'USERS' to 'database'"),
        ({"USERS": "database", "STAFF_GROUPS": "sre"}, "expected a list"),
    ],
    ids=["nearly", "unknown", "kind", "not used", "text for a list"],
)
def test_settings_that_are_not_understood_stop_the_start(given: dict[str, Any], message: str) -> None:
    with override_settings(IDAWARE=given), pytest.raises(ImproperlyConfigured, match=message):
        users_from_settings()


def test_settings_are_taken() -> None:
    given = {
        "USERS": "database",
        "STAFF_GROUPS": ["sre"],
        "SUPERUSER_GROUPS": [],
        "FIND_USER": f"{__name__}.find_bob",
    }
    with override_settings(IDAWARE=given):
        users = users_from_settings()
    assert isinstance(users, DatabaseUsers)
    assert users._flags == {"is_staff": ("sre",), "is_superuser": ()}


# -- Django's clients -------------------------------------------------------------------------------------------------


def test_the_asynchronous_client_passes_the_gate(application: Any) -> None:
    async def ask(groups: list[str], url: str, **how: Any) -> Any:
        return await signed_in(AsyncClient(), groups=groups).get(url, **how)

    def run(*args: Any, **how: Any) -> Any:
        return asyncio.run(ask(*args, **how))

    allowed = run(["sre"], "/async/who/")
    assert (allowed.status_code, allowed.json()["user"]) == (200, "tester")
    refused = run(["finance"], "/admin/users/", headers={"accept": "text/html"})
    assert (refused.status_code, "Sign in as somebody else" in refused.content.decode()) == (403, True)
    assert refused.asgi_request.path == "/admin/users/"


def test_a_plain_request_of_the_factory_is_told_that_no_gate_was_there() -> None:
    with pytest.raises(ConfigurationError):
        current_identity(RequestFactory().get("/"))


def test_the_asynchronous_client_is_answered_by_our_own_endpoints(
    site: ModuleType, gate_settings: Any
) -> None:
    settings = gate_settings(
        base_url="https://billing.corp.example", hosts=["billing.corp.example"], response_mode="form_post"
    )
    site.application = asgi.IdentityMiddleware(get_asgi_application(), **settings)  # type: ignore[attr-defined]
    callback, query = "/_idaware/callback", {"state": "x"}

    async def ask() -> list[Any]:
        client = signed_out(AsyncClient())
        answers = [await client.post(callback, "code=x&state=x", "application/x-www-form-urlencoded")]
        scope = client._base_scope(
            path="/_idaware/me", headers=[(b"host", b"testserver")], query_string=b"x=1"
        )
        answers.append(await client.handler(scope))
        return [*answers, await client.get("/_idaware/me", query)]

    answers = asyncio.run(ask())
    assert [answer.status_code for answer in answers] == [400, 401, 401]
    assert answers[0].json()["reason"] == "login_state_unknown"


@pytest.mark.parametrize(
    ("allowed", "hosts", "asked"),
    [
        (["*"], ["localhost", "testserver"], "localhost"),
        (["billing.corp.example"], ["localhost", "testserver"], "testserver"),
        (["billing.corp.example"], ["localhost"], "localhost"),
        ([], ["localhost", "testserver"], "localhost"),
    ],
    ids=["any host", "Django refuses the base URL's", "the gate refuses Django's", "none named"],
)
def test_djangos_client_asks_for_a_host_that_both_answer_under(
    site: ModuleType, gate_settings: Any, allowed: list[str], hosts: list[str], asked: str
) -> None:
    site.application = wsgi.IdentityMiddleware(get_wsgi_application(), **gate_settings(hosts=hosts))  # type: ignore[attr-defined]
    with override_settings(ALLOWED_HOSTS=allowed), capture_audit(Client()) as records:
        client = signed_in(Client(), groups=["sre"])
        assert client.get("/who/").status_code == 200
        assert client.get("/who/", HTTP_HOST="localhost").status_code == 200
    assert [record["host"] for record in records.decisions] == [asked, "localhost"]


def test_a_cookie_of_the_gates_is_taken_by_djangos_client(client: Client) -> None:
    answer = signed_in(client, groups=["sre"]).post("/_idaware/logout")
    assert answer.cookies
    assert client.get("/who/").status_code == 401


def test_an_application_that_is_not_named_cannot_be_found() -> None:
    with override_settings(WSGI_APPLICATION=None), pytest.raises(LookupError, match="WSGI_APPLICATION"):
        signed_in(Client())
