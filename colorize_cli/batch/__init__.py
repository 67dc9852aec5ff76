"""The batch engine: many photographs, read, predicted and written side by side."""
