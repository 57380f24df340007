"""The Messages API as a client: requests out, typed events in. Pure Python: it knows neither Django nor the
database.
"""
