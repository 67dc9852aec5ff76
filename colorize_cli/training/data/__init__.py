"""Training photographs: find, decode, split, augment, and deliver them in batches."""
