"""From a query to its hits, in process: where every request is validated, once, whatever brought it here."""

from smserve.engine.budget import ByteBudget
from smserve.engine.engine import Engine
from smserve.engine.home import GalleryHome
from smserve.engine.interest import StillWanted
from smserve.engine.limits import CallLimits
from smserve.engine.served import Origin, ServedGallery
from smserve.engine.storage import Storage
from smserve.engine.threads import call_threads, use_few_threads

__all__ = [
    "ByteBudget",
    "CallLimits",
    "Engine",
    "GalleryHome",
    "Origin",
    "ServedGallery",
    "StillWanted",
    "Storage",
    "call_threads",
    "use_few_threads",
]
