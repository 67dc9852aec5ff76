"""Models that are fitted by scikit-learn instead of trained by gradient descent."""
