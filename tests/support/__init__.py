"""Small real things that tests build on: drawn pictures, and a tiny model."""
