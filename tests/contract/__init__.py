"""What all providers of L{kato.dispatch.IProcessors} promise."""
