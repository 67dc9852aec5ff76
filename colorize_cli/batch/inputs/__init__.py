"""Which photographs a run is about, and which files it will write for each."""
