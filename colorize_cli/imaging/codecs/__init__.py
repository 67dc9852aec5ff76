"""Image files: bytes to photographs and back, one module per format or library."""
