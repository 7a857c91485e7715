"""One thin module per command; the only code that prints."""
