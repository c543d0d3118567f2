"""From data to a running assistant: check, train, talk."""
