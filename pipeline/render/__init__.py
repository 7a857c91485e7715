"""render: Program or FlatModel + Board -> a PlatformIO project."""

from pipeline.render.project import Project
from pipeline.render.registry import offline, registry_reachable
from pipeline.render.renderer import localise, render

__all__ = ["Project", "localise", "offline", "registry_reachable", "render"]
