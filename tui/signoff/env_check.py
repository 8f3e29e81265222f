"""``signoff env check``: what the secrets of a file are worth, and who else may have them. Never a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any, Final

from signoff.credentials.dotenv import EnvFile
from signoff.credentials.secret import Secret
from signoff.errors import UsageError
from signoff.facts.base import Fact, Facts, HostFact, Malformed, Unavailable
from signoff.facts.collect import collect
from signoff.facts.environment import ENVIRONMENT, Kind, SecretFile, kind_of
from signoff.facts.git import GIT, Git
from signoff.message import say, tr, translated
from signoff.model import SYMBOLS, Finding, Result, word, worst
from signoff.probes.env import present
from signoff.probes.rated import RatedSecret, rated
from signoff.rating import FACTS, around
from signoff.report.text import finding_lines
from signoff.target.command import Root
from signoff.target.local import LocalTarget
from signoff.target.profile import Profile
from signoff.text import one_line

CODES: Final = {Result.FAIL: 1, Result.ERROR: 3, Result.UNKNOWN: 3}
"""What the command exits with, by the gravest result; all well else."""


@dataclass(frozen=True, slots=True)
class Check:
    """A file's secrets, and what was found around the file."""

    path: str
    content: EnvFile | None = field(repr=False)
    """None where it could not be read."""
    secrets: tuple[RatedSecret, ...]
    findings: tuple[Finding, ...]

    @property
    def result(self) -> Result:
        """The gravest of it. A file in which nothing looks like a secret was judged on nothing."""
        found = [one.result for one in self.secrets] or [Result.UNKNOWN]
        return worst([*found, *(finding.result for finding in self.findings)])


class _Nobody:
    """Gives sudo no password: the operator's own file is looked at as themselves."""

    def accept_host_key(self, host: str, kind: str, fingerprint: str) -> bool:
        """Not asked here."""
        return False

    def passphrase(self, path: str) -> Secret | None:
        """Not asked here."""

    def login_password(self, user: str, host: str) -> Secret | None:
        """Not asked here."""

    def sudo_password(self, user: str, host: str) -> Secret | None:
        """Not asked here."""


def check(path: Path) -> Check:
    """Look at a file of this machine. Raises UsageError where there is none."""
    if not path.is_file():
        kind = tr("is no file") if path.exists() else tr("is not there")
        raise UsageError(
            say("{path} {kind}.", path=path, kind=kind),
            say("Give the path of a .env file: signoff env check FILE"),
        )
    path = path.absolute()
    profile = Profile(project=str(path.parent.resolve()), env_files=(path.name,))
    facts, file = _of_file(_looked_up(profile), path.name)
    findings = (one for one in around(facts, profile) if one.probe != present.id or _is_about(one, file))
    secrets = tuple(rated(file, facts, profile))
    return Check(file.path, file.content, secrets, tuple(findings))


def _is_about(finding: Finding, file: SecretFile) -> bool:
    """Tell whether a finding of env.present says more of the file than the table does."""
    return finding.result is not Result.PASS and finding.subject.partition(": ")[0] in {file.path, ""}


def _looked_up(profile: Profile) -> dict[str, Any]:
    target = LocalTarget(_Nobody())
    try:
        wanted: list[Fact[Any]] = [_as_oneself(fact) for fact in FACTS]
        return {one.fact.id: one.value for one in collect(wanted, target, profile, Event())}
    finally:
        target.close()


@cache
def _as_oneself(fact: HostFact[Any]) -> HostFact[Any]:
    return replace(fact, root=Root.NO, needs=tuple(map(_as_oneself, fact.needs)))


def _of_file(values: Mapping[str, Any], name: str) -> tuple[Facts, SecretFile]:
    """Return the facts with nothing in them but one file, and the copies of it in its directory."""
    facts = Facts(values)
    try:
        environment = facts[ENVIRONMENT]
    except (Unavailable, Malformed) as absent:
        raise UsageError(say("The file could not be looked at: {reason}.", reason=absent.reason)) from None
    path = f"{environment.project}/{name}"
    file = next((one for one in environment.files if one.path == path), None)
    if file is None:
        raise UsageError(
            say("{path} could not be looked at.", path=one_line(path)), say("Give it a plain name.")
        )
    copies = (one for one in environment.files if one.kind is Kind.COPY and _is_copy(one.path, path))
    examples = (one for one in environment.files if one.kind is Kind.EXAMPLE and one is not file)
    alone = replace(environment, files=(file, *copies, *examples), elsewhere=())
    found = facts.replaced(ENVIRONMENT, alone)
    if not facts.missing(GIT):
        found = found.replaced(GIT, _of_history(facts[GIT], path))
    return found, file


def _of_history(known: Git, path: str) -> Git:
    def mine(relative: str) -> bool:
        whole = f"{known.top}/{relative}"
        return whole == path or _is_copy(whole, path)

    return replace(
        known,
        tracked=tuple(filter(mine, known.tracked)),
        history={one: commits for one, commits in known.history.items() if mine(one)},
        unignored=tuple(one for one in known.unignored if one == path),
    )


def _is_copy(one: str, path: str) -> bool:
    """Tell whether a path looks like a copy of a file, in the same directory: ``.env.bak``, ``#.env#``."""
    directory, _, name = path.rpartition("/")
    pattern = rf"{re.escape(directory)}/(#|\.)?{re.escape(name)}([^/]+|\.signoff-[0-9a-f]+/new)"
    return one != path and kind_of(one) is Kind.COPY and re.fullmatch(pattern, one) is not None


def text_lines(check: Check) -> Iterator[str]:
    """Yield the check as plain text, a secret a line."""
    if check.content is None:
        yield tr("{path}: it could not be read", path=one_line(check.path))
    else:
        count = len(check.content.variables)
        yield tr(
            "{path}: {variables} variables, {secrets} of them secrets",
            path=one_line(check.path),
            variables=count,
            secrets=len(check.secrets),
        )
    width = max((len(one.rating.name) for one in check.secrets), default=0)
    for one in check.secrets:
        rating = one.rating
        said = "; ".join(map(translated, one.problems)) or tr("strong")
        yield (
            tr(
                "{symbols} {result} {name}  {form}  {length} characters  {bits} bits  {said}",
                symbols=SYMBOLS[one.result],
                result=f"{word(one.result):<8}",
                name=f"{one_line(rating.name, 60):<{width}}",
                form=f"{rating.form.value:<8}",
                length=f"{rating.length:>4}",
                bits=f"{rating.bits:>4}",
                said=said,
            )
        )
    if check.content and not check.secrets:
        yield tr("? unknown  none of the variables looks like a secret")
    for finding in check.findings:
        yield from finding_lines(finding)
    if any(one.result is Result.FAIL for one in check.secrets):
        yield tr("Put it right: signoff env rotate {path} KEY ...", path=one_line(check.path))


def as_json(check: Check) -> dict[str, Any]:
    """Return the check for scripts; keys may be added, none is renamed."""
    return {
        "schema": 1,
        "file": one_line(check.path, 4096),
        "result": check.result.value,
        "secrets": [
            {
                "name": one_line(one.rating.name, 4096),
                "line": one.line,
                "class": one.rating.form.value,
                "length": one.rating.length,
                "bits": one.rating.bits,
                "verdict": one.rating.verdict.value,
                "result": one.result.value,
                "problems": list(one.problems),
            }
            for one in check.secrets
        ],
        "findings": [
            {
                "probe": one.probe,
                "result": one.result.value,
                "title": one.title,
                "observed": one.observed,
                "expected": one.expected,
                "remedy": one.remedy,
                "evidence": list(one.evidence),
            }
            for one in check.findings
        ],
    }
