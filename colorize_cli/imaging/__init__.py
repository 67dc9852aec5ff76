"""Color, tone and geometry on numpy arrays, image files and their metadata; nothing here knows of models."""
