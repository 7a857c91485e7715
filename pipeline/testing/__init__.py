"""A board in a test of the user's: the pytest plugin, and what it stands on."""
