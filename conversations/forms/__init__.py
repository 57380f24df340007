"""Forms: they check what a person typed; actions do the work."""
