"""Rasa assistants whose understanding is fine-tuned on one pretrained transformer."""

__version__ = "0.1.0"
