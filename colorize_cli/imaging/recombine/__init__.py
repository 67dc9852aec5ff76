"""Upsample chroma to full size and combine it with the unchanged lightness of the scan."""
