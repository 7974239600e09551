"""Audit logs held against themselves, and against what servers have: C{python -m kato.auditing}."""
