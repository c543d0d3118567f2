"""The feedback loop: logged conversations are read, redacted, kept and decided on by people."""
