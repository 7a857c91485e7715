"""flash: Image -> Device; one interface for probes, serial ports and emulators."""

from pipeline.flash.device import Device
from pipeline.flash.flasher import connect, flash
from pipeline.flash.serialport import PortInfo, find_port, ports

__all__ = ["Device", "PortInfo", "connect", "find_port", "flash", "ports"]
