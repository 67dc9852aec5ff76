"""Chroma at full size, joined to the untouched lightness of the scan."""
