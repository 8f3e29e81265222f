"""A project's files with secrets: what they say, who may read them, who refers to them, and their copies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from shlex import quote
from typing import Final

from signoff.credentials.dotenv import EnvFile, read
from signoff.credentials.secret import Secret
from signoff.facts.base import Facts, HostFact, Unavailable
from signoff.facts.compose import Compose, parse_compose
from signoff.facts.dockerfile import Dockerfile, Dockerignore, parse_dockerfile, parse_dockerignore
from signoff.facts.dumps import encrypted_with
from signoff.facts.sections import Named, Section, assigned, by_name, moment, read_script, sections
from signoff.facts.units import UNITS, decoded
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.target.profile import Profile
from signoff.text import one_line


class Kind(StrEnum):
    """What a file named like ``.env`` is."""

    LIVE = "live"
    EXAMPLE = "example"
    DEVELOPMENT = "development"
    COPY = "copy"
    SEALED = "sealed"
    """Encrypted: its name says nothing of that, its content does."""


_DRAFT: Final = r"\.signoff-[0-9a-f]{16}(/new)?$"
"""Our own, left where a file was being replaced when the power went."""
_KINDS: Final = {
    Kind.COPY: r"(?i)(~|#|\.sw[a-p]|[ ._-]\(?(bak|backup|old|orig|saved?|copy|copied|tmp|temp|prev|previous"
    r"|rej|disabled|swp|\d+)\)?[ \d._()-]*)$|\.(zip|tar|tgz|gz|bz2|xz|zst|7z|rar)$|^env\.(bak|old|txt)$|"
    + _DRAFT,
    Kind.EXAMPLE: r"(?i)example|sample|template|skeleton|\b(dist|tpl|tmpl|j2)\b",
    Kind.DEVELOPMENT: r"(?i)[._-](dev|develop|development|tests?|testing|ci|e2e)\b",
}
_SEALED_VALUE: Final = re.compile(rb'\w+="?(ENC\[AES256_GCM,|encrypted:)|DOTENV_VAULT')


@dataclass(frozen=True, slots=True)
class Access:
    """A path with its mode and owners. ``mode`` is None where it could not be asked for.

    ``listed`` tells whether an access control list (acl(5)) lets more users in than the mode names.
    """

    path: str
    mode: int | None
    owner: str
    group: str
    listed: bool = False


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file named like ``.env``. ``target`` is where a symbolic link leads, else the path itself.

    ``changed`` is when its content was (mtime; what copies files can set it back), ``touched`` when anything
    of it was (ctime: its content, its mode, its name).
    ``content`` is None where it could not be read, or was not: of copies only what stands around them is
    looked at, and of example files the values.
    """

    access: Access
    kind: Kind
    changed: datetime | None
    touched: datetime | None
    size: int
    readable: bool
    target: str
    content: EnvFile | None

    @property
    def path(self) -> str:
        """Where it is."""
        return self.access.path

    @property
    def is_draft(self) -> bool:
        """Whether it is the new content that signoff was about to put in a file's place when it was ended."""
        return re.search(_DRAFT, self.path) is not None


@dataclass(frozen=True)
class Environment:
    """What is known of a project's files with secrets.

    ``absent`` are the paths that the profile or a unit names and that are not there, with whether that is
    sure; ``elsewhere`` are files of such names outside of the project, ``members`` the users in each group,
    by its name.
    """

    project: str
    files: tuple[SecretFile, ...]
    parents: tuple[Access, ...]
    absent: Mapping[str, bool] = field(default_factory=dict)
    compose: tuple[Compose, ...] = ()
    dockerfiles: tuple[Dockerfile, ...] = ()
    dockerignores: tuple[Dockerignore, ...] = ()
    elsewhere: tuple[SecretFile, ...] = ()
    mounted: tuple[SecretFile, ...] = ()
    """The files that compose mounts as secrets; ``readable`` where others may pass the folders above."""
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def live(self) -> tuple[SecretFile, ...]:
        """The files that programs read."""
        return tuple(file for file in self.files if file.kind is Kind.LIVE)

    def file(self, path: str) -> SecretFile | None:
        """Return the file at a path, or that a link there leads to."""
        return next((file for file in self.files if path in {file.path, file.target}), None)


def kind_of(path: str) -> Kind:
    """Tell by its name what a file is."""
    *above, name = path.split("/")
    name = "/".join([*above[-1:], name]) if name == "new" else name
    return next((kind for kind, pattern in _KINDS.items() if re.search(pattern, name)), Kind.LIVE)


def parse_environment(output: Output) -> Environment:
    """Return what was found; raise Unavailable where the project directory is not known or closed."""
    found = by_name(sections(output))
    for section in found["nowhere"]:
        raise _no_project(section.field(0), one_line(section.field(1)))
    return Environment(
        project=found["project"][0].field(0),
        files=tuple(map(_file, found["file"])),
        parents=tuple(map(_access, found["parent"])),
        absent={one.field(0): one.field(1) == "sure" for one in found["absent"]},
        compose=tuple(parse_compose(one.field(0), _text(one)) for one in found["compose"]),
        dockerfiles=tuple(parse_dockerfile(one.field(0), _text(one)) for one in found["dockerfile"]),
        dockerignores=tuple(parse_dockerignore(one.field(0), _text(one)) for one in found["dockerignore"]),
        elsewhere=tuple(map(_file, found["elsewhere"])),
        mounted=tuple(map(_file, found["mounted"])),
        members=_members(found),
    )


def _no_project(reason: str, project: str) -> Unavailable:
    match reason:
        case "closed":
            why = say("{project} may not be looked into without root", project=project)
            return Unavailable(why, f"sudo ls -la {quote(project)}")
        case "missing":
            why = say("there is no directory {project}; put the project's into targets.toml", project=project)
            return Unavailable(why)
    return Unavailable(say("the project directory is not known; put it into targets.toml as project"))


def _access(section: Section) -> Access:
    path, mode, _uid, owner, _gid, group = section.fields[:6]
    return Access(path, int(mode, 8) if mode else None, owner, group, listed=section.field(9) == "+")


def _file(section: Section) -> SecretFile:
    access, kind = _access(section), kind_of(section.field(0))
    changed, touched, size = section.fields[6:9]
    content = decoded(section) if section.lines and kind is not Kind.COPY else None
    if kind is Kind.LIVE and content is not None and _sealed(content):
        kind, content = Kind.SEALED, None
    return SecretFile(
        access=access,
        kind=kind,
        changed=moment(changed),
        touched=moment(touched),
        size=int(size or 0),
        readable=section.field(10) in {"yes", "open"},
        target=section.field(11) or access.path,
        content=None if content is None else read(content),
    )


def _sealed(content: bytes) -> bool:
    """Whether a content is encrypted: as a whole, or each of its values (sops, dotenvx, dotenv-vault)."""
    if encrypted_with(content) or content.startswith((b"\0GITCRYPT\0", b"$ANSIBLE_VAULT;")):
        return True
    lines = [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    values = [line for line in lines if not line.startswith((b"sops_", b"DOTENV_PUBLIC_KEY"))]
    return bool(values) and all(map(_SEALED_VALUE.match, values))


def _text(section: Section) -> Secret | None:
    """Return a document; None where it may not be read."""
    return Secret(decoded(section).decode("utf-8", "replace")) if section.field(1) == "yes" else None


def _members(found: Named) -> dict[str, frozenset[str]]:
    """Return the users of each group: those listed in it, and those whose own group it is."""
    users = [line.split(":") for section in found["users"] for line in section.lines if line]
    groups = [line.split(":") for section in found["groups"] for line in section.lines if line]
    return {
        name: frozenset(filter(None, listed.split(","))) | {user for user, _, gid in users if gid == number}
        for name, number, listed in groups
    }


def _given(facts: Facts, profile: Profile) -> dict[str, Iterable[str]]:
    """Return the files that the profile names and that services read."""
    units = () if facts.missing(UNITS) else facts[UNITS].units
    return {"file": [*profile.env_files, *(file.path for unit in units for file in unit.env_files)]}


_SCRIPT = read_script("trust.sh", "environment.sh")

ENVIRONMENT: HostFact[Environment] = HostFact(
    id="environment",
    title=say("the project's files with secrets"),
    script=lambda profile: assigned(project=profile.project) + _SCRIPT,
    parse=parse_environment,
    root=Root.PREFER,
    timeout=20.0,
    cap=8 << 20,
    sensitive=True,
    by_hand=lambda profile: f"sudo ls -la {quote(profile.project or '.')}",
    needs=(UNITS,),
    given=_given,
)
