"""Tests of the ZeroMQ transport."""
