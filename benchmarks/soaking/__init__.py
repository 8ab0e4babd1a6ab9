"""Parts of benchmark `soak`."""
