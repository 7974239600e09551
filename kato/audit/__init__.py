"""The audit log: every change in one line, in the order in which it was made (docs/audit.md)."""
