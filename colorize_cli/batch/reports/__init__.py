"""What a run says about itself: outcomes, reports, retries, the gallery."""
