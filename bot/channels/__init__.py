"""Channels: how people reach the assistant."""
