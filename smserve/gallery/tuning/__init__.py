"""Index by measurement: `tune` chooses, `write_choice` stores, `chosen_index` builds what was chosen."""

from smserve.gallery.tuning.choice_file import StoredChoice, read_choice, write_choice
from smserve.gallery.tuning.chosen import chosen_index, tuned_index
from smserve.gallery.tuning.report import Limits, TuningReport
from smserve.gallery.tuning.trial import Trial
from smserve.gallery.tuning.tune import EXACT_BELOW, TuningProgress, tune
from smserve.gallery.tuning.vectors import gallery_vectors

__all__ = [
    "EXACT_BELOW",
    "Limits",
    "StoredChoice",
    "Trial",
    "TuningProgress",
    "TuningReport",
    "chosen_index",
    "gallery_vectors",
    "read_choice",
    "tune",
    "tuned_index",
    "write_choice",
]
