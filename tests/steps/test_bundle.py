"""The bundle for a bug report: what is in, and what must not be."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from pipeline.errors import WrongUse
from pipeline.flash.check import Check
from pipeline.steps import bundle
from pipeline.steps.bundle import sanitised, write_bundle


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person called zaphod at the machine magrathea, whose home has a blank."""
    home = tmp_path / "home of zaphod"
    (home / "work").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("LOGNAME", "zaphod")
    monkeypatch.setenv("USER", "zaphod")
    monkeypatch.setattr("platform.node", lambda: "magrathea.example.org")
    monkeypatch.setenv("MCU_HISTORY", "postgresql://zaphod:towel@db.example.org/history")
    monkeypatch.setenv("PGPASSWORD", "towel")
    monkeypatch.setenv("GITHUB_TOKEN", "towel")
    monkeypatch.chdir(home / "work")
    return home


SECRETS = ("zaphod", "magrathea", "towel", "ghp_")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("{home}/work/runs/kws", "<here>/runs/kws"),
        ("{home}/other/kws.tflite", "~/other/kws.tflite"),
        ('"/home/ford/kws" "/Users/ford/x"', '"/home/<user>/kws" "/Users/<user>/x"'),
        ("C:\\Users\\ford\\kws", "C:\\Users\\<user>\\kws"),
        ("C:\\\\Users\\\\ford\\\\kws", "C:\\\\Users\\\\<user>\\\\kws"),
        ("/srv/home/ford", "/srv/home/ford"),  # not a folder of homes
        ("zaphod@magrathea: no", "<user>@<host>: no"),
        ("magrathea.example.org", "<host>"),
        ("unzaphodly", "unzaphodly"),
        ("postgresql://me:pass@host/db", "postgresql://<user>@host/db"),
        ("https://ghp_token@host/x", "https://<user>@host/x"),
    ],
)
def test_what_tells_of_the_person_goes(person: Path, text: str, clean: str) -> None:
    assert sanitised(text.replace("{home}", str(person))) == clean


def test_what_is_inside(person: Path) -> None:
    run = person / "work" / "runs" / "kws"
    (run / "project").mkdir(parents=True)
    (run / "steps.json").write_text(json.dumps({"model": str(person / "secret/kws.tflite")}))
    (run / "model.tflite").write_bytes(b"TFL3 all of it")
    (run / "project" / "platformio.ini").write_text(f"[env]\nextra = {person}/x\n")
    checks = [Check("renode", False, f"RENODE names {person}/renode", "mcu renode install")]
    inside = write_bundle(Path("report.zip"), checks, run)
    assert set(inside) == {
        "system.json", "doctor.json", "packages.txt",
        "run/steps.json", "run/project/platformio.ini",
    }  # fmt: skip
    with zipfile.ZipFile("report.zip") as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert {name: len(text) for name, text in texts.items()} == inside
    for name, text in texts.items():
        assert not any(secret in text for secret in SECRETS), name
    system = json.loads(texts["system.json"])
    assert "MCU_HISTORY" in system["variables"]
    assert not {"GITHUB_TOKEN", "PGPASSWORD"} & set(system["variables"])
    assert "numpy " in texts["packages.txt"]
    assert "~/renode" in texts["doctor.json"]


def test_wrong_use(person: Path) -> None:
    with pytest.raises(WrongUse, match="zip"):
        write_bundle(Path("report.tar"), [])
    with pytest.raises(WrongUse, match="no run folder"):
        write_bundle(Path("report.zip"), [], person)
    assert not Path("report.zip").exists()


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs with any user id."""

    def unknown() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(bundle.getpass, "getuser", unknown)
    assert sanitised("nothing to hide") == "nothing to hide"
