"""What stops the start: each error with its place, all of them at once."""

# ruff: noqa: E501 - one case a line reads best as a table

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idaware.errors import PolicyError
from idaware.policy.load import load_policies, load_policy
from idaware.policy.model import PolicyContext
from idaware.policy.policy import Policy

Refused = Callable[..., list[str]]
OK_RULE = "rules:\n  - {id: a, paths: [/a], allow: signed_in}\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[]", "policy.yaml:1:1: expected a mapping, found a list"),
        ("policy", "policy.yaml:1:1: expected a mapping, found 'policy'"),
        ("{}", "policy.yaml:1:1: an empty mapping says nothing; fill it or take it out"),
        ("version: 1\n", "policy.yaml: 'rules' is missing: who may come in has no default"),
        ("version: 1\nrules: []\n", "policy.yaml:2:8: rules: an empty list says nothing; fill it or take it out"),
        ("version: 1\nrules: {a: b}\n", "policy.yaml:2:8: rules: expected a list, found a mapping"),
        ("version: 1\nrules:\n", "policy.yaml:2:1: rules: expected a list, found nothing"),
        (OK_RULE, "policy.yaml:1:1: 'version: 1' is missing"),
        ("version: 2\n" + OK_RULE, "policy.yaml:1:10: version: expected 1, found '2'"),
        ("version: '1'\n" + OK_RULE, "policy.yaml:1:10: version: expected 1, found '1'"),
        ("version: [1]\n" + OK_RULE, "policy.yaml:1:10: version: expected 1, found a list"),
        ("version: 1\nrule: []\n" + OK_RULE, "policy.yaml:2:1: rule: unknown key 'rule'; did you mean 'rules'?"),
        ("version: 1\nzzz: []\n" + OK_RULE, "policy.yaml:2:1: zzz: unknown key 'zzz'"),
        ("version: 1\nversion: 1\n" + OK_RULE, "policy.yaml:2:1: version: the key 'version' comes twice; it is already at policy.yaml:1:1"),
        ("version: 1\nissuers: {}\n" + OK_RULE, "policy.yaml:2:1: issuers: 'issuers' is not supported yet; take it out"),
        ("version: 1\ngrants: []\n" + OK_RULE, "policy.yaml:2:1: grants: 'grants' is not supported yet; take it out"),
        ("version: 1\ntests: []\n" + OK_RULE, "policy.yaml:2:1: tests: 'tests' is not supported yet; take it out"),
        ("version: 1\n<<: {}\n" + OK_RULE, 'policy.yaml:2:1: \'<<\' is not text in YAML; quote it: "<<"'),
        ("version: 1\n? [a]\n: b\n" + OK_RULE, "policy.yaml:2:3: expected a key, found a list"),
        ("version: 1\napp: 1\n" + OK_RULE, 'policy.yaml:2:6: app: \'1\' is not text in YAML; quote it: "1"'),
        ("version: 1\napp: [x]\n" + OK_RULE, "policy.yaml:2:6: app: expected text, found a list"),
        ("version: 1\napp:\n" + OK_RULE, "policy.yaml:2:1: app: expected text, found nothing"),
        ("version: 1\ngroups: {}\n" + OK_RULE, "policy.yaml:2:9: groups: an empty mapping says nothing; fill it or take it out"),
        ("version: 1\ngroups: {a: []}\n" + OK_RULE, "policy.yaml:2:13: groups.a: an empty list says nothing; fill it or take it out"),
        ("version: 1\ngroups: {a: b}\n" + OK_RULE, "policy.yaml:2:13: groups.a: expected a list, found 'b'; write a list: [b]"),
        ("version: 1\ngroups: {a: [no]}\n" + OK_RULE, 'policy.yaml:2:14: groups.a[0]: \'no\' is not text in YAML; quote it: "no"'),
        ("version: 1\ngroups: {on: [a]}\n" + OK_RULE, 'policy.yaml:2:10: groups: \'on\' is not text in YAML; quote it: "on"'),
        ("version: 1\ngroups: {a: ['x*']}\n" + OK_RULE, "policy.yaml:2:14: groups.a[0]: 'x*': values are compared whole, there are no wildcards in them"),
        ("version: 1\ngroups: {a: ['x{y}']}\n" + OK_RULE, "policy.yaml:2:14: groups.a[0]: 'x{y}': captured segments may stand in the groups of a condition only"),
        ("version: 1\ngroups: {'a{b}': [c]}\n" + OK_RULE, "policy.yaml:2:10: groups.a{b}: an alias holds no '{', '}' or '*'"),
        ("version: 1\ngroups: {a: [b, b]}\n" + OK_RULE, "policy.yaml:2:17: groups.a[1]: 'b' comes twice in this list"),
        ("version: 1\nkeep: {group: [a]}\n" + OK_RULE, "policy.yaml:2:8: keep.group: unknown key 'group'; did you mean 'groups'?"),
        ("version: 1\nkeep: [a]\n" + OK_RULE, "policy.yaml:2:7: keep: expected a mapping, found a list"),
        ("version: 1\nkeep: {groups: [1]}\n" + OK_RULE, 'policy.yaml:2:17: keep.groups[0]: \'1\' is not text in YAML; quote it: "1"'),
        ("version: 1\nkeep: {claims: [~]}\n" + OK_RULE, 'policy.yaml:2:17: keep.claims[0]: \'~\' is not text in YAML; quote it: "~"'),
    ],
)  # fmt: skip
def test_top_level(refused: Refused, text: str, problem: str) -> None:
    assert problem in refused(text)


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("- a", "3:5: rules[0]: expected a mapping, found 'a'"),
        ("- {paths: [/a], allow: signed_in}", "3:5: rules[0]: 'id' is missing"),
        ("- {id: a, allow: signed_in}", "3:5: rules[0]: 'paths' is missing"),
        ("- {id: a, paths: [/a]}", "3:5: rules[0]: 'allow' is missing (or 'shared: true', for a rule that is applied beside others)"),
        ("- {id: a, paths: [/a], deny: {groups: [x]}}", "3:5: rules[0]: 'allow' is missing (or 'shared: true', for a rule that is applied beside others)"),
        ("- {id: A_b, paths: [/a], allow: signed_in}", "3:10: rules[0].id: 'A_b': an id has 1 to 64 of a-z, 0-9 and '-'"),
        ("- {id: 1, paths: [/a], allow: signed_in}", "3:10: rules[0].id: '1' is not text in YAML; quote it: \"1\""),
        ("- {id: a, paths: /a, allow: signed_in}", "3:20: rules[0].paths: expected a list, found '/a'; write a list: [/a]"),
        ("- {id: a, paths: [a], allow: signed_in}", "3:21: rules[0].paths[0]: a path pattern begins with '/', found 'a'"),
        ("- {id: a, paths: [/a, /a/], allow: signed_in}", "3:25: rules[0].paths[1]: '/a/' is the same pattern as '/a' in this list"),
        ("- {id: a, paths: [/a], methods: [get], allow: signed_in}", "3:36: rules[0].methods[0]: 'get' is no method; methods are written in upper case: GET"),
        ("- {id: a, paths: [/a], methods: ['G T'], allow: signed_in}", "3:36: rules[0].methods[0]: 'G T' is no method; methods are written in upper case"),
        ("- {id: a, paths: [/a], methods: [GTE], allow: signed_in}", "3:36: rules[0].methods[0]: unknown method 'GTE'; did you mean 'GET'?"),
        ("- {id: a, paths: [/a], methods: [TRACE], allow: signed_in}", "3:36: rules[0].methods[0]: TRACE is always refused"),
        ("- {id: a, paths: [/a], methods: [CONNECT], allow: signed_in}", "3:36: rules[0].methods[0]: CONNECT is always refused"),
        ("- {id: a, paths: [/a], methods: [], allow: signed_in}", "3:35: rules[0].methods: an empty list says nothing; fill it or take it out"),
        ("- {id: a, paths: [/a], hosts: [b.c], allow: signed_in}", "3:26: rules[0].hosts: 'hosts' is not supported yet; take it out"),
        ("- {id: a, paths: [/a], enforce_for: {}, allow: signed_in}", "3:26: rules[0].enforce_for: 'enforce_for' is not supported yet; take it out"),
        ("- {id: a, paths: [/a], preserve_post: true, allow: signed_in}", "3:26: rules[0].preserve_post: 'preserve_post' is not supported yet; take it out"),
        ("- {id: a, paths: [/a], mode: shadow, allow: signed_in}", "3:32: rules[0].mode: 'mode: shadow' is not supported yet; take it out"),
        ("- {id: a, paths: [/a], mode: shade, allow: signed_in}", "3:32: rules[0].mode: expected one of enforce, shadow, found 'shade'; did you mean 'shadow'?"),
        ("- {id: a, paths: [/a], audit: required, allow: signed_in}", "3:33: rules[0].audit: 'audit: required' is not supported yet; take it out"),
        ("- {id: a, paths: [/a], audit: counted, allow: public}", "3:33: rules[0].audit: 'audit: counted' is not supported yet; take it out"),
        ("- {id: a, paths: [/a], allow: anybody}", "3:33: rules[0].allow: expected one of public, signed_in, found 'anybody'"),
        ("- {id: a, paths: [/a], allow: signed-in}", "3:33: rules[0].allow: expected one of public, signed_in, found 'signed-in'; did you mean 'signed_in'?"),
        ("- {id: a, paths: [/a], allow: {}}", "3:33: rules[0].allow: an empty mapping says nothing; fill it or take it out"),
        ("- {id: a, paths: [/a], allow: [signed_in]}", "3:33: rules[0].allow: expected a mapping, found a list"),
        ("- {id: a, paths: [/a], allow: public, deny: {groups: [x]}}", "3:47: rules[0].deny: 'deny' has no place on a public rule"),
        ("- {id: a, paths: [/a], allow: public, require: {amr: [mfa]}}", "3:50: rules[0].require: 'require' has no place on a public rule"),
        ("- {id: a, paths: [/a], allow: public, unauthenticated: redirect}", "3:58: rules[0].unauthenticated: 'unauthenticated' has no place on a public rule"),
        ("- {id: a, paths: [/a/**], allow: public, allow_in_path: [semicolon]}", "3:59: rules[0].allow_in_path: 'allow_in_path' has no place on a public rule"),
        ("- {id: a, paths: [/a], allow: signed_in, deny: public}", "3:50: rules[0].deny: expected one of signed_in, found 'public'"),
        ("- {id: a, paths: [/a], allow: signed_in, deny: signed_in}", "3:50: rules[0].deny: 'signed_in' denies everybody whom 'allow' could let in"),
        ("- {id: a, paths: [/a], shared: yes, deny: {groups: [x]}}", "3:34: rules[0].shared: expected true or false, found 'yes'"),
        ("- {id: a, paths: [/a], shared: [], deny: {groups: [x]}}", "3:34: rules[0].shared: expected true or false, found a list"),
        ("- {id: a, paths: [/a], shared: true}", "3:5: rules[0]: a shared rule needs 'deny' or 'require'"),
        ("- {id: a, paths: [/a], shared: true, allow: signed_in, deny: {groups: [x]}}", "3:47: rules[0].allow: 'allow' has no place on a shared rule"),
        ("- {id: a, paths: [/a], shared: true, deny: {groups: [x]}, preflight: pass}", "3:72: rules[0].preflight: 'preflight' has no place on a shared rule"),
        ("- {id: a, paths: [/a], shared: true, deny: {groups: [x]}, origins: ['https://x']}", "3:70: rules[0].origins: 'origins' has no place on a shared rule"),
        ("- {id: a, paths: [/a], allow: signed_in, owner: no}", "3:51: rules[0].owner: 'no' is not text in YAML; quote it: \"no\""),
        ("- {id: a, paths: [/a], allow: signed_in, reason: \"a\\nb\"}", "3:52: rules[0].reason: expected text on one line, without control characters"),
        ("- {id: a, paths: [/a], allow: signed_in, reason: ' '}", "3:52: rules[0].reason: expected text, found a text that is empty or begins or ends with a blank"),
        ("- {id: a, paths: [/a], allow: signed_in, reason: " + "x" * 501 + "}", "3:52: rules[0].reason: at most 500 characters are shown, found 501"),
        ("- {id: a, paths: [/a], allow: signed_in, review_by: soon}", "3:55: rules[0].review_by: expected a date such as 2027-01-31, found 'soon'"),
        ("- {id: a, paths: [/a], allow: signed_in, review_by: 2027-02-30}", "3:55: rules[0].review_by: expected a date such as 2027-01-31, found '2027-02-30'"),
        ("- {id: a, paths: [/a], allow: signed_in, unauthenticated: challange}", "3:61: rules[0].unauthenticated: expected one of auto, redirect, challenge, found 'challange'; did you mean 'challenge'?"),
        ("- {id: a, paths: [/a], allow: signed_in, preflight: ok}", "3:55: rules[0].preflight: expected one of refuse, pass, found 'ok'"),
        ("- {id: a, paths: [/a], allow: signed_in, authorization: theirs}", "3:59: rules[0].authorization: expected one of ours, app, found 'theirs'"),
        ("- {id: a, paths: [/a], allow: signed_in, origins: ['https://X.y']}", "3:54: rules[0].origins[0]: 'https://X.y' is no origin; write scheme and host in lower case: https://admin.corp.example"),
        ("- {id: a, paths: [/a], allow: signed_in, origins: ['https://x.y/']}", "3:54: rules[0].origins[0]: 'https://x.y/' is no origin; write scheme and host in lower case: https://admin.corp.example"),
        ("- {id: a, paths: [/a], allow: signed_in, require: {}}", "3:53: rules[0].require: an empty mapping says nothing; fill it or take it out"),
        ("- {id: a, paths: [/a], allow: signed_in, require: {arm: [mfa]}}", "3:54: rules[0].require.arm: unknown key 'arm'; did you mean 'amr'?"),
        ("- {id: a, paths: [/a], allow: signed_in, require: {acr: [1]}}", "3:60: rules[0].require.acr[0]: '1' is not text in YAML; quote it: \"1\""),
        ("- {id: a, paths: [/a], allow: signed_in, require: {auth_within: 900}}", "3:67: rules[0].require.auth_within: expected a duration with its unit, such as 90s, 15m, 8h, 7d, found '900'"),
        ("- {id: a, paths: [/a], allow: signed_in, allow_in_path: [semicolons]}", "3:60: rules[0].allow_in_path[0]: expected one of compat_chars, double_slash, encoded_hash, encoded_percent, encoded_question, encoded_slash, semicolon, found 'semicolons'; did you mean 'semicolon'?"),
    ],
)  # fmt: skip
def test_one_rule(refused_rules: Refused, rule: str, problem: str) -> None:
    assert f"policy.yaml:{problem}" in refused_rules(rule)


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("{group: [a]}", "group: unknown key 'group'; did you mean 'groups'?"),
        ("{workload: {issuer: k8s}}", "workload: 'workload' is not supported yet; take it out"),
        ("{legacy: [a]}", "legacy: 'legacy' is not supported yet; take it out"),
        ("{ip: [10.0.0.0/8]}", "ip: unknown key 'ip'"),
        ("{groups: []}", "groups: an empty list says nothing; fill it or take it out"),
        ("{groups: sre}", "groups: expected a list, found 'sre'; write a list: [sre]"),
        ("{groups: [[sre]]}", "groups[0]: expected a group, found a list"),
        ("{groups: [no]}", "groups[0]: 'no' is not text in YAML; quote it: \"no\""),
        ("{groups: [2026-01-01]}", "groups[0]: '2026-01-01' is not text in YAML; quote it: \"2026-01-01\""),
        ("{groups: [null]}", "groups[0]: 'null' is not text in YAML; quote it: \"null\""),
        ("{groups: [' sre']}", "groups[0]: expected a group, found a text that is empty or begins or ends with a blank"),
        ("{groups: ['']}", "groups[0]: expected a group, found a text that is empty or begins or ends with a blank"),
        ("{groups: ['*']}", "groups[0]: '*': values are compared whole, there are no wildcards in them"),
        ("{groups: ['team-{t}']}", "groups[0]: 'team-{t}': not every path of this rule captures '{t}'"),
        ("{groups: ['{a}-{b}']}", "groups[0]: '{a}-{b}': one captured segment may stand in a group, as in 'team-{team}'"),
        ("{groups: ['team-{']}", "groups[0]: 'team-{': one captured segment may stand in a group, as in 'team-{team}'"),
        ("{users: ['k8s/x']}", "users[0]: 'k8s/x': unknown issuer 'k8s'; the login provider's is 'login', and other issuers are not supported yet"),
        ("{users: ['login/']}", "users[0]: 'login/': expected 'login/' and a subject"),
        ("{users: ['{x}']}", "users[0]: '{x}': captured segments may stand in the groups of a condition only"),
        ("{users: ['a*']}", "users[0]: 'a*': values are compared whole, there are no wildcards in them"),
        ("{emails: [alice]}", "emails[0]: 'alice' is no e-mail address with exactly one '@'"),
        ("{emails: [a@b@c.example]}", "emails[0]: 'a@b@c.example' is no e-mail address with exactly one '@'"),
        ("{emails: ['a b@c.example']}", "emails[0]: 'a b@c.example' is no e-mail address with exactly one '@'"),
        ("{emails: ['*@c.example']}", "emails[0]: '*@c.example': values are compared whole, there are no wildcards in them"),
        ("{email_domains: ['@c.example']}", "email_domains[0]: '@c.example' is no domain name; write it as corp.example"),
        ("{email_domains: ['\uff43.example']}", "email_domains[0]: '\uff43.example' is no domain name; write it as corp.example"),
        ("{claims: {}}", "claims: an empty mapping says nothing; fill it or take it out"),
        ("{claims: [a]}", "claims: expected a mapping, found a list"),
        ("{claims: {a: no}}", "claims.a: 'no' is not text in YAML; quote it: \"no\""),
        ("{claims: {a: True}}", "claims.a: 'True' is not text in YAML; quote it: \"True\""),
        ("{claims: {a: 1.5}}", "claims.a: '1.5' is not text in YAML; quote it: \"1.5\""),
        ("{claims: {a: {b: c}}}", "claims.a: expected text, a whole number, true or false, found a mapping"),
        ("{claims: {a: []}}", "claims.a: an empty list says nothing; fill it or take it out"),
        ("{claims: {a: [x, ~]}}", "claims.a[1]: '~' is not text in YAML; quote it: \"~\""),
        ("{claims: {a: 'x*'}}", "claims.a: 'x*': values are compared whole, there are no wildcards in them"),
        ("{claims: {a: '{x}'}}", "claims.a: '{x}': captured segments may stand in the groups of a condition only"),
        ("{claims: {'{x}': a}}", "claims.{x}: '{x}': captured segments may stand in the groups of a condition only"),
        ("{all: {groups: [a]}}", "all: expected a list, found a mapping"),
        ("{all: []}", "all: an empty list says nothing; fill it or take it out"),
        ("{any: [{}]}", "any[0]: an empty mapping says nothing; fill it or take it out"),
        ("{any: [signed_in]}", "any[0]: expected a mapping, found 'signed_in'"),
        ("{none: [{any: [{grops: [a]}]}]}", "none[0].any[0].grops: unknown key 'grops'; did you mean 'groups'?"),
        ("{until: 2026-12-01}", "until: expected a moment with its offset, such as 2026-12-01T18:00:00Z, found '2026-12-01'"),
        ("{until: '2026-12-01T18:00:00'}", "until: expected a moment with its offset, such as 2026-12-01T18:00:00Z, found '2026-12-01T18:00:00'"),
        ("{not_before: '2026-13-01T18:00:00Z'}", "not_before: expected a moment with its offset, such as 2026-12-01T18:00:00Z, found '2026-13-01T18:00:00Z'"),
        ("{not_before: '2026-12-02T00:00:00Z', until: '2026-12-01T23:00:00-01:00'}", "'until' is not after 'not_before', so this never holds"),
        ("{hours: 9-17}", "hours: expected a mapping, found '9-17'"),
        ("{hours: {tz: Europe/Berlin, from: 09:00}}", "hours: 'to' is missing"),
        ("{hours: {from: 09:00, to: 17:00}}", "hours: 'tz' is missing"),
        ("{hours: {tz: Europe/Nowhere, from: 09:00, to: 17:00}}", "hours.tz: expected a time zone that this machine knows, such as Europe/Berlin, found 'Europe/Nowhere'"),
        ("{hours: {tz: ../etc/passwd, from: 09:00, to: 17:00}}", "hours.tz: expected a time zone that this machine knows, such as Europe/Berlin, found '../etc/passwd'"),
        ("{hours: {tz: UTC, from: 9:00, to: 17:00}}", "hours.from: expected a time of the day, 00:00 to 24:00, found '9:00'"),
        ("{hours: {tz: UTC, from: 09:00, to: 24:01}}", "hours.to: expected a time of the day, 00:00 to 24:00, found '24:01'"),
        ("{hours: {tz: UTC, from: 09:00, to: 09:00}}", "hours: 'from' and 'to' have to differ, and 'from' is before 24:00"),
        ("{hours: {tz: UTC, from: 24:00, to: 09:00}}", "hours: 'from' and 'to' have to differ, and 'from' is before 24:00"),
        ("{hours: {tz: UTC, from: 09:00, to: 10:00, days: [monday]}}", "hours.days[0]: expected one of mon, tue, wed, thu, fri, sat, sun, found 'monday'"),
        ("{hours: {tz: UTC, from: 09:00, to: 10:00, days: []}}", "hours.days: an empty list says nothing; fill it or take it out"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["allow", "deny"])
def test_one_condition(refused_rules: Refused, key: str, condition: str, problem: str) -> None:
    allow = "" if key == "allow" else ", allow: signed_in"
    problems = refused_rules(f"- {{id: a, paths: [/a]{allow}, {key}: {condition}}}")
    dot = "" if problem.startswith("'until'") else "."
    wanted = f": rules[0].{key}{dot}{': ' if not dot else ''}{problem}"
    assert any(found.endswith(wanted) for found in problems), problems


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        (
            "- {id: a, paths: [/a], allow: signed_in}\n- {id: a, paths: [/b], allow: signed_in}",
            "4:5: the id 'a' comes twice; it is already at policy.yaml:3:5",
        ),
        (
            "- {id: a, paths: ['/x/{y}'], allow: signed_in}\n- {id: b, paths: [/x/*/], allow: public}",
            "4:21: '/x/*/', for every other method, is already decided by 'a' at policy.yaml:3:21",
        ),
        (
            (
                "- {id: a, paths: [/a], methods: [GET, POST], allow: signed_in}\n"
                "- {id: b, paths: [/a], methods: [POST], allow: public}"
            ),
            "4:21: '/a' with POST is already decided by 'a' at policy.yaml:3:21",
        ),
        (
            "- {id: a, paths: [/_idaware/login], allow: public}",
            "3:21: '/_idaware/login': the paths below /_idaware are answered before any rule",
        ),
        (
            "- {id: a, paths: [/_idaware], allow: public}",
            "3:21: '/_idaware': the paths below /_idaware are answered before any rule",
        ),
        (
            "- {id: a, paths: [/_idaware/**], allow: public}",
            "3:21: '/_idaware/**': the paths below /_idaware are answered before any rule",
        ),
        (
            "- {id: a, paths: [/_idaware/**], shared: true, deny: {groups: [x]}}",
            "3:21: '/_idaware/**': the paths below /_idaware are answered before any rule",
        ),
        (
            "- {id: a, paths: [/_idaware/metrics], allow: public}",
            "3:21: '/_idaware/metrics' is not supported yet; take it out",
        ),
        (
            "- {id: a, paths: [/_idaware/console/**], allow: signed_in}",
            "3:21: '/_idaware/console/**' is not supported yet; take it out",
        ),
        (
            "- {id: a, paths: [/_idaware/console], allow: signed_in}",
            "3:21: '/_idaware/console': the paths below /_idaware are answered before any rule",
        ),
        (
            "- {id: a, paths: [/_idaware/metrics/**], allow: public}",
            "3:21: '/_idaware/metrics/**': the paths below /_idaware are answered before any rule",
        ),
        (
            (
                "- {id: a, paths: [/a], methods: [GET, POST, PUT, PATCH], allow: signed_in}\n"
                "- {id: b, paths: [/a], methods: [DELETE, OPTIONS, WEBSOCKET], allow: signed_in}\n"
                "- {id: c, paths: [/a], allow: public}"
            ),
            "5:21: '/a' without methods can match nothing: other rules name every method there",
        ),
        (
            "- {id: a, paths: [/a, '/a/{x}/**', /a/**], allow: signed_in}",
            "3:38: '/a/**' can match nothing: more specific patterns take every path that it covers",
        ),
        (
            "- {id: a, paths: [/, /*, '/{x}/*/**', /**], allow: signed_in}",
            "3:41: '/**' can match nothing: more specific patterns take every path that it covers",
        ),
        (
            "- {id: a, paths: [/a], allow: signed_in, allow_in_path: [semicolon]}",
            "3:21: '/a': allow_in_path needs patterns of literal segments before '/**'",
        ),
        (
            "- {id: a, paths: [/**], allow: signed_in, allow_in_path: [semicolon]}",
            "3:21: '/**': allow_in_path needs patterns of literal segments before '/**'",
        ),
        (
            "- {id: a, paths: [/a/*/**], allow: signed_in, allow_in_path: [semicolon]}",
            "3:21: '/a/*/**': allow_in_path needs patterns of literal segments before '/**'",
        ),
        (
            (
                "- {id: a, paths: [/a/**], allow: signed_in, allow_in_path: [semicolon]}\n"
                "- {id: b, paths: [/a/b], allow: public}"
            ),
            "3:21: '/a/**' has allow_in_path, so no other rule may allow below it, as 'b' does at policy.yaml:4:21",
        ),
        (
            (
                "- {id: a, paths: [/a/**], methods: [GET], allow: signed_in, allow_in_path: [semicolon]}\n"
                "- {id: b, paths: [/a/**], methods: [POST], allow: signed_in}"
            ),
            "3:21: '/a/**' has allow_in_path, so no other rule may allow below it, as 'b' does at policy.yaml:4:21",
        ),
        (
            (
                "- {id: a, paths: [/a/**], allow: signed_in, require: {acr: [gold]}}\n"
                "- {id: b, paths: [/**], shared: true, require: {acr: [silver, bronze]}}"
            ),
            "3:5: no sign-in meets the 'acr' of both 'a' and 'b' at policy.yaml:4:5",
        ),
        (
            (
                "- {id: a, paths: [/a], methods: [GET, PUT], allow: signed_in, require: {acr: [gold]}}\n"
                "- {id: b, paths: [/**], methods: [GET], shared: true, require: {acr: [silver]}}"
            ),
            "3:5: no sign-in meets the 'acr' of both 'a' and 'b' at policy.yaml:4:5",
        ),
        (
            (
                "- {id: a, paths: [/a], methods: [GET], allow: signed_in, require: {acr: [gold]}}\n"
                "- {id: b, paths: [/**], shared: true, require: {acr: [silver]}}"
            ),
            "3:5: no sign-in meets the 'acr' of both 'a' and 'b' at policy.yaml:4:5",
        ),
        (
            (
                "- {id: a, paths: [/a], allow: signed_in, require: {acr: [gold]}}\n"
                "- {id: b, paths: [/**], methods: [GET], shared: true, require: {acr: [silver]}}"
            ),
            "3:5: no sign-in meets the 'acr' of both 'a' and 'b' at policy.yaml:4:5",
        ),
        (
            (
                "- {id: a, paths: [/**], shared: true, require: {acr: [silver]}}\n"
                "- {id: b, paths: [/a], allow: signed_in}\n"
                "- {id: c, paths: [/a], shared: true, require: {acr: [gold]}}"
            ),
            "3:5: no sign-in meets the 'acr' of both 'a' and 'c' at policy.yaml:5:5",
        ),
    ],
    ids=[
        "id twice",
        "same pattern under other names",
        "one method in common",
        "own endpoint",
        "own prefix",
        "everything below the prefix",
        "own endpoints by a shared rule",
        "metrics",
        "console",
        "console without what is below",
        "below metrics",
        "every method named by others",
        "hidden rest",
        "hidden rest of everything",
        "allow_in_path on a page",
        "allow_in_path on everything",
        "allow_in_path behind a capture",
        "allow_in_path with a page below",
        "allow_in_path with another rule for another method",
        "acr that exclude each other",
        "acr for one method in common",
        "acr for a method and for every method",
        "acr for every method and for a method",
        "shared acr that exclude each other",
    ],
)
def test_between_rules(refused_rules: Refused, rules: str, problem: str) -> None:
    assert refused_rules(rules) == [f"policy.yaml:{problem}"]


@pytest.mark.parametrize(
    "rules",
    [
        "- {id: a, paths: [/a], methods: [GET], allow: signed_in}\n- {id: b, paths: [/a], allow: signed_in}",
        "- {id: a, paths: [/a], methods: [GET, POST, PUT, PATCH, DELETE, OPTIONS], allow: signed_in}\n- {id: b, paths: [/a], allow: signed_in}",
        "- {id: a, paths: [/a], methods: [GET], allow: signed_in}\n- {id: b, paths: [/a], methods: [HEAD], allow: public}",
        "- {id: a, paths: [/a/**], allow: signed_in}\n- {id: b, paths: [/a], allow: public}",
        "- {id: a, paths: [/a, '/a/{x}', /a/**], allow: signed_in}",
        "- {id: a, paths: ['/a/{x}/**', /a/**], allow: signed_in}",
        "- {id: a, paths: [/a/**], shared: true, deny: {groups: [x]}}\n- {id: b, paths: [/a/**], shared: true, deny: {groups: [z]}}\n- {id: c, paths: [/a/**], allow: signed_in}",
        "- {id: a, paths: [/a/**, /a/b/**], allow: signed_in, allow_in_path: [semicolon]}\n- {id: b, paths: [/**], allow: public}",
        "- {id: a, paths: [/a/**], allow: signed_in, allow_in_path: [semicolon]}\n- {id: b, paths: [/a/b], shared: true, deny: {groups: [x]}}",
        "- {id: a, paths: ['/{x}/login'], allow: signed_in}",
        "- {id: a, paths: [/a], methods: [PURGE, PROPFIND, FROBNICATE], allow: signed_in}",
        "- {id: a, paths: [/a], mode: enforce, audit: normal, shared: false, allow: signed_in}",
        "- {id: a, paths: [/a/**], allow: signed_in, require: {acr: [gold]}}\n- {id: b, paths: [/b/**], shared: true, require: {acr: [silver]}}",
        "- {id: a, paths: [/a], methods: [GET], allow: signed_in, require: {acr: [gold]}}\n- {id: b, paths: [/a], methods: [POST], shared: true, require: {acr: [silver]}}",
        "- {id: a, paths: [/a], allow: signed_in, require: {acr: [gold]}}\n- {id: b, paths: [/b], allow: signed_in, require: {acr: [silver]}}",
        "- {id: a, paths: [/a/**], allow: signed_in, require: {acr: [gold]}}\n- {id: b, paths: [/a/b], allow: signed_in, require: {acr: [silver]}}",
        "- {id: a, paths: [/a], allow: signed_in, require: {acr: [gold, silver]}}\n- {id: b, paths: [/a], shared: true, require: {acr: [silver]}}",
        "- {id: a, paths: [/a], allow: signed_in, origins: ['https://x.y', 'http://127.0.0.1:8000', 'http://[::1]:80']}",
    ],
)  # fmt: skip
def test_rules_that_only_look_contradictory_load(with_rules: Callable[..., Policy], rules: str) -> None:
    assert with_rules(rules).rules


def test_rules_without_an_id_are_not_said_to_share_one(refused_rules: Refused) -> None:
    problems = refused_rules("- {paths: [/a], allow: signed_in}\n- {paths: [/b], allow: signed_in}")
    assert problems == [
        "policy.yaml:3:5: rules[0]: 'id' is missing",
        "policy.yaml:4:5: rules[1]: 'id' is missing",
    ]


def test_all_errors_come_at_once_in_the_order_of_the_file(refused: Refused) -> None:
    problems = refused(
        """\
        version: 1
        ap: x
        rules:
          - id: a
            paths: [/a, b]
            allow: {group: [x], emails: [y]}
          - id: a
            paths: [/_idaware/me]
            allow: signed_in
            require: {auth_within: 5}
        """
    )
    assert [problem.split(": ")[0] for problem in problems] == [
        "policy.yaml:2:1",
        "policy.yaml:5:17",
        "policy.yaml:6:13",
        "policy.yaml:6:34",
        "policy.yaml:7:5",
        "policy.yaml:8:13",
        "policy.yaml:10:28",
    ]


def test_the_message_of_the_example(refused: Refused) -> None:
    rules = "".join(f"  - {{id: r{n}, paths: [/{n}], allow: signed_in}}\n" for n in range(3))
    text = "version: 1\nrules:\n" + rules + "  - id: x\n    paths: [/x]\n    allow: {group: [sre]}\n"
    assert refused(text) == [
        "policy.yaml:8:13: rules[3].allow.group: unknown key 'group'; did you mean 'groups'?"
    ]


@pytest.mark.parametrize(
    "allow",
    ["signed_in", "{none: [{groups: [x]}]}", "{until: '2030-01-01T00:00:00Z'}", "{any: [{groups: [x]}, {none: [{emails: [a@b.c]}]}]}"],
)  # fmt: skip
def test_where_anybody_can_sign_in_an_allow_has_to_name_somebody(refused_rules: Refused, allow: str) -> None:
    problems = refused_rules(f"- {{id: a, paths: [/a], allow: {allow}}}", multi_tenant=True)
    message = "anybody can sign in at this issuer, so this lets everybody in; name groups or people"
    assert problems == [f"policy.yaml:3:33: rules[0].allow: {message}"]


@pytest.mark.parametrize(
    "allow",
    ["public", "{groups: [x]}", "{all: [{none: [{groups: [x]}]}, {email_domains: [c.example]}]}", "{any: [{users: [x]}, {claims: {a: b}}]}"],
)  # fmt: skip
def test_where_anybody_can_sign_in_an_allow_that_names_somebody_loads(
    with_rules: Callable[..., Policy], allow: str
) -> None:
    assert with_rules(f"- {{id: a, paths: [/a], allow: {allow}}}", multi_tenant=True).rules


def test_own_prefix_is_the_configured_one(with_rules: Callable[..., Policy], refused_rules: Refused) -> None:
    rule = "- {id: a, paths: [/auth/x/login], allow: public}"
    assert with_rules(rule).rules
    assert refused_rules(rule, prefix="/auth/x") == [
        "policy.yaml:3:21: '/auth/x/login': the paths below /auth/x are answered before any rule"
    ]


def test_required_rules_have_to_be_there(with_rules: Callable[..., Policy], refused_rules: Refused) -> None:
    rule = "- {id: org-baseline, paths: [/a], allow: signed_in}"
    assert with_rules(rule, require_ids=("org-baseline",)).rules
    assert refused_rules(rule, require_ids=("org-baseline", "other")) == [
        "policy.yaml: the rule 'other' is required (IDAWARE_POLICY_REQUIRE) and is not there"
    ]


# -- several files -------------------------------------------------------------------------------------------------

CONTEXT = PolicyContext(now=0.0)


def test_several_files_are_joined() -> None:
    policy = load_policies(
        [
            ("a.yaml", b"version: 1\napp: x\ngroups: {ops: [sre]}\nkeep: {groups: [k1], claims: [c1]}\n"),
            (
                "b.yaml",
                b"version: 1\nkeep: {groups: [k2]}\nrules: [{id: b, paths: [/b], allow: {groups: [ops]}}]\n",
            ),
            ("c.yaml", b"version: 1\nrules: [{id: c, paths: [/c], allow: signed_in}]\n"),
        ],
        CONTEXT,
    )
    assert policy.app == "x"
    assert [rule.id for rule in policy.rules] == ["b", "c"]
    assert policy.wanted.groups == {"sre", "k1", "k2"}
    assert policy.wanted.claims == {"c1"}


def test_what_comes_twice_in_several_files_names_both() -> None:
    one = b"version: 1\napp: x\ngroups: {ops: [a]}\nrules: [{id: a, paths: [/a], allow: signed_in}]\n"
    with pytest.raises(PolicyError) as caught:
        load_policies([("a.yaml", one), ("b.yaml", one)], CONTEXT)
    assert [str(problem) for problem in caught.value.problems] == [
        "b.yaml:2:6: app: 'app' comes twice; it is already at a.yaml:2:6",
        "b.yaml:3:10: groups.ops: the alias 'ops' comes twice; it is already at a.yaml:3:10",
        "b.yaml:4:9: the id 'a' comes twice; it is already at a.yaml:4:9",
        "b.yaml:4:25: '/a', for every other method, is already decided by 'a' at a.yaml:4:25",
    ]


def test_errors_of_all_files_come_together() -> None:
    with pytest.raises(PolicyError) as caught:
        load_policies([("a.yaml", b"a: [\n"), ("b.yaml", b"version: 1\nrules: [{}]\n")], CONTEXT)
    assert [str(problem).split(": ")[0] for problem in caught.value.problems] == ["a.yaml:2:1", "b.yaml:2:9"]


def test_no_files_are_no_policy() -> None:
    with pytest.raises(PolicyError, match="the policy: 'rules' is missing"):
        load_policies([], CONTEXT)


# -- anything ------------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(
    [
        *(
            "version",
            "rules",
            "id",
            "paths",
            "allow",
            "deny",
            "shared",
            "groups",
            "any",
            "none",
            "claims",
            "hours",
        ),
        *(
            "tz",
            "until",
            "require",
            "amr",
            "keep",
            "public",
            "signed_in",
            "/a/**",
            "/{x}",
            "{x}",
            "sre",
            "",
            "no",
            "*",
        ),
    ]
)
_TREES = st.recursive(
    st.one_of(_WORDS, st.integers(-1, 2), st.booleans(), st.none(), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_WORDS, inner, max_size=4)),
    max_leaves=12,
)


@settings(max_examples=200)
@given(_TREES)
def test_any_document_loads_or_is_refused_never_another_exception(tree: object) -> None:
    import json

    rule = {"id": "a", "paths": ["/a"], "allow": tree}
    for document in (tree, {"version": 1, "rules": [tree]}, {"version": 1, "rules": [rule]}):
        try:
            load_policy(json.dumps(document).encode(), source="p.yaml", context=CONTEXT)
        except PolicyError as error:
            assert error.problems  # noqa: PT017 - either outcome is right
