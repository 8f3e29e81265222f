"""signoff: walk through the production security checklist of your own server, and keep a signed record."""

__version__ = "0.2.0"
