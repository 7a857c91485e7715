"""Image -> Device: probes, serial bootloaders, emulators, one interface."""
