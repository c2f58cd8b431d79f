"""What HTTP says, read strictly: paths, mounts, methods, hosts, headers, cookies, redirects, negotiation, caching.

Every module here is pure functions over text, bytes and mappings, compiled once where they can be. What belongs here
is the reading (and, for ``Set-Cookie`` and ``Cache-Control``, the writing) of single values; what must not is a
decision about a person, a clock, randomness or I/O. Random input ends in a value, never in an exception.
"""
