"""PlatformIO development platform: any board, built by the compiler found on PATH.

It takes the place of the official platform where PlatformIO's registry can't be reached
(`platformio.local.ini` of a rendered project points here). All that is particular to a board
stands in the project's platformio.ini; a board manifest is made here only because
PlatformIO wants one.
"""

import json
import os
import tempfile
from pathlib import Path

from platformio.platform.base import PlatformBase
from platformio.platform.board import PlatformBoardConfig


class Mcu_localPlatform(PlatformBase):
    """Named as PlatformIO derives it from platform.json."""

    def get_boards(self, id_=None):
        """The project's own boards/ first; any other id is taken as it comes."""
        if id_ is None or id_ in self._BOARDS_CACHE:
            return super().get_boards(id_)
        own = Path(self.config.get("platformio", "boards_dir")) / f"{id_}.json"
        if own.is_file():
            config = PlatformBoardConfig(str(own))
        else:
            config = self._unnamed(id_)
        config.manifest["platform"] = self.name
        self._BOARDS_CACHE[id_] = config
        return config

    def configure_default_packages(self, options, targets):
        """Nothing is ever fetched: neither compilers nor uploaders."""

    def _unnamed(self, id_):
        manifest = {
            "name": id_,
            "vendor": "",
            "url": "",
            "build": {"mcu": "", "f_cpu": "0L"},
            "upload": {"maximum_size": 0, "maximum_ram_size": 0, "protocols": []},
        }
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, f"{id_}.json")
            Path(path).write_text(json.dumps(manifest))
            return PlatformBoardConfig(path)
