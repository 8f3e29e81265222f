"""What is known of a target: where it is, and what runs on it."""

from __future__ import annotations

import posixpath

import msgspec

from signoff.target.second_factor import SecondFactor


class Profile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One target of ``targets.toml``. Discovery proposes the values, the operator corrects them once.

    address          ``local`` or ``ssh://[user@]host[:port][/project/dir]``
    url              the product's public URL, ``https://shop.example``
    addresses        where the URL's host name is to be looked for, instead of asking DNS: before a
                     first deploy goes live, or behind a CDN
    project          the project directory on the target
    env_files        the files with secrets, relative to the project directory
    services         the systemd units or compose services that read them
    admin_paths      paths of the admin panel and its API, ``/admin/``, ``/api/admin/users``
    open_ports       the TCP ports meant to answer the internet beside 80, 443 and SSH
    database         the name of the PostgreSQL database
    backup_directory where the dumps lie
    second_factor    how the product's database takes the key of a new second factor
    """

    name: str = ""
    address: str = "local"
    url: str = ""
    addresses: tuple[str, ...] = ()
    project: str = ""
    env_files: tuple[str, ...] = (".env",)
    services: tuple[str, ...] = ()
    admin_paths: tuple[str, ...] = ()
    open_ports: tuple[int, ...] = ()
    database: str = ""
    backup_directory: str = ""
    second_factor: SecondFactor | None = None

    @property
    def env_file(self) -> str:
        """The first of the files with secrets; from / on where the project directory is known."""
        return posixpath.join(self.project, self.env_files[0] if self.env_files else ".env")
