"""Components whose training leaves files, and which must not start without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from typing_extensions import Self

from bot.components.edge import BotRasaException, as_rasa_errors


class Persisted(GraphComponent):
    """Create and load as Rasa's graph asks for it; a component says how it restores itself."""

    def __init__(
        self,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> None:
        """Create the component, not yet trained."""
        self._config = config
        self._model_storage = model_storage
        self._resource = resource
        self._execution_context = execution_context

    @classmethod
    def create(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> Self:
        """Create a component that is going to be trained."""
        return cls(config, model_storage, resource, execution_context)

    @classmethod
    def load(
        cls,
        config: Dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> Self:
        """Load a trained component; without its files a bot must not start."""
        component = cls(config, model_storage, resource, execution_context)
        try:
            with model_storage.read_from(resource) as folder, as_rasa_errors():
                component._restore(folder)
        except ValueError as error:
            raise BotRasaException(
                f"The model holds no trained {cls.__name__} ('{resource.name}'). "
                f"Train it again with 'rasa train'."
            ) from error
        return component

    def _restore(self, folder: Path) -> None:
        """Read what the training left."""
        raise NotImplementedError

    def _untrained(self) -> BotRasaException:
        """Give the error of a component that was asked too early."""
        return BotRasaException(f"{type(self).__name__} was asked to work before it was trained.")
