"""TIFF files: which directories are pictures, decoding them, and laying out results."""
