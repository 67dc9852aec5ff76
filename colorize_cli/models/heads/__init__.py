"""What the last layers of several models speak: bins, classes, CIELUV, and how sure they are."""
