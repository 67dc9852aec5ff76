"""Color, tone and geometry on numpy arrays, image files and their metadata; independent of models."""
