"""FlatModel | Program + Board -> Project, a PlatformIO project."""
