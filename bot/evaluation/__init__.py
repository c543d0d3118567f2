"""How good a model is, measured on messages and stories it never saw."""
