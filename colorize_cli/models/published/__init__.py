"""Colorizers published by others, with their own weights."""
