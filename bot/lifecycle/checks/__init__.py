"""The checks behind the preflight of a training and behind `bot doctor`, one module a topic."""
