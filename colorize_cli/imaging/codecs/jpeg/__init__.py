"""JPEG files: their structure, and the DCT coefficients that `--lossless-luma` keeps."""
