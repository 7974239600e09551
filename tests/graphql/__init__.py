"""GraphQL: documents, their limits, and how they are asked."""
