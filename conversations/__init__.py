"""The chat application: its packages are the rooms that DESIGN describes, imported downwards only."""
