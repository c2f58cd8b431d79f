"""Identity-aware access for Python web applications, in process."""

__version__ = "0.1.0"
