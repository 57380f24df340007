"""Pages and requests: thin, they call actions and access."""
