"""The search for learning options: what is searched, and how one choice of them is measured.

A package of its own: a change here trains no assistant anew (see `source_digest`).
"""
