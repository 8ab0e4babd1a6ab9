"""Parts of the benchmark damage: trials, each in a process of its own."""
