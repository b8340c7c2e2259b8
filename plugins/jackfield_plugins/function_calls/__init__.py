"""Call protocols: the model's own shapes, the same held to by a constraint, and calls with interrupts."""
