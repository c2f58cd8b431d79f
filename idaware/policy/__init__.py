"""The policy: who may reach what. Pure: no clock, no network, nothing of OpenID Connect.

``load`` turns files into a ``Policy`` (``policy``); ``document``, ``fields``, ``scalars``, ``read_*`` and ``checks``
are its parts. ``patterns`` and ``match`` decide which rule is asked, ``conditions`` and ``decide`` what it says.
"""
