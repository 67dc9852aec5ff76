"""Training photographs: found, decoded, split, augmented, delivered in batches."""
