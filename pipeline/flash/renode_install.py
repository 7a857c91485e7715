"""Renode's portable release: downloaded, checked by SHA-256, unpacked into the user's cache.

The archive is unpacked in a hidden folder beside its place and renamed once it is whole, so
that whatever happens there is all of Renode or nothing. `renode_program` finds it there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import queue
import re
import shutil
import subprocess
import tarfile
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from pipeline import scratch, system
from pipeline.errors import StepFailed, WrongUse
from pipeline.flash.renode import renode_settings
from pipeline.progress import Progress, silent

VERSION = "1.16.1"
_BASE = f"https://github.com/renode/renode/releases/download/v{VERSION}"
# Machine: asset and its SHA-256, as GitHub shows it for the release.
_ASSETS = {
    "x86_64": (
        f"renode-{VERSION}.linux-portable-dotnet.tar.gz",
        "00e113cdbd0f5354cf2f64bbe3f5a070d8958409542fca66e45ac97d982938c0",
    ),
    "aarch64": (
        f"renode-{VERSION}.linux-arm64-portable-dotnet.tar.gz",
        "fff3a098c96ed0a4ffbdff3f028c9c5fde432db09587c7bd7c99406180f90007",
    ),
}

CONNECT_SECONDS = 6.0
STALL_SECONDS = 20.0
_CHUNK = 1 << 18
_MOST_BYTES = 4 << 30
_BY_HAND = (
    "where there is a network, download {url}; here give it as --url file:///path/to/it; "
    "or --on qemu"
)


@dataclass(frozen=True)
class Release:
    """A portable release: where it is, and the SHA-256 of the archive."""

    url: str
    sha256: str


@dataclass(frozen=True)
class Installed:
    """What an installation left.

    Attributes:
        program: path of the program.
        fresh: False where it was there before.
        says: its answer to --version; "" where it did not run.
        trouble: why it does not run here, in its own words; "" where it does.
    """

    program: Path
    fresh: bool
    says: str
    trouble: str


def release() -> Release:
    """The release for this machine.

    Raises:
        StepFailed: there is none.
    """
    machine = platform.machine()
    if platform.system() != "Linux" or machine not in _ASSETS:
        raise StepFailed(
            f"Renode has no portable package for {platform.system()} on {machine}",
            hint="install Renode as its makers describe (renode.io) and set RENODE to its program",
        )
    asset, sha256 = _ASSETS[machine]
    return Release(f"{_BASE}/{asset}", sha256)


def cache_folder() -> Path:
    """The user's cache folder of this package, where `renode_program` looks too."""
    return system.cache_folder().absolute()


def install_renode(
    *,
    url: str = "",
    sha256: str = "",
    force: bool = False,
    progress: Progress = silent,
) -> Installed:
    """Downloads, checks and unpacks Renode's portable release.

    Args:
        url: a mirror (http, https) or a copy (file); the makers' own release by default.
        sha256: what the archive's sum has to be; that of the makers' release by default.
        force: installs again where it is installed.
        progress: called with bytes, then with files.

    Raises:
        WrongUse: `url` or `sha256` are none.
        StepFailed: no network, a bad archive, a full disk, another installation under way.
    """
    known = Release(url, sha256.lower()) if url and sha256 else release()
    wanted = Release(url or known.url, (sha256 or known.sha256).lower())
    _check(wanted)
    folder = cache_folder()
    target = folder / f"renode-{VERSION}"
    program = target / "renode"
    if not force and _runnable(program):
        return Installed(program, False, *_try(program))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder), _staging(folder) as staging:
            archive = staging / "renode.tar.gz"
            _download(wanted, archive, progress)
            unpacked = _unpack(archive, staging / "tree", progress)
            _swap(unpacked, target, staging / "old")
    except OSError as error:
        raise StepFailed(
            f"can't install Renode: {error.strerror or error}", where=str(folder)
        ) from error
    return Installed(program, True, *_try(program))


def _check(wanted: Release) -> None:
    if not re.match(r"(https?|file)://", wanted.url):
        raise WrongUse("is no http, https or file URL", where=wanted.url, hint="--url https://...")
    if not re.fullmatch(r"[0-9a-f]{64}", wanted.sha256):
        raise WrongUse("a SHA-256 is 64 hexadecimal digits", where=f"--sha256 {wanted.sha256}")


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(system.locked(folder / ".renode.lock", wait=False))
        except system.Busy as error:
            raise StepFailed(
                "another `mcu renode install` is under way", where=str(folder), hint="wait for it"
            ) from error
        yield


@contextlib.contextmanager
def _staging(folder: Path) -> Iterator[Path]:
    # What a killed installation left; the lock says that nobody is using it.
    for left in folder.glob(".renode-install-*"):
        shutil.rmtree(left, ignore_errors=True)
    staging = scratch.folder_beside(folder / "renode-install")
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _open(url: str) -> Any:
    """The response; given up after CONNECT_SECONDS, name resolution and redirects included."""
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def attempt() -> None:
        try:
            answer.put(urllib.request.urlopen(url, timeout=STALL_SECONDS))
        except BaseException as error:
            answer.put(error)

    # Name resolution has no time limit of its own, so the attempt runs aside.
    threading.Thread(target=attempt, daemon=True).start()
    try:
        found = answer.get(timeout=CONNECT_SECONDS)
    except queue.Empty:
        found = TimeoutError(f"no answer within {CONNECT_SECONDS:g} s")
    if isinstance(found, urllib.error.HTTPError):
        raise StepFailed(
            f"the server answers {found.code} {found.reason}", where=url, hint=_by_hand()
        ) from found
    if isinstance(found, OSError | HTTPException | ValueError):
        reason = getattr(found, "reason", None) or found
        raise StepFailed(f"can't be reached: {reason}", where=url, hint=_by_hand()) from found
    if isinstance(found, BaseException):
        raise found
    return found


def _download(wanted: Release, path: Path, progress: Progress) -> None:
    digest = hashlib.sha256()
    done = 0
    progress("renode", 0, 0, f"download {wanted.url}")
    with _open(wanted.url) as response, path.open("wb") as file:
        length = response.headers.get("Content-Length") or ""
        total = int(length) if length.isdecimal() else 0
        while True:
            try:
                chunk = response.read(_CHUNK)
            except (OSError, HTTPException) as error:
                raise StepFailed(
                    f"the download broke off after {done} of {total or '?'} bytes: {error}",
                    where=wanted.url,
                    hint="try again",
                ) from error
            if not chunk:
                break
            done += len(chunk)
            if done > _MOST_BYTES:
                raise StepFailed("the download has no end", where=wanted.url)
            digest.update(chunk)
            file.write(chunk)
            progress("renode", done, total, "download")
    if total and done != total:
        raise StepFailed(
            f"the download broke off after {done} of {total} bytes",
            where=wanted.url,
            hint="try again",
        )
    if digest.hexdigest() != wanted.sha256:
        raise StepFailed(
            f"the SHA-256 is {digest.hexdigest()}, not {wanted.sha256}: not installed",
            where=wanted.url,
            hint="damaged, changed on its way, or another release (then give its --sha256)",
        )


def _unpack(archive: Path, into: Path, progress: Progress) -> Path:
    """Unpacks the archive; gives the folder in it that has the program."""
    into.mkdir()
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for done, member in enumerate(tar, start=1):
                if member.name.startswith("/") or ".." in Path(member.name).parts:
                    raise StepFailed(
                        f"the archive holds {member.name!r}, outside of its folder: not installed"
                    )
                # The filter also refuses links that leave the folder, and devices.
                tar.extract(member, into, filter="data")
                if done % 50 == 0:
                    progress("renode", done, 0, "unpack")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise StepFailed(f"the archive is bad: {error}: not installed") from error
    except OSError as error:
        if isinstance(error, tarfile.ReadError) or error.errno is None:  # gzip.BadGzipFile
            raise StepFailed(f"the archive is bad: {error}: not installed") from error
        raise
    for program in (into / "renode", *sorted(into.glob("*/renode"))):
        if _runnable(program):
            return program.parent
    raise StepFailed("the archive has no program 'renode': not installed")


def _swap(unpacked: Path, target: Path, old: Path) -> None:
    """Puts the folder into its place; the former one goes with the staging folder."""
    if target.exists():
        target.rename(old)
    try:
        unpacked.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise


def _runnable(program: Path) -> bool:
    return program.is_file() and os.access(program, os.X_OK)


def _try(program: Path) -> tuple[str, str]:
    """Renode's words to --version, and why it does not run."""
    try:
        done = subprocess.run(
            ["env", *renode_settings(), program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", str(error)
    words = " ".join((done.stdout.strip() or done.stderr.strip()).split())[:300]
    return (words, "") if done.returncode == 0 else ("", words or f"exit code {done.returncode}")


def _by_hand() -> str:
    asset, _ = _ASSETS.get(platform.machine(), _ASSETS["x86_64"])
    return _BY_HAND.format(url=f"{_BASE}/{asset}")
