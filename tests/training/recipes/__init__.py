"""Tests of training.recipes."""
