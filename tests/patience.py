"""How long tests wait for what happens at once: on a busy machine everything takes longer. How fast it is, is for
`tests.bench` and `tests.prove` to measure.
"""

SECONDS = 30.0
