"""The library: one loaded model, its predictions, hints and variants."""
