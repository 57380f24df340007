"""Every write that a person or the engine causes: synchronous, atomic, its news rung after the commit."""
