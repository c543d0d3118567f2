"""Custom actions of the Larkfield demo assistant.

`rasa run actions --actions actions` imports every module below this package and registers each
concrete action it finds.
"""
