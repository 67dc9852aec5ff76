"""Zhou & Zhu 2024, Grayscale Image Colorization in Machine Learning."""
