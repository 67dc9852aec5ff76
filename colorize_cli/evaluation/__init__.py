"""Measuring colorizers: protocols, metrics, intervals, reports and user studies."""
