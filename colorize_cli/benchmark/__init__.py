"""Timing on this machine: models by device, precision, batch and size, and the batch engine against its limits."""
