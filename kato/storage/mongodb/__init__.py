"""A store in a MongoDB database: the only place that speaks to MongoDB.

Whoever imports C{store} installs Twisted's reactor: txmongo does so.
"""
