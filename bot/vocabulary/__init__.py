"""The words of a trade: what they mean, how people write them, where they stand in a message."""
