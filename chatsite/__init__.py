"""The Django project: settings, environment, addresses, server."""
