"""Tests of the WebSocket transport, and of its client in JavaScript."""
