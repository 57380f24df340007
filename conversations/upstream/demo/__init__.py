"""A stand-in upstream inside the process, so that the site works before anybody has a key. It is not Claude
and says so.
"""
