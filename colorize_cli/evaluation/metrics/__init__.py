"""Metrics: one photograph colorized against its true colors, or one set against another."""
