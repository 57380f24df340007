"""The whole site in a real browser: a started server, an upstream to script, Chromium, axe."""
