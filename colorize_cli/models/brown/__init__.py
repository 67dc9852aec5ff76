"""Brown et al. 2024, Image Colorization."""
