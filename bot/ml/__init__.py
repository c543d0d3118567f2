"""The learning itself: no Rasa, no web server, no database.

Training uses torch and transformers; `inference`, `heads`, `tagging`, `text` and `checkpoint`
are what serving imports, and they need neither.
"""
