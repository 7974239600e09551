"""Tests of the engine, all of them pure."""
