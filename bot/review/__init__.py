"""The review page: its own Sanic app and port, loopback by default."""
