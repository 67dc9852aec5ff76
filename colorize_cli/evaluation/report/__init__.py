"""The HTML report: tables, plots and pictures."""
