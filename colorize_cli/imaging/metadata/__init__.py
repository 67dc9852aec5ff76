"""What files carry beside pixels: EXIF, IPTC, XMP and ICC profiles."""
