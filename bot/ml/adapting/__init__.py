"""Continued pretraining of the encoder on messages without labels.

A package of its own: a change here trains no assistant anew (see `source_digest`).
"""
