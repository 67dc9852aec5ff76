"""One run on many machines: shards without a scheduler, or a Dask cluster."""
