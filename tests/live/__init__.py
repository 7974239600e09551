"""Tests against whole processes, from outside, for what only they can show."""
