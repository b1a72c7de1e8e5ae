"""Records as text: events become statements, statements become a text under a token budget."""
