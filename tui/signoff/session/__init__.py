"""The record: a session's events, signed and tamper-evident, on disk before anybody moves on."""
