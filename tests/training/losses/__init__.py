"""Tests of training.losses."""
