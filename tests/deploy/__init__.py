"""The files that run KATO in containers, checked, and run without any."""
