"""Build what hosts start from: file trees, images for their containers, keys, certificates, variants."""

import hashlib
import io
import os
import secrets
import shutil
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from labhost.engine import Engine, LabError, run
from labhost.host import Host, create

HERE = Path(__file__).resolve().parents[1]
VARIANTS = ("good", "bad", "good-caddy", "good-docker")
SITE = "shop.test"
INNER_IMAGES = {
    "postgres": "postgres:15-bookworm",
    "redis": "redis:7-bookworm",
    "python": "python:3.11-slim-bookworm",
}


def digest(*paths: Path) -> str:
    """A short hash of the names and contents of these files and folders."""
    found = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and "__pycache__" not in file.parts:
                found.update(
                    f"{file.relative_to(path.parent)}\0".encode() + hashlib.sha256(file.read_bytes()).digest()
                )
    return found.hexdigest()[:16]


class Builder:
    """Makes, once, what is not there yet. Each result is named by the hash of what it was made from."""

    def __init__(self, engine: Engine) -> None:
        """Work with this engine, below its cache."""
        self.engine = engine
        self.cache = engine.cache
        self.keys = self.cache / "keys"

    @property
    def ssh_key(self) -> Path:
        """The private key that all users of all hosts accept."""
        return self.keys / "id_ed25519"

    @property
    def ca_certificate(self) -> Path:
        """The certificate of the lab's own authority, which signed the site's."""
        return self.keys / "ca.crt"

    def variant_image(self, variant: str) -> str:
        """The image that a variant's hosts start from, named by the hash of everything in it."""
        hosts = HERE / "hosts"
        folders = {hosts / "common", hosts / variant}
        if variant.startswith("good"):
            folders.add(hosts / "good")  # where the product is that all of these share
        inputs = [HERE / "rootfs.sh", HERE / "images", HERE / "shop", hosts / "common.sh", *sorted(folders)]
        key = digest(*inputs, self.keys / f"{SITE}.crt", self.ssh_key.with_suffix(".pub"))
        return f"signoff-lab/{variant}:{key}"

    def docker_tree(self, variant: str) -> Path:
        """The variant's /var/lib/docker: a volume, so no part of its image."""
        return self.cache / "variants" / self.variant_image(variant).replace("/", "_").replace(":", "_")

    def is_built(self, variant: str) -> bool:
        """Whether hosts of this variant can be started as the lab is now."""
        if not self.ssh_key.exists() or not self._certificate_lasts():
            return False
        image = self.engine.docker("images", "--quiet", self.variant_image(variant))
        return bool(image) and self.docker_tree(variant).is_dir()

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from building, and from replacing what is built."""
        return self.engine.locked("build")

    def build(self, *variants: str) -> None:
        """Make whatever these variants (all when none is named) still need."""
        unknown = {*variants} - {*VARIANTS}
        if unknown:
            raise LabError(f"no variant {', '.join(unknown)}; there are {', '.join(VARIANTS)}")
        self.engine.start()
        with self.locked():
            self.ensure(*variants or VARIANTS)

    def ensure(self, *variants: str) -> None:
        """The same, for a caller who holds the lock. Two variants at a time: each often waits for its own."""
        self.make_keys()
        missing = [variant for variant in variants if not self.is_built(variant)]
        if missing:
            base, inner = self.make_base(), self.make_inner_images()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda variant: self.make_variant(variant, base, inner), missing))

    def copy_docker_tree(self, variant: str, target: Path) -> None:
        """A copy of the variant's /var/lib/docker for one host.

        Layers of images are only ever read, so they are linked; those of containers are written, so copied.
        """
        source = self.docker_tree(variant)
        target.mkdir(parents=True)
        mounts = source.glob("image/overlay2/layerdb/mounts/*/*-id")
        written = {name for mount in mounts for name in (mount.read_text(), f"{mount.read_text()}-init")}
        rest = [path for path in source.iterdir() if path.name != "overlay2"]
        layers = source / "overlay2"
        (target / "overlay2").mkdir(mode=0o710)
        linked = [path for path in layers.iterdir() if path.name not in written]
        copied = [path for path in layers.iterdir() if path.name in written]
        run("cp", "--archive", *rest, target)
        run("cp", "--archive", "--link", *linked, target / "overlay2")
        if copied:
            run("cp", "--archive", *copied, target / "overlay2")

    def make_keys(self) -> None:
        """The users' SSH key, the lab's authority, and the site's certificate, renewed before it runs out."""
        self.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.ssh_key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", self.ssh_key)
        ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        ca_key = self.keys / "ca.key"
        if not self.ca_certificate.exists():
            usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
            subject = ("-x509", "-days", "3650", "-subj", "/CN=signoff lab authority", *usage)
            run("openssl", "req", *ec, *subject, "-keyout", ca_key, "-out", self.ca_certificate)
        if not self._certificate_lasts():
            request, extensions = self.keys / f"{SITE}.csr", self.keys / f"{SITE}.ext"
            extensions.write_text(
                f"subjectAltName=DNS:{SITE},DNS:www.{SITE}\nbasicConstraints=critical,CA:FALSE\n"
                "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n"
                "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
            )
            key, certificate = self.keys / f"{SITE}.key", self.keys / f"{SITE}.crt"
            run("openssl", "req", *ec, "-subj", f"/CN={SITE}", "-keyout", key, "-out", request)
            signer = ("-CA", self.ca_certificate, "-CAkey", ca_key, "-CAcreateserial", "-days", "180")
            run(
                "openssl",
                "x509",
                "-req",
                "-in",
                request,
                *signer,
                "-extfile",
                extensions,
                "-out",
                certificate,
            )

    def _certificate_lasts(self) -> bool:
        """Whether the site's certificate is there and good for another 60 days."""
        certificate = self.keys / f"{SITE}.crt"
        seconds = str(60 * 86400)
        return (
            certificate.exists()
            and not run(
                *("openssl", "x509", "-noout", "-checkend", seconds, "-in", certificate), check=False
            ).returncode
        )

    def make_trees(self) -> Path:
        """The file trees of hosts and containers and a package for some hosts; the directory with them."""
        directory = self.cache / f"rootfs-{digest(HERE / 'rootfs.sh')}"
        names = ("host.tar.zst", "inner.tar.zst", "compose.deb")
        if not all((directory / name).exists() for name in names):
            directory.mkdir(parents=True, exist_ok=True)
            run(HERE / "rootfs.sh", directory)
        return directory

    def make_base(self) -> str:
        """The image of a host before it is set up."""
        directory = self.make_trees()
        image = f"signoff-lab/base:{directory.name.removeprefix('rootfs-')}"
        if not self.engine.docker("images", "--quiet", image):
            self._import(directory / "host.tar.zst", image)
        return image

    def _import(self, tarball: Path, image: str) -> None:
        """Import a compressed tree, streamed: it is too large to be held in memory."""
        with subprocess.Popen(["zstd", "--quiet", "-dc", tarball], stdout=subprocess.PIPE) as unpack:
            command = ["docker", f"--host=unix://{self.engine.socket}", "import", "-", image]
            done = subprocess.run(command, stdin=unpack.stdout, capture_output=True, check=False)
        if done.returncode or unpack.returncode:
            raise LabError(f"cannot import {tarball}: {done.stderr.decode(errors='replace')}")

    def make_inner_images(self) -> Path:
        """The images that hosts load, for they can pull none, as one tarball."""
        directory = self.make_trees()
        tarball = self.cache / f"inner-{digest(HERE / 'rootfs.sh', HERE / 'images')}.tar.zst"
        if not tarball.exists():
            self._import(directory / "inner.tar.zst", "signoff-lab/inner")
            for name, tag in INNER_IMAGES.items():
                # The classic builder: the newer one wants a plugin that Debian 12 has not.
                run(
                    "env",
                    "DOCKER_BUILDKIT=0",
                    *self._docker("build", "--quiet", f"--tag={tag}", HERE / "images" / name),
                )
            images = tarball.with_suffix(".partial")
            run(*self._docker("save", f"--output={images}.tar", *INNER_IMAGES.values()))
            run("zstd", "--quiet", "--rm", "-3", f"{images}.tar", "-o", images)
            images.rename(tarball)
        return tarball

    def _docker(self, *args: str | Path) -> tuple[str | Path, ...]:
        """The words of a docker command on the lab's engine."""
        return ("docker", f"--host=unix://{self.engine.socket}", *args)

    def make_variant(self, variant: str, base: str, inner: Path) -> None:
        """Start a bare host, set it up as this variant while it runs, and keep what became of it."""
        tree = self.docker_tree(variant)
        self.remove_old(variant)
        scratch = tree.with_name(f"{tree.name}.partial")
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        name = f"setup-{variant}-{secrets.token_hex(3)}"
        script = "ssh-keygen -A && exec /sbin/init"
        container = create(self.engine, base, name, variant, scratch, script=script, owner=os.getpid())
        host = Host(self.engine, container, self.ssh_key)
        try:
            host.wait_booted()
            host.exec("mkdir /run/lab && tar --directory=/run/lab --extract", stdin=self._setup_files(inner))
            host.exec(f"bash /run/lab/hosts/{variant}/setup.sh")
            self.engine.docker("stop", "--time=60", container)
            self.engine.docker("commit", container, self.variant_image(variant))
            scratch.rename(tree)
        finally:
            host.stop()

    def _setup_files(self, inner: Path) -> bytes:
        """What a host's set-up reads, as a tar archive."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path in (HERE / "hosts", HERE / "shop", self.ssh_key.with_suffix(".pub")):
                tar.add(path, path.name)
            for name in (f"{SITE}.crt", f"{SITE}.key"):
                tar.add(self.keys / name, name)
            tar.add(inner, "inner.tar.zst")
            tar.add(self.make_trees() / "compose.deb", "compose.deb")
        return archive.getvalue()

    def remove_old(self, variant: str) -> None:
        """Drop this variant's earlier images; one that a host still runs from stays until the next time."""
        current = self.variant_image(variant)
        names = self.engine.docker(
            "images", "--format={{.Repository}}:{{.Tag}}", f"signoff-lab/{variant}"
        ).split()
        for name in {*names} - {current}:
            if not self.engine.docker_run("rmi", name, check=False).returncode:
                shutil.rmtree(
                    self.cache / "variants" / name.replace("/", "_").replace(":", "_"), ignore_errors=True
                )
