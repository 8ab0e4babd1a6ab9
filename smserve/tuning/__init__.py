"""Which inference settings suit this machine: measured, chosen, and written to a file.

smserve tune --model model.onnx --images photos/
"""

from smserve.tuning.candidates import Candidate
from smserve.tuning.report import Limits, Refused, Trial, TuningReport
from smserve.tuning.settings_file import SettingsFile
from smserve.tuning.tune import tune

__all__ = ["Candidate", "Limits", "Refused", "SettingsFile", "Trial", "TuningReport", "tune"]
