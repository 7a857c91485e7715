"""Installs the programs the pipeline needs; does nothing where all are there.

    python3 setup/install.py demo|test

With `test`, also the compilers of all boards, and what only the tests use. On a system without
apt it looks for the programs and names the command that brings the missing ones.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any


def _load_tools() -> Any:
    """pipeline/tools.py alone: the package's own imports are not installed yet."""
    path = Path(__file__).resolve().parents[1] / "pipeline" / "tools.py"
    spec = importlib.util.spec_from_file_location("tools", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tools"] = module
    spec.loader.exec_module(module)
    return module


tools = _load_tools()


def set_up(names: tuple[str, ...]) -> int:
    """Installs what is missing, where this system has apt and lets us; 0 when all is there."""
    missing = tuple(name for name in names if not tools.installed(name))
    extra = [] if _has_ensurepip() else [f"python3.{sys.version_info[1]}-venv"]
    if not missing and not extra:
        return 0
    if tools.manager() != "apt":
        command = tools.install_command(*missing)
        _say(f"missing: {', '.join((*missing, *extra))}; install them, then run make again:")
        _say(f"  {command}" if command else "  Python's modules venv and ensurepip")
        return 1
    packages = [*tools.packages_of(missing, "apt")[0], *extra]
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    for_administrator = f"sudo apt-get update && sudo {' '.join(install)}"
    sudo: list[str] = []
    if not tools.is_root():
        if shutil.which("sudo") is None:
            _say("not root, and no sudo; ask an administrator to run, then run make again:")
            _say(f"  {for_administrator.replace('sudo ', '')}")
            return 1
        sudo = ["sudo"]
    _say(f"installing Debian packages: {' '.join(packages)}")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    # sudo asks for a password at the terminal itself; packages are to ask nothing.
    subprocess.run([*sudo, "apt-get", "update", "-q"], stdin=subprocess.DEVNULL, check=False)
    if subprocess.run([*sudo, *install], stdin=subprocess.DEVNULL, check=False).returncode:
        _say("that failed. Ask an administrator to run, then run make again:")
        _say(f"  {for_administrator}")
        return 1
    return 0


def _has_ensurepip() -> bool:
    try:
        import ensurepip
    except ImportError:  # Debian keeps it in a package of its own
        return False
    return bool(ensurepip.version())


def _say(text: str) -> None:
    sys.stderr.write(f"setup: {text}\n")


if __name__ == "__main__":
    sys.exit(set_up({"demo": tools.DEMO, "test": tools.TEST}[sys.argv[1]]))
