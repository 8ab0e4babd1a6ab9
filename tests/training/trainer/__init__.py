"""Tests of training.trainer."""
