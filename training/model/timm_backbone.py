"""Any network of timm, by its name there; the one door to timm, an optional library."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from smserve.errors import InvalidInput, Unavailable
from training.config.nearest import nearest
from training.model.backbone import Backbone
from training.model.weights import load_weights

__all__ = ["TimmBackbone", "find_timm"]


def find_timm(name: str) -> Callable[[str], Backbone]:
    """Return the constructor of one of timm's networks, which takes the weights.

    Args:
        name: As timm has it, with or without the tag of its weights: "resnet50", "resnet50.a1_in1k".

    Raises:
        Unavailable: timm is not installed.
        InvalidInput: It has no such network.
    """
    timm = _timm()
    architecture, dot, _ = name.partition(".")
    known = timm.is_model(architecture)
    names = timm.list_models(f"{architecture}.*", pretrained=True) if known else timm.list_models()
    if not (known and (not dot or name in names)):
        close = [f"timm:{each}" for each in nearest(name, names)]
        raise InvalidInput(
            f"backbone is 'timm:{name}'; timm {timm.__version__} has no such "
            + ("weights" if known else "network")
            + (f"; did you mean {', '.join(close)}?" if close else "; see timm.list_models(pretrained=True)"),
            field="model.backbone",
        )
    return lambda weights: TimmBackbone(name, weights)


class TimmBackbone(Backbone):
    """timm's network without its classifier; features are pooled as timm does it.

    Its map is what `forward_features` gives; the tokens of a transformer are places (N, width, tokens, 1), those of no
    patch left out.
    """

    net: Any

    def __init__(self, name: str, weights: str) -> None:
        """Build it.

        Raises:
            Unavailable: timm is not installed, or can't download the weights.
            SmserveError: There are no weights, or the file of weights can't be used.
        """
        super().__init__()
        timm = _timm()
        self.net = _pretrained(timm, name) if weights == "pretrained" else timm.create_model(name, num_classes=0)
        if weights not in {"pretrained", "none"}:
            load_weights(self.net, Path(weights))
        settings = timm.data.resolve_model_data_config(self.net)
        self.mean, self.std = tuple(settings["mean"]), tuple(settings["std"])
        self.usual_size = settings["input_size"][-1]
        self.width = getattr(self.net, "head_hidden_size", None) or self.net.num_features
        self._groups = timm.models.group_modules(self.net, self.net.group_matcher(coarse=True))

    @property
    def map_width(self) -> int:
        """Number of channels of the feature map; some networks widen it after the pooling."""
        return int(self.net.num_features)

    def forward(self, images: Tensor) -> Tensor:
        """Return (N, width)."""
        features: Tensor = self.net(images)
        return features

    def feature_map(self, images: Tensor) -> Tensor:
        """Return (N, map_width, h, w), or (N, map_width, tokens, 1)."""
        found: Tensor = self.net.forward_features(images)
        if found.ndim == 3:  # (N, L, C)
            return found[:, getattr(self.net, "num_prefix_tokens", 0) :].transpose(1, 2).unsqueeze(3)
        return found.permute(0, 3, 1, 2) if getattr(self.net, "output_fmt", "NCHW") == "NHWC" else found

    def stages(self) -> list[nn.Module]:
        """Return the stem and each group of layers, as timm groups them."""
        return [nn.ModuleList(map(self.net.get_submodule, names)) for _, names in sorted(self._groups.items())]


def _pretrained(timm: Any, name: str) -> nn.Module:
    """Return the network with the weights that timm publishes for it."""
    blank = timm.create_model(name, num_classes=0)
    origin = blank.pretrained_cfg.get("hf_hub_id") or blank.pretrained_cfg.get("url")
    if not origin:
        raise InvalidInput(
            f"timm publishes no weights for {name}; give a file with --weights FILE, or train from random ones with "
            f"--weights none",
            field="weights",
        )
    try:
        net: nn.Module = timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # noqa: BLE001 - of whatever library timm's own downloads with; it has changed twice
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise Unavailable(
            f"{name}'s weights can't be downloaded ({reason}); connect to the network, or download model.safetensors "
            f"of {origin} from the Hugging Face Hub elsewhere and give its path with --weights FILE, or train from "
            f"random ones with --weights none"
        ) from None
    return net


def _timm() -> Any:
    try:
        import_module("timm.data")
        return import_module("timm")
    except ImportError as error:
        raise Unavailable(
            f"this backbone is timm's, which can't be imported ({error}); install it with pip install "
            f"'smserve[timm]', or take one of torchvision's"
        ) from None
