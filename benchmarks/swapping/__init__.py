"""Parts of the benchmark swap: clients that note what they were told, and what they should have been told."""
