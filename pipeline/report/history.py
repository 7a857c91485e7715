"""The history of results: SQLite by default, any database SQLAlchemy reaches by its URL.

One table, `results`: what was measured and when, the key figures as columns for whoever
asks in SQL, and the whole report as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    insert,
    select,
)
from sqlalchemy.engine import Connection, Engine, Row, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from pipeline import extras
from pipeline.errors import StepFailed, WrongUse
from pipeline.report.document import Report, report_from_text
from pipeline.run import require_file

_BUSY_SECONDS = 30

_TABLE = Table(
    "results",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("at", String(32), nullable=False),
    Column("git", String(80), nullable=False),
    Column("model", String(200), nullable=False, index=True),
    Column("board", String(80), nullable=False, index=True),
    Column("run_on", String(16), nullable=False),
    Column("engine", String(16), nullable=False),
    Column("compression", String(200), nullable=False),
    Column("accuracy", Float),
    Column("cost", BigInteger, nullable=False),
    Column("unit", String(16), nullable=False),
    Column("flash_bytes", BigInteger, nullable=False),
    Column("ram_bytes", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("report", Text, nullable=False),
    UniqueConstraint("digest", "git"),
)


@dataclass(frozen=True)
class Entry:
    """One result of the history.

    Attributes:
        id: its number, as `mcu compare` takes it.
        at: when it was recorded, ISO 8601 in UTC.
        git: commit of the working directory it was measured from, "" outside of one.
    """

    id: int
    at: str
    git: str
    report: Report


def default_url() -> str:
    """MCU_HISTORY, or the SQLite file in the user's data folder (XDG_DATA_HOME)."""
    if url := os.environ.get("MCU_HISTORY"):
        return url
    data = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return str(Path(data) / "mcu-pipeline" / "history.db")


class History:
    """The results recorded so far.

    Args:
        url: a file name for SQLite, or a URL such as postgresql://user@host/name.

    Raises:
        WrongUse: the URL can't be read.
        ToolMissing: the driver of that database is not installed.
        StepFailed: the database can't be reached or written.
    """

    def __init__(self, url: str | None = None) -> None:
        self._engine = _engine(url or default_url())
        self.where = self._engine.url.render_as_string(hide_password=True)
        self._create()

    def record(self, report: Report, *, at: datetime | None = None) -> int:
        """Adds a result and returns its number.

        The same result of the same commit is there once, however often it is recorded.
        """
        document = json.dumps(report.to_json(), sort_keys=True)
        digest = hashlib.sha256(document.encode()).hexdigest()
        git = str(report.environment.get("git") or "")
        row = {
            "at": (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds"),
            "git": git,
            "model": report.model.name,
            "board": report.board.id,
            "run_on": report.on,
            "engine": report.engine,
            "compression": report.compression.method,
            "accuracy": report.accuracy.device,
            "cost": report.latency.median,
            "unit": report.latency.unit,
            "flash_bytes": report.memory.flash_bytes,
            "ram_bytes": report.memory.ram_bytes,
            "digest": digest,
            "report": document,
        }
        known = select(_TABLE.c.id).where(_TABLE.c.digest == digest, _TABLE.c.git == git)
        with self._errors():
            with self._engine.begin() as connection:
                if (found := connection.execute(known).scalar()) is not None:
                    return int(found)
            try:
                with self._engine.begin() as connection:
                    return _insert(connection, row)
            except IntegrityError:
                # Another process was faster with the same result.
                with self._engine.begin() as connection:
                    return int(connection.execute(known).scalar_one())

    def entries(
        self, *, model: str | None = None, board: str | None = None, limit: int | None = None
    ) -> list[Entry]:
        """Results, the oldest first; with `limit` the newest so many of them."""
        query = select(_TABLE).order_by(_TABLE.c.id.desc())
        if model is not None:
            query = query.where(_TABLE.c.model == model)
        if board is not None:
            query = query.where(_TABLE.c.board == board)
        if limit is not None:
            query = query.limit(limit)
        with self._errors(), self._engine.begin() as connection:
            rows = connection.execute(query).all()
        return [self._entry(row) for row in reversed(rows)]

    def entry(self, number: int) -> Entry:
        """One result.

        Raises:
            WrongUse: there is none of that number.
        """
        with self._errors(), self._engine.begin() as connection:
            row = connection.execute(select(_TABLE).where(_TABLE.c.id == number)).first()
        if row is None:
            raise WrongUse(
                f"the history has no result {number}", where=self.where, hint="`mcu history` lists"
            )
        return self._entry(row)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def __enter__(self) -> History:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _entry(self, row: Row[Any]) -> Entry:
        where = f"{self.where} result {row.id}"
        # SQLite keeps any type in any column.
        report = report_from_text(str(row.report), where)
        return Entry(int(row.id), str(row.at), str(row.git), report)

    def _create(self) -> None:
        with self._errors():
            try:
                _TABLE.metadata.create_all(self._engine)
            except SQLAlchemyError:
                # Two processes may create the table at once: the slower one finds it made.
                _TABLE.metadata.create_all(self._engine)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
            raise StepFailed(
                f"the history can't be used: {cause}",
                where=self.where,
                hint="MCU_HISTORY or --db names another one",
            ) from error


def _insert(connection: Connection, row: dict[str, Any]) -> int:
    done = connection.execute(insert(_TABLE).values(row)).inserted_primary_key
    assert done is not None
    return int(done[0])


def _engine(url: str) -> Engine:
    try:
        if "://" not in url:
            path = Path(url).expanduser().absolute()
            require_file(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            return create_engine(f"sqlite:///{path}", connect_args={"timeout": _BUSY_SECONDS})
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        return create_engine(parsed)
    except OSError as error:
        raise StepFailed(
            f"the history's folder can't be made: {error.strerror}",
            where=url,
            hint="MCU_HISTORY or --db names another one",
        ) from error
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise WrongUse(
            "is no database URL",
            where=_without_password(url),
            hint="a file name, sqlite:///FILE or postgresql://USER@HOST/NAME",
        ) from error
    except ImportError as error:
        what = f"the database's driver is not installed: {error}"
        raise extras.missing("postgres", what, where=_without_password(url)) from error


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
