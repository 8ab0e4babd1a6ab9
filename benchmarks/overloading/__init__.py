"""Load on a server: more than it can do, and while it is told to stop."""
