"""The page without a browser: its scripts' house rules, its templates in every state, its style sheets."""
