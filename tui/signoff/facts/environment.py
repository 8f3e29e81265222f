"""A project's files with secrets: what they say, who may read them, who refers to them, and their copies."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePosixPath
from shlex import quote
from typing import Final

from signoff.credentials.dotenv import EnvFile, read
from signoff.credentials.secret import Secret
from signoff.facts.base import HostFact, Malformed, Unavailable
from signoff.facts.compose import Compose, parse_compose
from signoff.facts.dockerfile import Dockerfile, Dockerignore, parse_dockerfile, parse_dockerignore
from signoff.facts.dumps import encrypted_with
from signoff.facts.sections import Section, assigned, read_script, sections
from signoff.message import say
from signoff.target.command import Output, Root
from signoff.target.profile import Profile
from signoff.text import one_line

_EXAMPLE: Final = re.compile(
    r"example|sample|\bdist\b|template|\btpl\b|\btmpl\b|\bj2\b|skeleton", re.IGNORECASE
)
_DEVELOPMENT: Final = re.compile(r"[._-](dev|develop|development|test|testing|tests|ci|e2e)\b", re.IGNORECASE)
_COPY: Final = re.compile(
    r"(~|#|\.sw[a-p]|[ ._-]\(?(bak|backup|old|orig|save|saved|copy|copied|tmp|temp|prev|previous|rej|disabled"
    r"|swp|\d+)\)?[ \d._()-]*)$"
    r"|\.(zip|tar|tgz|gz|bz2|xz|zst|7z|rar)$"
    r"|^env\.(bak|old|txt)$"
    r"|\.signoff-[0-9a-f]{16}(/new)?$",  # our own, left where a file was being replaced when the power went
    re.IGNORECASE,
)
_DRAFT: Final = re.compile(r"\.signoff-[0-9a-f]{16}(/new)?$")
_SEALED_VALUE: Final = re.compile(rb'\w+="?(ENC\[AES256_GCM,|encrypted:)|DOTENV_VAULT')


class Kind(StrEnum):
    """What a file named like ``.env`` is."""

    LIVE = "live"
    EXAMPLE = "example"
    DEVELOPMENT = "development"
    COPY = "copy"
    SEALED = "sealed"
    """Encrypted: its name says nothing of that, its content does."""


@dataclass(frozen=True, slots=True)
class Access:
    """A path with its mode and owners. ``mode`` is None where it could not be asked for.

    ``listed`` tells whether an access control list (acl(5)) lets more users in than the mode names.
    """

    path: str
    mode: int | None
    uid: int
    owner: str
    gid: int
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
        return _DRAFT.search(self.path) is not None


@dataclass(frozen=True)
class Environment:
    """What is known of a project's files with secrets.

    ``seen_as`` is the user who looked; ``absent`` are the paths that the profile or a unit names and that are
    not there, with whether that is sure; ``elsewhere`` are files of such names outside of the project,
    ``members`` the users in each group, by its name, ``gaps`` the directories that could not be looked into.
    """

    project: str
    seen_as: str
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
    gaps: tuple[str, ...] = ()

    @property
    def live(self) -> tuple[SecretFile, ...]:
        """The files that programs read."""
        return tuple(file for file in self.files if file.kind is Kind.LIVE)

    def file(self, path: str) -> SecretFile | None:
        """Return the file at a path, or that a link there leads to."""
        return next((file for file in self.files if path in {file.path, file.target}), None)


def kind_of(path: str) -> Kind:
    """Tell by its name what a file is."""
    name = PurePosixPath(path).name
    if name == "new":
        name = f"{PurePosixPath(path).parent.name}/new"
    if _COPY.search(name):
        return Kind.COPY
    if _EXAMPLE.search(name):
        return Kind.EXAMPLE
    return Kind.DEVELOPMENT if _DEVELOPMENT.search(name) else Kind.LIVE


def no_project(reason: str, project: str = "") -> Unavailable:
    """Return why there is no project directory to look into."""
    if reason == "closed":
        return Unavailable(
            say("{project} may not be looked into without root", project=project),
            f"sudo ls -la {quote(project)}",
        )
    if reason == "missing":
        return Unavailable(
            say("there is no directory {project}; put the project's into targets.toml", project=project)
        )
    return Unavailable(say("the project directory is not known; put it into targets.toml as project"))


def parse_environment(output: Output) -> Environment:
    """Return what was found; raise Unavailable where the project directory is not known or closed."""
    found = sections(output)
    for section in found:
        if section.name == "nowhere":
            raise no_project(section.field(0), one_line(section.field(1)))
    project = next((section for section in found if section.name == "project"), None)
    if project is None:
        raise Malformed(say("the look at the project directory did not run to its end"))
    return Environment(
        project=project.field(0),
        seen_as=project.field(1),
        files=tuple(_file(section) for section in found if section.name == "file"),
        parents=tuple(_access(section) for section in found if section.name == "parent"),
        absent={one.field(0): one.field(1) == "sure" for one in found if one.name == "absent"},
        compose=tuple(parse_compose(*one) for one in _documents(found, "compose")),
        dockerfiles=tuple(parse_dockerfile(*one) for one in _documents(found, "dockerfile")),
        dockerignores=tuple(parse_dockerignore(*one) for one in _documents(found, "dockerignore")),
        elsewhere=tuple(_file(section) for section in found if section.name == "elsewhere"),
        mounted=tuple(_mounted(section) for section in found if section.name == "mounted"),
        members=_members(found),
        gaps=tuple(section.field(0) for section in found if section.name == "gap"),
    )


def _access(section: Section) -> Access:
    mode, uid, owner, gid, group = (section.field(index) for index in range(1, 6))
    return Access(
        path=section.field(0),
        mode=int(mode, 8) if mode else None,
        uid=int(uid) if uid else -1,
        owner=owner,
        gid=int(gid) if gid else -1,
        group=group,
        listed=section.field(9) == "+",
    )


def _file(section: Section) -> SecretFile:
    access, kind = _access(section), kind_of(section.field(0))
    changed, touched, size = (section.field(index) for index in (6, 7, 8))
    content = _decoded(section) if section.lines and kind is not Kind.COPY else None
    if kind is Kind.LIVE and content is not None and _sealed(content):
        kind, content = Kind.SEALED, None
    return SecretFile(
        access=access,
        kind=kind,
        changed=datetime.fromtimestamp(int(changed), UTC) if changed else None,
        touched=datetime.fromtimestamp(int(touched), UTC) if touched else None,
        size=int(size) if size else 0,
        readable=section.field(10) == "yes",
        target=section.field(11) or access.path,
        content=None if content is None else read(content),
    )


def _mounted(section: Section) -> SecretFile:
    file = _file(section)
    return replace(file, readable=section.field(10) == "open")


def _sealed(content: bytes) -> bool:
    """Whether a content is encrypted: as a whole, or each of its values (sops, dotenvx, dotenv-vault)."""
    if encrypted_with(content) or content.startswith((b"\0GITCRYPT\0", b"$ANSIBLE_VAULT;")):
        return True
    lines = [line for line in content.splitlines() if line.strip() and not line.lstrip().startswith(b"#")]
    values = [line for line in lines if not line.startswith((b"sops_", b"DOTENV_PUBLIC_KEY"))]
    return bool(values) and all(map(_SEALED_VALUE.match, values))


def _decoded(section: Section) -> bytes:
    try:
        return base64.b64decode("".join(section.lines), validate=True)
    except binascii.Error:
        raise Malformed(
            say("the content of {field} did not come through", field=one_line(section.field(0)))
        ) from None


def _documents(found: tuple[Section, ...], name: str) -> Iterator[tuple[str, Secret | None]]:
    """Yield the path and the text of each, None where it may not be read."""
    for section in found:
        if section.name == name:
            readable = section.field(1) == "yes"
            text = Secret(_decoded(section).decode("utf-8", "replace")) if readable else None
            yield section.field(0), text


def _members(found: tuple[Section, ...]) -> dict[str, frozenset[str]]:
    """Return the users of each group: those listed in it, and those whose own group it is."""
    users = [line.split(":") for one in found if one.name == "users" for line in one.lines if line]
    groups = [line.split(":") for one in found if one.name == "groups" for line in one.lines if line]
    return {
        name: frozenset(filter(None, listed.split(","))) | {user for user, _, gid in users if gid == number}
        for name, number, listed in groups
    }


def script_for(name: str) -> Callable[[Profile], str]:
    """Return a script that looks at a project, given what the profile knows of it."""

    text = read_script("trust.sh", "project-files.sh", name)

    def script(profile: Profile) -> str:
        named = {"listed": "\n".join(profile.env_files), "services": "\n".join(profile.services)}
        return assigned(project=profile.project, **named) + text

    return script


ENVIRONMENT: HostFact[Environment] = HostFact(
    id="environment",
    title=say("the project's files with secrets"),
    script=script_for("environment.sh"),
    parse=parse_environment,
    root=Root.PREFER,
    timeout=20.0,
    cap=8 << 20,
    sensitive=True,
    by_hand=lambda profile: f"sudo ls -la {quote(profile.project or '.')}",
)
