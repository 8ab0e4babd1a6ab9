"""smserve.toml: the settings that were chosen, as options of `smserve serve`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from smserve.errors import InvalidInput, SmserveError
from smserve.gallery.durable import write_durably
from smserve.tuning.report import TuningReport

__all__ = ["SettingsFile"]

_TABLE: Final = "serve"


class SettingsFile:
    """A TOML file, old or new, whose table `[serve]` gets what was chosen; the rest stays, comments too."""

    def __init__(self, path: Path) -> None:
        """Read it, if it is there.

        Raises:
            InvalidInput: It is no TOML, its `serve` is no table, or its folder is not there.
            SmserveError: It can't be read.
        """
        if not path.absolute().parent.is_dir():
            raise InvalidInput(f"{path} can't be written: there is no such folder; make it", field="output")
        self._path: Final = path
        self._document: Final = _read(path)
        self._table()

    def write(self, report: TuningReport) -> None:
        """Put what was chosen into it, in one step.

        Raises:
            SmserveError: Nothing was chosen, or it can't be written; it stays as it is.
        """
        chosen = report.chosen
        if chosen is None:
            raise SmserveError(f"nothing was chosen, so nothing is written to {self._path}")
        table = self._table()
        for name, value in chosen.candidate.options().items():
            table[name] = value
        first = tomlkit.item(chosen.candidate.settings.provider)
        first.comment(
            f"chosen by smserve tune, {datetime.now(UTC):%Y-%m-%d}, {report.cores} cores, model {report.model_name!r}: "
            f"{chosen.pictures_per_s:.1f} pictures/s, a call alone {chosen.latency_ms:.1f} ms (p95), "
            f"cosine to float32 at least {chosen.cosine:.5f}"
        )
        table["provider"] = first
        write_durably(self._path, tomlkit.dumps(self._document).encode())

    def _table(self) -> Table:
        table = self._document.setdefault(_TABLE, tomlkit.table())
        if not isinstance(table, Table):
            raise InvalidInput(
                f"{self._path}: {_TABLE} is no table; mend the file, or name another one", field="output"
            )
        return table


def _read(path: Path) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except OSError as error:
        raise SmserveError(f"{path} can't be read: {error.strerror}; check it, or name another file") from None
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is no TOML: {error}; mend it, or name another file", field="output") from None
