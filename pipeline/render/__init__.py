"""render: Program or FlatModel + Board -> a PlatformIO project."""

from pipeline.render.project import Golden, Project
from pipeline.render.registry import offline, registry_reachable
from pipeline.render.renderer import LOCAL_INI, localise, render
from pipeline.render.tflm import DEFAULT_LIBRARY, Tflm, resolve_library, tflm_for

__all__ = [
    "DEFAULT_LIBRARY",
    "LOCAL_INI",
    "Golden",
    "Project",
    "Tflm",
    "localise",
    "offline",
    "registry_reachable",
    "render",
    "resolve_library",
    "tflm_for",
]
