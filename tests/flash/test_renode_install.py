"""Installing Renode, from a server on this machine that offers a small stand-in."""

import contextlib
import hashlib
import io
import json
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.errors import StepFailed, WrongUse
from pipeline.flash import renode_install
from pipeline.flash.doctor import doctor
from pipeline.flash.renode import renode_program
from pipeline.flash.renode_install import VERSION, install_renode

TOP = f"renode_{VERSION}-dotnet_portable"
SCRIPT = b"#!/bin/sh\necho Renode v1.16.1 stand-in\n"


def archive(*more: tarfile.TarInfo, script: bytes = SCRIPT, name: str = f"{TOP}/renode") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for info, data in (
            (tarfile.TarInfo(f"{TOP}/platforms/cpu.repl"), b"cpu"),
            (tarfile.TarInfo(name), script),
        ):
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
        for info in more:
            tar.addfile(info, io.BytesIO(b"x" * info.size))
    return buffer.getvalue()


def member(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = 1 if kind == tarfile.REGTYPE else 0
    return info


def sum_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def serving(data: bytes, *, claimed: int | None = None, status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(data) if claimed is None else claimed))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/renode.tar.gz"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.delenv("RENODE", raising=False)
    monkeypatch.setattr(renode_install.platform, "machine", lambda: "x86_64")
    return tmp_path / "cache" / "mcu-pipeline"


def left(cache: Path) -> list[str]:
    found = cache.iterdir() if cache.is_dir() else ()
    return sorted(path.name for path in found if path.name != ".renode.lock")


def test_it_is_installed_and_found(cache: Path) -> None:
    data = archive()
    seen: list[tuple[int, int, str]] = []
    with serving(data) as url:
        found = install_renode(
            url=url,
            sha256=sum_of(data).upper(),
            progress=lambda _, done, total, note="": seen.append((done, total, note)),
        )
    assert found.program == cache / f"renode-{VERSION}" / "renode"
    assert (found.fresh, found.says, found.trouble) == (True, "Renode v1.16.1 stand-in", "")
    assert (len(data), len(data), "download") in seen
    assert left(cache) == [f"renode-{VERSION}"]
    assert renode_program() == str(found.program)
    assert next(c for c in doctor() if c.name == "renode").found == str(found.program)


def test_a_second_time_nothing_is_downloaded_unless_forced(cache: Path) -> None:
    first, second = archive(), archive(script=b"#!/bin/sh\necho new\n")
    with serving(first) as url:
        install_renode(url=url, sha256=sum_of(first))
    again = install_renode(url="http://127.0.0.1:9/gone", sha256="0" * 64)
    assert not again.fresh
    with serving(second) as url:
        forced = install_renode(url=url, sha256=sum_of(second), force=True)
    assert forced.says == "new"
    assert left(cache) == [f"renode-{VERSION}"]


def test_a_copy_on_disk_will_do(cache: Path, tmp_path: Path) -> None:
    copy = tmp_path / "renode.tar.gz"
    copy.write_bytes(archive())
    assert install_renode(url=copy.as_uri(), sha256=sum_of(copy.read_bytes())).fresh


def test_what_does_not_run_is_told(cache: Path) -> None:
    data = archive(script=b"#!/bin/sh\necho no ICU package >&2\nexit 134\n")
    with serving(data) as url:
        assert install_renode(url=url, sha256=sum_of(data)).trouble == "no ICU package"


def test_the_makers_sum_is_what_counts_by_default(cache: Path) -> None:
    with serving(archive()) as url, pytest.raises(StepFailed, match=r"SHA-256 is .* not 00e113cd"):
        install_renode(url=url)
    assert left(cache) == []


def test_a_truncated_download(cache: Path) -> None:
    data = archive()
    half = data[: len(data) // 2]
    with serving(half, claimed=len(data)) as url, pytest.raises(StepFailed, match="broke off"):
        install_renode(url=url, sha256=sum_of(data))
    assert left(cache) == []


def test_a_failure_leaves_the_former_installation(cache: Path) -> None:
    data = archive()
    with serving(data) as url:
        install_renode(url=url, sha256=sum_of(data))
    with serving(b"junk") as url, pytest.raises(StepFailed, match="SHA-256"):
        install_renode(url=url, sha256=sum_of(data), force=True)
    assert renode_program() == str(cache / f"renode-{VERSION}" / "renode")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (archive(member("../evil")), "outside"),
        (archive(member(f"{TOP}/../../evil")), "outside"),
        (archive(member("/evil")), "outside"),
        (archive(member(f"{TOP}/l", kind=tarfile.SYMTYPE, link="../../../evil")), "bad"),
        (archive(member(f"{TOP}/l", kind=tarfile.SYMTYPE, link="/etc")), "bad"),
        (archive(member(f"{TOP}/l", kind=tarfile.LNKTYPE, link="../evil")), "bad"),
        (archive(member(f"{TOP}/dev", kind=tarfile.CHRTYPE)), "bad"),
        (archive(name=f"{TOP}/other"), "no program"),
        (archive()[:120], "bad"),
        (b"no archive at all", "bad"),
    ],
)
def test_a_bad_archive(cache: Path, tmp_path: Path, data: bytes, words: str) -> None:
    with serving(data) as url, pytest.raises(StepFailed, match=words):
        install_renode(url=url, sha256=sum_of(data))
    assert left(cache) == []
    assert not list(tmp_path.rglob("evil"))


def test_no_such_file_on_the_server(cache: Path) -> None:
    with serving(b"", status=404) as url, pytest.raises(StepFailed, match="404") as caught:
        install_renode(url=url)
    assert "github.com/renode/renode/releases/download/v1.16.1/" in caught.value.hint
    assert left(cache) == []


def test_no_network(cache: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/renode.tar.gz"
    with pytest.raises(StepFailed, match="can't be reached"):
        install_renode(url=url)
    assert left(cache) == []


def test_a_silent_server_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renode_install, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        begun = time.monotonic()
        with pytest.raises(StepFailed, match=r"no answer within 0\.3 s"):
            install_renode(url=f"http://127.0.0.1:{server.getsockname()[1]}/renode.tar.gz")
    assert time.monotonic() - begun < 3
    assert left(cache) == []


def test_two_at_once(cache: Path) -> None:
    cache.mkdir(parents=True)
    with renode_install._alone(cache), pytest.raises(StepFailed, match="under way"):
        install_renode()


def test_what_a_killed_installation_left_is_removed(cache: Path) -> None:
    (cache / ".renode-install-dead" / "tree").mkdir(parents=True)
    data = archive()
    with serving(data) as url:
        install_renode(url=url, sha256=sum_of(data))
    assert left(cache) == [f"renode-{VERSION}"]


@pytest.mark.parametrize(
    "given", [{"url": "ftp://there/renode"}, {"url": "renode.tar.gz"}, {"sha256": "123"}]
)
def test_wrong_use(given: dict[str, str]) -> None:
    with pytest.raises(WrongUse):
        install_renode(**given)


def test_a_machine_without_a_release(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renode_install.platform, "machine", lambda: "riscv64")
    with pytest.raises(StepFailed, match="no portable package for Linux on riscv64"):
        install_renode()


def test_the_command(cache: Path) -> None:
    from typer.testing import CliRunner

    from pipeline.cli.app import app

    data = archive()
    with serving(data) as url:
        words = ["renode", "install", "--url", url, "--sha256", sum_of(data), "--json"]
        ran = CliRunner().invoke(app, words)
        bad = CliRunner().invoke(app, ["renode", "install", "--url", url, "--force", "--json"])
    assert json.loads(ran.stdout)["program"] == str(cache / f"renode-{VERSION}" / "renode")
    assert bad.exit_code == 1
    assert "SHA-256" in json.loads(bad.stdout)["error"]["what"]
