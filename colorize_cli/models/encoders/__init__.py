"""Encoders of gray pictures that several models share: L* in, feature maps of several scales out."""
