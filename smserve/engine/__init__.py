"""From a query to its hits, in process: where every request is validated, once, whatever brought it here."""

from smserve.engine.budget import ByteBudget
from smserve.engine.engine import Engine, StillWanted

__all__ = ["ByteBudget", "Engine", "StillWanted"]
