"""Dialogue learned from stories: which action comes next.

`states` says what is known before an action, `model` and `training` learn from conversations in
torch, `inference` serves the ONNX graph of what was learned. Nothing here knows Rasa.
"""
