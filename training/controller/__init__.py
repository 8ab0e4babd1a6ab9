"""How difficult the triplets of the next epoch are: section 3 of Harwood et al., ICCV 2017. Plain numbers.

Difficulty is the paper's kappa, or a share of neighbours; a controller only knows its limits and which way it works.
"""

from training.controller.adaptive import ConstantTarget, ValidationErrorTarget
from training.controller.build import build_controller, restore_controller
from training.controller.controller import Controller, ControllerState, Step
from training.controller.line import Line, fit_line
from training.controller.unsteered import FixedDifficulty, Schedule

__all__ = [
    "ConstantTarget",
    "Controller",
    "ControllerState",
    "FixedDifficulty",
    "Line",
    "Schedule",
    "Step",
    "ValidationErrorTarget",
    "build_controller",
    "fit_line",
    "restore_controller",
]
