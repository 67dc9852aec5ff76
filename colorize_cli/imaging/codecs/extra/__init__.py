"""Readers of formats that need the packages of the extra ``formats``: HEIC, camera raw, JPEG XL and PDF."""
