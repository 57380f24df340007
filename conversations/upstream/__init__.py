"""The Messages API as a client: requests out, typed events in. It knows neither Django nor the database."""
