"""Where values come from: variables, files, keyword arguments; and what is said when they are wrong."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from idaware.errors import SettingsError
from idaware.settings import Secret, Settings
from idaware.settings.read import MAX_FILE_BYTES, read_file


def test_six_variables_are_enough_to_start(read):
    settings = read()
    assert settings.mode == "enforce"
    assert settings.allow_groups == ("sre", "finance")
    assert settings.client_secret == Secret("the-client-secret-3141")
    assert settings.redirect_uri == "https://billing.corp.example/_idaware/callback"
    assert settings.url("/dash") == "https://billing.corp.example/dash"
    assert (settings.session_max, settings.session_idle) == (28_800, 3_600)
    assert (settings.session_refresh, settings.session_stale) == (900, 3_600)
    assert settings.http_timeout == 5
    assert settings.hosts == ("billing.corp.example",)
    assert settings.provider == "generic"
    assert settings.scopes == ("openid", "profile", "email")
    assert settings.allowed_algs == ("RS256", "PS256", "ES256", "EdDSA")
    assert settings.audit == ("stdout",)
    assert settings.trusted_proxies == ()
    assert settings.logout_provider is True
    assert settings.root_path == ""


def test_nothing_is_read_at_import():
    code = (
        "import builtins, os, io, sys\n"
        "class Watched(dict):\n"
        "    def _no(self, *a): raise SystemExit('the environment was read')\n"
        "    __getitem__ = get = items = keys = __iter__ = _no\n"
        "os.environ = Watched()\n"
        "import idaware.settings, idaware.settings.reference\n"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": ":".join(p for p in sys.path if p)})  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["ISSUER", "CLIENT_ID", "BASE_URL", "SECRET_KEYS"])
def test_what_is_required_and_missing_is_named(problems, name):
    found = problems({name: None})
    assert list(found) == [f"IDAWARE_{name}"]
    assert found[f"IDAWARE_{name}"].startswith("is missing; expected ")


def test_missing_secret_keys_say_how_to_make_some(problems):
    assert "`idaware init`" in problems({"SECRET_KEYS": None})["IDAWARE_SECRET_KEYS"]


def test_all_errors_are_reported_at_once():
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"IDAWARE_MODE": "on", "IDAWARE_SESSION_MAX": "3600", "IDAWARE_FOO": "x"})
    where = [problem.where for problem in caught.value.problems]
    assert where == [
        "IDAWARE_FOO",
        "IDAWARE_MODE",
        "IDAWARE_BASE_URL",
        "IDAWARE_ISSUER",
        "IDAWARE_CLIENT_ID",
        "IDAWARE_SECRET_KEYS",
        "IDAWARE_SESSION_MAX",
        "IDAWARE_POLICY_FILE",
        "IDAWARE_CLIENT_SECRET",
    ]


def test_a_problem_says_what_was_held_and_what_was_expected(problems):
    message = problems({"SESSION_IDLE": "3600"})["IDAWARE_SESSION_IDLE"]
    assert message == (
        "holds '3600'; expected a duration with its unit, such as `90s`, `15m`, `8h`, `7d` "
        "(a bare number says no unit)"
    )


def test_a_long_value_is_cut_in_a_message(problems):
    message = problems({"MODE": "x" * 500})["IDAWARE_MODE"]
    assert "…" in message
    assert len(message) < 200


def test_credentials_in_an_address_are_not_shown(problems):
    message = problems({"BASE_URL": "https://alice:hunter2@billing.corp.example"})["IDAWARE_BASE_URL"]
    assert "hunter2" not in message
    assert "it has credentials" in message


# --- unknown names


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SESION_MAX", "IDAWARE_SESSION_MAX"),
        ("SECRET_KEY", "IDAWARE_SECRET_KEYS"),
        ("CLIENT_SECRET_FIEL", "IDAWARE_CLIENT_SECRET_FILE"),
        ("ISSUER_FILE", "IDAWARE_ISSUER"),
    ],
)
def test_an_unknown_variable_suggests_the_nearest_one(problems, name, nearest):
    message = problems({name: "hunter2"})[f"IDAWARE_{name}"]
    assert message == f"is unknown; did you mean {nearest}?"


def test_an_unknown_variable_far_from_all_points_to_the_list(problems):
    assert problems({"XYZZY_QQ": "1"}) == {
        "IDAWARE_XYZZY_QQ": "is unknown; `idaware env` lists what there is"
    }


def test_names_are_upper_case(enough):
    with pytest.raises(SettingsError, match="idaware_mode: is unknown; did you mean IDAWARE_MODE"):
        Settings.from_env(enough | {"idaware_mode": "off"})


def test_an_unknown_name_that_cannot_be_printed_is_escaped(problems):
    assert list(problems({"A\x1b[31m": "1"})) == ["'IDAWARE_A\\x1b[31m'"]


@pytest.mark.parametrize(
    "name",
    [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_80_TCP",
        "PORT_80_TCP_ADDR",
        "DEMO_SERVICE_HOST",
        "DEMO_SERVICE_PORT_METRICS",
        "DEMO_PORT",
        "DEMO_PORT_8080_TCP_PROTO",
    ],
)
def test_what_kubernetes_injects_is_ignored(read, name):
    assert read({name: "tcp://10.0.0.1:80"}) == read()


@pytest.mark.parametrize("name", ["SERVICE", "PORTAL", "PORT_TCP", "XSERVICE_HOSTS"])
def test_what_only_resembles_an_injected_name_is_unknown(problems, name):
    assert f"IDAWARE_{name}" in problems({name: "1"})


def test_variables_of_others_are_none_of_our_business(enough):
    settings = Settings.from_env(enough | {"IDAWAREX": "1", "PATH": "/bin", "HTTPS_PROXY": "http://p"})
    assert settings == Settings.from_env(enough)


# --- empty


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_variable_counts_as_not_set(read, problems, empty):
    assert read({"CONTACT": empty, "STRIP_HEADERS": empty}) == read()
    assert problems({"ISSUER": empty})["IDAWARE_ISSUER"].startswith("is missing")


def test_blanks_round_a_value_do_not_count(read):
    assert read({"MODE": " enforce\n", "ALLOW_GROUPS": " sre , finance "}) == read()


# --- files


def test_a_secret_may_come_out_of_a_file(read, key):
    settings = read(
        {"CLIENT_SECRET": None, "CLIENT_SECRET_FILE": "/run/secrets/oidc", "SECRET_KEYS": None,
         "SECRET_KEYS_FILE": "/run/secrets/idaware"},
        files={"/run/secrets/oidc": "hush-hush\n", "/run/secrets/idaware": f"{key}\n{key[::-1]}\n"},
    )  # fmt: skip
    assert settings.client_secret.reveal() == "hush-hush"
    assert [secret.reveal() for secret in settings.secret_keys] == [key, key[::-1]]


def test_both_a_secret_and_its_file_is_an_error(problems):
    found = problems({"CLIENT_SECRET_FILE": "/run/secrets/oidc"}, files={"/run/secrets/oidc": "x"})
    assert found == {
        "IDAWARE_CLIENT_SECRET": "and IDAWARE_CLIENT_SECRET_FILE are both set; expected one of them"
    }


def test_a_file_that_is_missing_is_named_with_the_reason(problems):
    found = problems({"CLIENT_SECRET": None, "CLIENT_SECRET_FILE": "/run/secrets/oidc"})
    assert found == {
        "IDAWARE_CLIENT_SECRET_FILE": "names the file '/run/secrets/oidc', which cannot be read "
        "(No such file or directory)"
    }


def test_a_secret_in_place_of_a_path_is_not_shown(problems):
    found = problems({"CLIENT_SECRET": None, "CLIENT_SECRET_FILE": "hunter2-the-secret"})
    assert "hunter2" not in str(found)
    assert "does not look like a path" in found["IDAWARE_CLIENT_SECRET_FILE"]


@pytest.mark.parametrize("content", ["", "\n", "  \r\n"])
def test_an_empty_file_is_an_error(problems, content):
    found = problems({"CLIENT_SECRET": None, "CLIENT_SECRET_FILE": "/s"}, files={"/s": content})
    assert "it is empty" in found["IDAWARE_CLIENT_SECRET_FILE"]
    assert "whose content is not shown" in found["IDAWARE_CLIENT_SECRET_FILE"]


def test_the_default_reader_reads_real_files(tmp_path: Path, enough, key):
    path = tmp_path / "keys"
    path.write_text(f"{key}\r\n", encoding="utf-8")
    del enough["IDAWARE_SECRET_KEYS"]
    settings = Settings.from_env(enough, {"secret_keys_file": path})
    assert settings.secret_keys == (Secret(key),)


@pytest.mark.parametrize(
    "content", [b"\xff\xfe hunter2", b"x" * (MAX_FILE_BYTES + 1)], ids=["not UTF-8", "too large"]
)
def test_a_file_that_is_no_text_is_an_error_without_its_content(tmp_path: Path, enough, content):
    path = tmp_path / "secret"
    path.write_bytes(content)
    del enough["IDAWARE_CLIENT_SECRET"]
    with pytest.raises(SettingsError, match="is no UTF-8 text") as caught:
        Settings.from_env(enough | {"IDAWARE_CLIENT_SECRET_FILE": str(path)})
    assert "hunter2" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_directory_is_no_secret_file(tmp_path: Path, enough):
    del enough["IDAWARE_CLIENT_SECRET"]
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.from_env(enough | {"IDAWARE_CLIENT_SECRET_FILE": str(tmp_path)})


def test_a_file_of_the_greatest_size_is_read(tmp_path: Path):
    path = tmp_path / "large"
    path.write_bytes(b"x" * MAX_FILE_BYTES)
    assert len(read_file(str(path))) == MAX_FILE_BYTES


def test_a_path_with_a_null_byte_is_a_problem_not_a_crash(problems):
    found = problems({"CLIENT_SECRET": None}, {"client_secret_file": "/a\0b"})
    assert found == {"client_secret_file=": "holds no path; expected the path of a file"}


def test_an_error_without_a_reason_of_its_own_is_named_by_its_class(enough):
    def broken(path: str) -> str:
        raise OSError

    del enough["IDAWARE_CLIENT_SECRET"]
    with pytest.raises(SettingsError, match=r"cannot be read \(OSError\)"):
        Settings.from_env(enough | {"IDAWARE_CLIENT_SECRET_FILE": "./s"}, read_text=broken)


# --- keyword arguments


def test_an_argument_beats_the_environment(read):
    assert read({"MODE": "nonsense"}, {"mode": "enforce"}).mode == "enforce"


def test_an_argument_beats_the_file_of_the_environment(read):
    settings = read({"CLIENT_SECRET": None, "CLIENT_SECRET_FILE": "/nowhere"}, {"client_secret": "mine"})
    assert settings.client_secret == Secret("mine")


def test_a_file_argument_beats_the_variable(read):
    assert read({}, {"client_secret_file": "/s"}, {"/s": "mine"}).client_secret == Secret("mine")


def test_both_a_secret_argument_and_its_file_is_an_error(problems):
    found = problems({}, {"client_secret": "a", "client_secret_file": "/s"}, {"/s": "b"})
    assert found == {"client_secret=": "and client_secret_file= are both set; expected one of them"}


def test_none_counts_as_not_given(read):
    assert read({"CONTACT": "ops"}, {"contact": None}).contact == "ops"


@pytest.mark.parametrize(("name", "empty"), [("contact", ""), ("allow_emails", []), ("login_params", {})])
def test_an_empty_argument_means_the_default(read, name, empty):
    given = {"CONTACT": "ops", "ALLOW_EMAILS": "a@corp.example", "LOGIN_PARAMS": "hd=corp.example"}
    assert not getattr(read(given, {name: empty}), name)


def test_arguments_take_what_is_natural_in_python(read):
    settings = read(
        {},
        {
            "allow_groups": ["CN=sre,OU=it", "finance"],
            "allow_emails": {"b@corp.example", "a@corp.example"},
            "session_max": timedelta(hours=2),
            "logout_provider": False,
            "login_params": {"hd": "corp.example"},
            "trusted_proxies": ("10.0.0.0/8", "unix"),
            "client_secret": Secret("wrapped"),
            "ca_file": Path("/etc/ca.pem"),
            "scopes": "openid,groups",
        },
    )
    assert settings.allow_groups == ("CN=sre,OU=it", "finance")
    assert settings.allow_emails == ("a@corp.example", "b@corp.example")
    assert settings.session_max == 7200
    assert settings.logout_provider is False
    assert settings.login_params == (("hd", "corp.example"),)
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), "unix")
    assert settings.client_secret == Secret("wrapped")
    assert settings.ca_file == "/etc/ca.pem"
    assert settings.scopes == ("openid", "groups")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("session_max", 3600, "holds 3600 (a Python int)"),
        ("session_max", 3600.0, "holds 3600.0 (a Python float)"),
        ("session_max", True, "holds True (a Python bool)"),
        ("issuer", ["https://login.corp.example"], "holds a Python list"),
        ("logout_provider", 1, "holds 1 (a Python int)"),
        ("allow_groups", 7, "holds 7 (a Python int)"),
        ("allow_groups", ["sre", 7], "holds a Python list"),
        ("login_params", {"hd": 1}, "holds a Python dict"),
        ("mode", b"enforce", "holds a Python bytes"),
        ("client_secret", b"hunter2", "holds something that is not shown"),
        ("client_secret_file", 3, "holds no path"),
        ("secret_keys", 3, "holds something that is not shown"),
        ("secret_keys", [3], "holds something that is not shown"),
        ("client_key", 3, "holds something that is not shown"),
        ("audit", 3, "holds something that is not shown"),
    ],
)
def test_an_argument_of_another_type_is_a_problem(problems, name, value, shown):
    message = problems({}, {name: value})[f"{name}="]
    assert message.startswith(shown)
    assert "hunter2" not in message


def test_an_unknown_argument_suggests_the_nearest_one(problems):
    found = problems({}, {"sesion_max": "8h", "XYZZY": 1})
    assert found["sesion_max="] == "is unknown; did you mean session_max?"
    assert found["XYZZY="] == "is unknown; `idaware env` lists what there is"


def test_the_application_is_a_variable_only(read, problems):
    assert read({"APP": "billing.web:app"}).app == "billing.web:app"
    assert problems({}, {"app": "billing:app"})["app="].startswith("is unknown")


# --- later releases


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SESSION_GRACE", "300s"),
        ("SESSION_REFRESH_ON_ERROR", "reauth"),
        ("INTROSPECTION", "False"),
        ("CLOSE_STREAMS", "true"),
        ("AUDIT_FAIL", "open"),
        ("AUDIT_CHAIN", "false"),
        ("METRICS", "false"),
    ],
)
def test_the_default_of_a_later_setting_may_be_spelt_out(read, name, value):
    assert read({name: value}) == read()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHADOW_UNTIL", "2027-01-01"),
        ("WORKLOAD_TOKEN_FILE", "/var/run/token"),
        ("SESSION_GRACE", "10m"),
        ("SESSION_REFRESH_ON_ERROR", "keep"),
        ("JWT_ISSUERS", "ci=https://ci.corp.example;aud=api://billing"),
        ("KUBERNETES", "in-cluster"),
        ("KUBERNETES_AUDIENCES", "billing"),
        ("INTROSPECTION", "true"),
        ("INTROSPECTION", "perhaps"),
        ("ASSERTIONS", "iap:aud"),
        ("CLOSE_STREAMS", "false"),
        ("SSF_ISSUER", "https://ssf.corp.example"),
        ("SSF_AUDIENCE", "billing"),
        ("GTR_ISSUER", "https://gtr.corp.example"),
        ("AUDIT_FAIL", "closed"),
        ("AUDIT_CHAIN", "true"),
        ("LEGACY_HTPASSWD", "/etc/htpasswd"),
        ("LEGACY_USER_HEADER", "X-Old-User"),
        ("LEGACY_NETWORKS", "vpn=10.0.0.0/8"),
        ("LEGACY_UNTIL", "2027-01-01"),
        ("METRICS", "true"),
    ],
)
def test_a_later_setting_is_refused_never_ignored(problems, name, value):
    assert problems({name: value}) == {f"IDAWARE_{name}": "is not supported yet; leave it out"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODE", "shadow"),
        ("CLIENT_AUTH", "workload_token"),
        ("SESSION_STORE", "memory"),
        ("SESSION_STORE", "sqlite:///hunter2.db"),
        ("SESSION_STORE", "redis://:hunter2@redis"),
        ("SESSION_STORE", "rediss://:hunter2@redis"),
        ("AUDIT", "stdout,syslog://hunter2:514"),
        ("AUDIT", "https://hunter2@splunk"),
        ("AUDIT", "logger:hunter2"),
        ("AUDIT", "otlp"),
        ("AUDIT_FORMAT", "ocsf"),
        ("AUDIT_FORMAT", "ecs"),
    ],
)
def test_a_later_value_is_refused_and_what_is_inside_it_not_shown(problems, name, value):
    found = problems({name: value})
    assert "not supported yet; expected " in found[f"IDAWARE_{name}"]
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("name", "value"), [("SESSION_STORE", "postgres://:hunter2@db"), ("AUDIT", "kafka:hunter2")]
)
def test_an_unknown_store_or_sink_is_not_shown_either(problems, name, value):
    assert "hunter2" not in problems({name: value})[f"IDAWARE_{name}"]
