"""Reading, color, geometry, recombination and writing: functions on numpy arrays that know nothing of models."""
