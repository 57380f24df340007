"""Text in, safe HTML out, block by block. Pure: no Django, no database, no network."""
