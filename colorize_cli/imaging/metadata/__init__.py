"""Metadata of image files: EXIF, IPTC, XMP and ICC profiles."""
