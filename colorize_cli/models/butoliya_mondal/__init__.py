"""Butoliya & Mondal, Image Colorization."""
