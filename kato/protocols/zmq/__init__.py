"""ZeroMQ: MessagePack between clients, gateways and processor services (SPEC 9)."""
