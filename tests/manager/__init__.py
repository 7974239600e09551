"""Tests of what is behind kato-manager.sh."""
