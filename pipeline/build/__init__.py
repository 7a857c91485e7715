"""build: Project -> Image, by PlatformIO."""

from pipeline.build.builder import build, load_image, make_image, require_compiler
from pipeline.build.core import default_core_dir, pio_environment, setup_core
from pipeline.build.fit import boards_that_fit, check_before_build
from pipeline.build.image import Image

__all__ = [
    "Image",
    "boards_that_fit",
    "build",
    "check_before_build",
    "default_core_dir",
    "load_image",
    "make_image",
    "pio_environment",
    "require_compiler",
    "setup_core",
]
