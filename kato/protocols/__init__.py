"""The transports: bytes to commands, replies to bytes, and no behaviour of their own (SPEC 8)."""
