"""Where results to compare come from: files, run folders, bench folders, the history."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import WrongUse
from pipeline.report.document import Report, report_of
from pipeline.run import Damaged, is_own_file, read_json, require_file

REPORT = "report.json"
REPORTS = "reports.json"


def load_reports(source: str, db: str | None = None) -> list[Report]:
    """The results a word of the command line stands for.

    Args:
        source: report.json, a JSON list of reports (a baseline), a run folder, a bench
            folder, or a number of the history. A path that exists is taken as one.
        db: the history's file or URL.

    Raises:
        WrongUse: it is none of these.
    """
    path = Path(source)
    number = source.removeprefix("#")
    require_file(path, folder=True)
    if not path.exists() and number.isdecimal():
        from pipeline.report.history import History

        with History(db) as history:
            return [history.entry(int(number[:18])).report]
    if path.is_dir():
        found = [path / name for name in (REPORT, REPORTS) if is_own_file(path, path / name)]
        if not found:
            raise WrongUse(
                f"holds neither {REPORT} nor {REPORTS}",
                where=source,
                hint="give the folder of a finished mcu deploy or mcu bench",
            )
        path = found[0]
    return _read(path)


def _read(path: Path) -> list[Report]:
    try:
        document = read_json(path, follow=True)
    except (OSError, Damaged, WrongUse) as error:
        raise WrongUse(
            f"can't be read as a report: {error}",
            where=str(path),
            hint="a report.json, a list of them, a run folder, or a number of `mcu history`",
        ) from error
    if not isinstance(document, list):
        return [report_of(document, str(path))]
    if not document:
        raise WrongUse("the list of reports is empty", where=str(path))
    return [report_of(item, f"{path} [{index}]") for index, item in enumerate(document)]
