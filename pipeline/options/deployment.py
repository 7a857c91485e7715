"""All options of a deployment."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.options.data import DataGroup
from pipeline.options.engine import EngineGroup
from pipeline.options.running import PlaceGroup, RunGroup
from pipeline.options.training import CompressGroup, TrainGroup

# In the order of help and docs.
GROUPS = (DataGroup, CompressGroup, TrainGroup, EngineGroup, PlaceGroup, RunGroup)


# A dataclass takes the fields of its last base first.
@dataclass(frozen=True, kw_only=True)
class Options(RunGroup, PlaceGroup, EngineGroup, TrainGroup, CompressGroup, DataGroup):
    """Everything a deployment can be told, model and board apart.

    A step takes the group or the values it needs (`options.of(DataOptions)`), no room below
    knows this class.
    """
