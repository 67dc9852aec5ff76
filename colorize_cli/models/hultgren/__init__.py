"""Hultgren, Kaya & Ekman, Image Colorization with CNN and comparison of network models."""
