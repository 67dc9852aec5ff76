"""Data, losses, objectives and the loop behind ``colorize train``."""
