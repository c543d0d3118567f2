"""Components of Rasa's graph: they translate, and hold no logic worth testing alone."""

import warnings

# Rasa looks for its own extractors and selectors by exact class; ours do what these warnings
# say is missing.
for _message in (
    "You have defined training data with examples for training a response selector",
    "You have defined training data consisting of entity examples",
    "You have defined training data with entities that have roles/groups",
):
    warnings.filterwarnings("ignore", message=_message)
