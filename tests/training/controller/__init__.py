"""Tests of training.controller."""
