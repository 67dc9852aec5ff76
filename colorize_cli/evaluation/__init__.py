"""Measuring colorizers: metrics, protocols, intervals, reports and user studies."""
