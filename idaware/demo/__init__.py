"""``idaware demo``: a sample internal tool behind the gate, a provider to sign in at, every decision on the screen.

A leaf: it uses everything and nothing imports it. ``hosting.py`` starts the whole; ``tool.py`` is the sample
application, with ``policy.yaml`` beside it; ``feed.py``, ``stream.py`` and ``terminal.py`` show the audit records while
they are made; ``own_app.py`` does the same for an application of one's own. Nothing here is reachable from another
machine.
"""
