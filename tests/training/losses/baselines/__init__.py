"""Tests of training.losses.baselines."""
