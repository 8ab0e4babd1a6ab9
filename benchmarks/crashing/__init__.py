"""Parts of the benchmark durability: a writer to kill, small disks, and what strace saw."""
