"""Output heads shared by several models: ab bins, color classes, CIELUV, and uncertainty."""
