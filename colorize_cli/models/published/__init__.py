"""Colorizers that others published, with their own weights."""
