"""The cache that services share."""
