"""A new model beside the one in use: staged, activated in one step, discarded.

`Stage` keeps a second whole gallery, models/<fingerprint>/, level with the one in use; its vectors are another model's,
which the caller runs. `activate` replaces ACTIVE, in one step, once the stage holds every write, under the lock of
the gallery in use, so that no write falls between. A process that has the gallery open stays with the model that it
opened: a query vector and the vectors that it is compared with are always of one model. It sees the new one when it
opens the gallery again; one that holds the locks of both folders may switch itself (`activate_open`). The model before
is kept until the next activation, and `activate_previous` leads back to it while nothing was written since.
"""

from smserve.gallery.staging.activation import (
    ACTIVATION_POINTS,
    activate,
    activate_open,
    activate_previous,
    activate_previous_open,
    discard,
    discard_previous,
)
from smserve.gallery.staging.document import Staged, read_staged
from smserve.gallery.staging.models import GalleryModel, gallery_models, open_model, open_stage, staged_beside
from smserve.gallery.staging.stage import Stage

__all__ = [
    "ACTIVATION_POINTS",
    "GalleryModel",
    "Stage",
    "Staged",
    "activate",
    "activate_open",
    "activate_previous",
    "activate_previous_open",
    "discard",
    "discard_previous",
    "gallery_models",
    "open_model",
    "open_stage",
    "read_staged",
    "staged_beside",
]
