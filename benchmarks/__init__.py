"""Measurements that anyone can repeat: `make bench` lists them, `make bench BENCH=name` runs one."""
