"""Parts of the benchmark `methods`: who competes, on what, runs and records, statistics, table and figure."""
