"""Questions to the demo assistant that need no action server."""

QUESTIONS = (
    "how long does a transfer take",
    "do you charge for cash machines",
    "tell me a joke",
    "thanks a lot",
    "what can you do",
    "are you a robot",
)
