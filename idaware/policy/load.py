"""From files to a ``Policy``, or to every error in them at once. The whole of it is checked before any of it is used.

Reading the files from disk, and again when they change, is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from idaware.errors import PolicyError, Problem
from idaware.identity import Wanted
from idaware.policy import fields, scalars
from idaware.policy.checks import check_rules
from idaware.policy.document import Mapping, Node, Place, Scalar, read_document
from idaware.policy.document import Sequence as ListNode
from idaware.policy.fields import Problems
from idaware.policy.model import PolicyContext, Rule
from idaware.policy.policy import Policy
from idaware.policy.read_conditions import read_group_values
from idaware.policy.read_rules import read_rule

_KEYS: Final = ("version", "app", "groups", "keep", "rules")
_LATER: Final = ("issuers", "grants", "tests")
_ONE_LINE_ID: Final = "one-line"
_NOBODY: Final = "this or another IDAWARE_ALLOW_* variable is needed: who may come in has no default"
_TOO_MUCH: Final = (
    "lets in whoever the other IDAWARE_ALLOW_* variables name, and everybody else; take it or the others out"
)


def load_policy(text: bytes, *, source: str, context: PolicyContext) -> Policy:
    """Load a policy of one file. ``source``: its name in messages.

    Raises ``PolicyError`` with every problem, each at ``file:line:column``.
    """
    return load_policies([(source, text)], context)


def load_policies(files: Sequence[tuple[str, bytes]], context: PolicyContext) -> Policy:
    """Load a policy that is spread over several files (name, text): rules, groups and ``keep`` are joined.

    Raises ``PolicyError`` as ``load_policy``; what comes twice is an error that names both files.
    """
    loading = _Loading(context)
    documents = [(source, read_document(text, source)) for source, text in files]
    for _, document in documents:
        if not isinstance(document, Problem):
            loading.read_top(document)
    loading.read_rules()
    unreadable = [document for _, document in documents if isinstance(document, Problem)]
    return loading.finish(files[0][0] if len(files) == 1 else "the policy", unreadable)


def one_line_policy(
    *,
    groups: Sequence[str] = (),
    email_domains: Sequence[str] = (),
    emails: Sequence[str] = (),
    signed_in: bool = False,
    context: PolicyContext,
) -> Policy:
    """The policy of the ``IDAWARE_ALLOW_*`` variables: one rule, ``one-line``, for every path.

    Whoever is named by any of them comes in. Raises ``PolicyError`` when none is given, when ``signed_in``
    stands beside others (which would then mean nothing), and for values that a policy would not accept.
    """
    given = {
        "groups": ("IDAWARE_ALLOW_GROUPS", groups),
        "email_domains": ("IDAWARE_ALLOW_EMAIL_DOMAINS", email_domains),
        "emails": ("IDAWARE_ALLOW_EMAILS", emails),
    }
    named = [(key, Place(variable), values) for key, (variable, values) in given.items() if values]
    if signed_in == bool(named):
        raise PolicyError([Problem("IDAWARE_ALLOW_SIGNED_IN", _TOO_MUCH if named else _NOBODY)])
    place = Place("IDAWARE_ALLOW_SIGNED_IN" if signed_in else "IDAWARE_ALLOW_*")
    allow: Node = Scalar(place, "signed_in")
    if named:
        allow = _mapping(
            place, any=_list(place, [_mapping(at, **{key: _texts(at, values)}) for key, at, values in named])
        )
    rule = _mapping(place, id=Scalar(place, _ONE_LINE_ID), paths=_texts(place, ["/**"]), allow=allow)
    loading = _Loading(context)
    loading.has_rules = True
    loading.rule_nodes.append(("", rule))
    loading.read_rules()
    return loading.finish(str(place), [])


def _mapping(place: Place, **entries: Node) -> Mapping:
    return Mapping(place, [(Scalar(place, key), value) for key, value in entries.items()])


def _list(place: Place, items: Sequence[Node]) -> ListNode:
    return ListNode(place, list(items))


def _texts(place: Place, texts: Sequence[str]) -> ListNode:
    return _list(place, [Scalar(place, text) for text in texts])


class _Loading:
    """What was read so far, of one file or several."""

    def __init__(self, context: PolicyContext) -> None:
        self.context = context
        self.problems = Problems()
        self.app: tuple[str, Place] | None = None
        self.aliases: dict[str, tuple[str, ...]] = {}
        self.alias_places: dict[str, Place] = {}
        self.kept_groups: list[str] = []
        self.kept_claims: list[str] = []
        self.has_rules = False
        self.rule_nodes: list[tuple[str, Node]] = []
        self.rules: list[Rule] = []

    def read_top(self, document: Node) -> None:
        """The top level of one file; its rules are read when the groups of all files are known."""
        record = fields.read_record(document, "", self.problems, known=_KEYS, later=_LATER)
        if record is None:
            return
        self._read_version(document, record.get("version"))
        if "app" in record:
            self._read_app(record["app"])
        if "groups" in record:
            self._read_aliases(record["groups"])
        if "keep" in record:
            self._read_keep(record["keep"])
        if "rules" in record:
            self.has_rules = True
            self.rule_nodes += [
                (path, node) for path, node in fields.read_items(record["rules"], "rules", self.problems)
            ]

    def read_rules(self) -> None:
        """All rules, and what has to be right between them."""
        read = (
            read_rule(node, path, self.problems, self.context, self.aliases) for path, node in self.rule_nodes
        )
        self.rules += [rule for rule in read if rule is not None]

    def finish(self, source: str, unreadable: Sequence[Problem]) -> Policy:
        """The policy, or ``PolicyError`` with everything that is wrong."""
        if not self.has_rules and not unreadable:
            self.problems.add(Place(source), "", "'rules' is missing: who may come in has no default")
        if not unreadable:
            check_rules(self.rules, self.context, self.problems, source)
        problems = [*unreadable, *self.problems.sorted()]
        if problems:
            raise PolicyError(problems)
        app = self.app[0] if self.app is not None else None
        return Policy(self.rules, app=app, keep=self._keep(), now=self.context.now)

    def _read_version(self, document: Node, node: Node | None) -> None:
        if node is None:
            self.problems.add(document.place, "", "'version: 1' is missing")
        elif not isinstance(node, Scalar) or scalars.as_int(node) != 1:
            self.problems.add(node.place, "version", f"expected 1, found {fields.kind(node)}")

    def _read_app(self, node: Node) -> None:
        text = fields.read_text(node, "app", self.problems)
        if text is not None and self.app is not None:
            self.problems.add(node.place, "app", f"'app' comes twice; it is already at {self.app[1]}")
        elif text is not None:
            self.app = text, node.place

    def _read_aliases(self, node: Node) -> None:
        for name, (key, value) in (fields.read_mapping(node, "groups", self.problems) or {}).items():
            path = f"groups.{name}"
            values = read_group_values(value, path, self.problems)
            if name in self.alias_places:
                first = self.alias_places[name]
                self.problems.add(
                    key.place, path, f"the alias '{name}' comes twice; it is already at {first}"
                )
            elif "{" in name or "}" in name or "*" in name:
                self.problems.add(key.place, path, "an alias holds no '{', '}' or '*'")
            self.alias_places.setdefault(name, key.place)
            self.aliases.setdefault(name, tuple(values))

    def _read_keep(self, node: Node) -> None:
        record = fields.read_record(node, "keep", self.problems, known=("groups", "claims")) or {}
        if "groups" in record:
            self.kept_groups += read_group_values(record["groups"], "keep.groups", self.problems)
        if "claims" in record:
            claims = fields.read_texts(record["claims"], "keep.claims", self.problems, what="a claim")
            self.kept_claims += [text for text, _, _ in claims]

    def _keep(self) -> Wanted:
        """``keep`` speaks of raw values, as guards in an application do; an alias's values are kept beside it."""
        expanded = (raw for group in self.kept_groups for raw in self.aliases.get(group, ()))
        return Wanted(groups=frozenset([*self.kept_groups, *expanded]), claims=frozenset(self.kept_claims))
