"""Features of several depths: how earlier maps of a network look, beside what its last one says.

Earlier maps tell how a picture is drawn (parts, colours, strokes); a network that was taught to name things drops that
on its way. Pixels are told apart by all depths at once (hypercolumns; Hariharan et al., CVPR 2015), objects found by
the last map of each stage (feature pyramids; Lin et al., CVPR 2017); here each such map is pooled over its places. They
are for a fitted head (docs/experiments.md).
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from smserve.errors import InvalidInput
from training.model.backbone import Backbone

__all__ = ["Levels", "MultilevelHead"]

_MOST: Final = 5  # maps; still earlier ones only blur the rest


class Levels:
    """Mean and maximum of the last map of each shape below the backbone's feature map, earliest first; at most five.

    Attributes:
        width: Number of features.
    """

    def __init__(self, backbone: Backbone) -> None:
        """Find the levels; one black picture is sent through.

        Raises:
            InvalidInput: The maps of all stages have one shape, or there are none, as in most transformers.
        """
        names = {module: name for name, module in backbone.named_modules()}
        stages = [stage[-1] if isinstance(stage, nn.ModuleList) else stage for stage in backbone.stages()]
        seen, whole = _maps_of_black(backbone, [names[stage] for stage in stages])
        maps = {name: found for name, found in seen.items() if found is not whole and _is_map(found)}
        last = {found.shape: name for name, found in maps.items()}  # of a shape, the last one stays
        if len(last) < 2:
            raise InvalidInput(
                f"pooling is 'multilevel', for networks whose maps change shape from stage to stage; this one has "
                f"{len(last)} shape{'' if len(last) == 1 else 's'} of maps; use pooling own, mean, max, both or gem",
                field="model.pooling",
            )
        self._names: Final = [name for name in maps if name in last.values()][-_MOST:]
        self._channels_last: Final = [not _channels_first(maps[name]) for name in self._names]
        channels = [3 if channels_last else 1 for channels_last in self._channels_last]
        self.width: Final = 2 * sum(maps[name].shape[place] for name, place in zip(self._names, channels, strict=True))

    def features(self, backbone: Backbone, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return the backbone's own features (N, C), and the levels' (N, width) float32, which carry no gradient."""
        maps, own = _listen(backbone, self._names, backbone, images)
        parts = []
        for name, channels_last in zip(self._names, self._channels_last, strict=True):
            places = (1, 2) if channels_last else (2, 3)
            found = maps[name].detach().float()
            parts += [found.mean(places), found.amax(places)]
        return own, torch.cat(parts, dim=1)


class MultilevelHead(nn.Module):
    """A linear layer of a backbone's own features and of levels; what it makes of levels is never taught, but fitted.

    Until then the levels count nothing: their columns of the weight are zero.
    """

    def __init__(self, own: nn.Linear, levels: int) -> None:
        """Begin as `own` does.

        Args:
            own: Of the backbone's own features.
            levels: Number of the levels' features.
        """
        super().__init__()
        self._own: Final = own.in_features
        self.weight: Final = nn.Parameter(F.pad(own.weight.detach(), (0, levels)))
        self.bias: Final = own.bias

    def forward(self, own: Tensor, levels: Tensor) -> Tensor:
        """Return (N, D) of (N, C) and (N, width)."""
        taught = F.linear(own, self.weight[:, : self._own], self.bias)
        return taught + F.linear(levels, self.weight[:, self._own :].detach())


def _listen(
    backbone: Backbone, names: list[str], run: Callable[[Tensor], Tensor], images: Tensor
) -> tuple[dict[str, Any], Tensor]:
    """Return what the named modules made of pictures, in the order they ran, while `run` took them; and its result."""
    heard: dict[str, Any] = {}

    def keep(name: str, _module: nn.Module, _inputs: Any, found: Any) -> None:
        heard[name] = found

    handles = [backbone.get_submodule(name).register_forward_hook(partial(keep, name)) for name in names]
    try:
        found = run(images)
    finally:
        for handle in handles:
            handle.remove()
    return heard, found


def _maps_of_black(backbone: Backbone, names: list[str]) -> tuple[dict[str, Any], Tensor]:
    """Return what the named modules make of a black square, and the backbone's feature map of it."""
    training = backbone.training
    try:
        with torch.no_grad():
            backbone.eval()  # draws nothing, counts nothing
            black = torch.zeros((1, 3, backbone.usual_size, backbone.usual_size))
            return _listen(backbone, names, backbone.feature_map, black)
    finally:
        backbone.train(training)


def _channels_first(found: Tensor) -> bool:
    """Whether a square picture's map is (1, C, h, w); else it is (1, h, w, C)."""
    return found.shape[2] == found.shape[3]


def _is_map(found: Any) -> bool:
    """Whether that is a map of a square picture."""
    return isinstance(found, Tensor) and found.ndim == 4 and found.shape[2] in found.shape[1:4:2]
