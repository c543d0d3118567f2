"""The embedded bank of the demo assistant: plain functions over one SQLite file.

Nothing in this package knows of trackers, slots or messages.
"""
