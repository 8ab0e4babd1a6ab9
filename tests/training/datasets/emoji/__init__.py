"""Tests of the built-in data set."""
