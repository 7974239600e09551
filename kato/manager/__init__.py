"""The work behind C{kato-manager.sh}: servers on this machine, started and watched (SPEC 10)."""
