"""The CI files: valid YAML of the right form, and commands that do what they say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from pipeline.errors import WrongUse
from pipeline.report.ci import FILES, init_ci

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "ci-example"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "kws v2.tflite").write_text("")
    (tmp_path / "tests").mkdir()
    return tmp_path


def github(folder: Path) -> Any:
    return yaml.safe_load((folder / FILES["github"]).read_text())


def gitlab(folder: Path) -> Any:
    return yaml.safe_load((folder / FILES["gitlab"]).read_text())


def scripts(folder: Path) -> dict[str, str]:
    """Name of the step -> its script."""
    steps = github(folder)["jobs"]["boards"]["steps"]
    return {step["name"]: step["run"] for step in steps if "run" in step}


def test_it_writes_both(repo: Path) -> None:
    written = init_ci(repo, [], "mps2_an386", samples=20)
    assert written == [repo / FILES["github"], repo / FILES["gitlab"]]
    assert list(scripts(repo)) == ["Install", "Test on the board", "Bench", "Compare"]


def test_renode_is_the_one_the_package_installs(repo: Path) -> None:
    init_ci(repo, [], "disco_f407vg")
    assert scripts(repo)["Install Renode"] == "mcu renode install"
    assert gitlab(repo)["boards"]["before_script"][-1] == "mcu renode install"


def test_github_form(repo: Path) -> None:
    init_ci(repo, [], "mps2_an386")
    document = github(repo)
    # YAML 1.1 reads the key `on` as true.
    assert set(document[True]) == {"push", "pull_request", "workflow_dispatch"}
    assert document["permissions"] == {"contents": "read"}
    jobs = document["jobs"]
    assert set(jobs) == {"boards", "comment"}
    for job in jobs.values():
        assert job["runs-on"] == "ubuntu-latest"
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            # What a pull request's author chooses must not become part of a script.
            assert "${{" not in step.get("run", "")
    upload = next(s for s in jobs["boards"]["steps"] if "upload-artifact" in s.get("uses", ""))
    assert upload["if"] == "always()"
    assert "mcu-bench/reports.json" in upload["with"]["path"]
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}


def test_gitlab_form(repo: Path) -> None:
    init_ci(repo, [], "mps2_an386")
    (job,) = gitlab(repo).values()
    assert all(isinstance(line, str) for part in ("before_script", "script") for line in job[part])
    assert job["artifacts"]["reports"] == {"junit": "mcu-*.xml"}
    assert job["artifacts"]["when"] == "always"


def test_both_run_the_same_commands(repo: Path) -> None:
    init_ci(repo, [], "mps2_an386", data=["random"])
    tests, bench, compare = gitlab(repo)["boards"]["script"]
    ours = scripts(repo)
    assert (tests, bench) == (ours["Test on the board"], ours["Bench"])
    assert compare.replace('exit "$code"\n', "") in ours["Compare"]


def test_every_script_is_valid_shell(repo: Path) -> None:
    init_ci(repo, [], "disco_f407vg", package="mcu @ git+https://example.org/x.git")
    job = gitlab(repo)["boards"]
    lines = [*job["before_script"], *job["script"], *job["after_script"]]
    comment = [s["run"] for s in github(repo)["jobs"]["comment"]["steps"] if "run" in s]
    for script in [*lines, *scripts(repo).values(), *comment]:
        done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr
    assert "pip install 'mcu @ git+https://example.org/x.git' pytest" in scripts(repo)["Install"]


def test_models_data_and_tests(repo: Path) -> None:
    init_ci(repo, [], "mps2_an386", data=["kws v2=a b.npz"], samples=9)
    assert scripts(repo)["Bench"].split(" --junit")[0] == (
        "mcu bench 'models/kws v2.tflite' --board mps2_an386 --on qemu --data 'kws v2=a b.npz' "
        "--samples 9 --out mcu-bench"
    )
    (repo / "tests").rmdir()
    init_ci(repo, [repo / "models" / "kws v2.tflite"], "mps2_an386", force=True)
    assert "Test on the board" not in scripts(repo)
    assert "pytest" not in scripts(repo)["Install"]


def test_it_does_not_write_over_a_file(repo: Path) -> None:
    (repo / ".gitlab-ci.yml").write_text("mine: {}\n")
    with pytest.raises(WrongUse, match="is there already"):
        init_ci(repo, [], "mps2_an386")
    assert (repo / ".gitlab-ci.yml").read_text() == "mine: {}\n"
    assert not (repo / ".github").exists()
    init_ci(repo, [], "mps2_an386", only="github")
    init_ci(repo, [], "mps2_an386", force=True)
    assert "boards" in gitlab(repo)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"board": "nowhere"}, "no board"),
        ({"only": "jenkins"}, "not known"),
        ({"models": [Path("none.tflite")]}, "no such file"),
        ({"models": [EXAMPLE / "models" / "digits.tflite"]}, "outside of the repository"),
        ({"folder": "empty"}, "holds no .tflite"),
    ],
)
def test_wrong_use(repo: Path, options: dict[str, Any], says: str) -> None:
    (repo / "empty").mkdir()
    folder = repo / options.pop("folder", ".")
    arguments = {"models": [], "board": "mps2_an386", **options}
    with pytest.raises(WrongUse, match=says):
        init_ci(folder, **arguments)
    assert not (folder / ".github").exists()


def test_a_board_without_an_emulator(repo: Path) -> None:
    from pipeline.board import boards, load_board

    silent = [name for name in boards() if not load_board(name).emulators]
    if not silent:
        pytest.skip("every board has an emulator")
    with pytest.raises(WrongUse, match="no emulator"):
        init_ci(repo, [], silent[0])


def test_the_examples_files_are_what_it_writes(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("mcu-*", ".pytest_cache"))
    init_ci(copy, [], "disco_f407vg", data=["tests/digits.npz"], force=True)
    for name in FILES.values():
        assert (copy / name).read_text() == (EXAMPLE / name).read_text(), name


def run(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a script as GitHub and GitLab do."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder, text=True, capture_output=True,
        env={**os.environ, "PATH": path, "MCU_OFFLINE": "1",
             "MCU_HISTORY": str(folder / "history.db"), **environment},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.qemu
def test_the_commands_as_written(tmp_path: Path) -> None:
    repo = tmp_path / "repo"
    shutil.copytree(EXAMPLE, repo, ignore=shutil.ignore_patterns("mcu-*", ".pytest_cache"))
    init_ci(repo, [], "mps2_an386", data=["tests/digits.npz"], samples=20, force=True)
    steps = scripts(repo)

    done = run(repo, steps["Test on the board"])
    assert done.returncode == 0, done.stdout + done.stderr
    (suite,) = ElementTree.parse(repo / "mcu-tests-qemu.xml").getroot()
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("4", "0")

    done = run(repo, steps["Bench"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "digits-mps2_an386-aot-qemu" in done.stdout
    assert "Layers: cost and bytes" in (repo / "mcu-bench.html").read_text()

    done = run(repo, steps["Compare"])
    assert done.returncode == 0, done.stderr
    assert "No mcu-baseline.json" in done.stdout

    shutil.copy(repo / "mcu-bench/reports.json", repo / "mcu-baseline.json")
    done = run(repo, steps["Compare"], GITHUB_STEP_SUMMARY=str(repo / "summary"))
    assert done.returncode == 0, done.stderr
    assert "all gates passed" in (repo / "summary").read_text()

    # The same on GitLab, with a baseline that was quicker.
    before = (repo / "mcu-baseline.json").read_text()
    median = done_median(repo)
    (repo / "mcu-baseline.json").write_text(
        before.replace(f'"median": {median}', f'"median": {median // 2}')
    )
    done = run(repo, gitlab(repo)["boards"]["script"][-1])
    assert done.returncode == 6, done.stdout
    assert "1 gate failed" in (repo / "mcu-compare.md").read_text()
    (suite,) = ElementTree.parse(repo / "mcu-compare.xml").getroot()
    assert suite.attrib["failures"] == "1"


def done_median(repo: Path) -> int:
    from pipeline.report.sources import load_reports

    (report,) = load_reports(str(repo / "mcu-bench"))
    return report.latency.median
