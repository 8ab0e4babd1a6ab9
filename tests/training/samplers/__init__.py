"""Tests of training.samplers."""
