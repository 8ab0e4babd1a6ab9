"""A model file in the place of a trained network, so that both are measured by the same code."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from smserve.errors import ModelDamaged
from smserve.images import prepare
from smserve.model_file import METADATA_KEY, SELF_CHECK_MIN_COSINE, Manifest
from training.export.agreement import onnx_embed, onnx_session

__all__ = ["OnnxNetwork"]


class OnnxNetwork(nn.Module):
    """Maps (N, H, W, 3) uint8 to (N, D) float32 of unit norm by ONNX Runtime on the CPU.

    Attributes:
        manifest: What the file says about itself.
    """

    def __init__(self, path: Path) -> None:
        """Load a model file.

        Raises:
            ModelDamaged: It can't be read, is no ONNX model, has no manifest, or fails its self-check.
        """
        super().__init__()
        try:
            model = path.read_bytes()
        except OSError as error:
            raise ModelDamaged(f"model file {path} can't be read ({error.strerror}); check the path") from None
        try:
            self._session = onnx_session(model)
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors have no common public base
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelDamaged(
                f"model file {path} ({len(model):,} bytes) can't be loaded: {reason}; export it again"
            ) from None
        metadata = self._session.get_modelmeta().custom_metadata_map
        if METADATA_KEY not in metadata:
            raise ModelDamaged(
                f"model file {path} has no {METADATA_KEY!r} manifest; export it with `python -m training export`"
            )
        self.manifest = Manifest.from_json(metadata[METADATA_KEY])
        for item in self.manifest.self_check:
            pixels = torch.from_numpy(prepare(item.image, self.manifest.resize)[np.newaxis].copy())
            cosine = float(self(pixels)[0].numpy() @ item.embedding)
            if not cosine >= SELF_CHECK_MIN_COSINE:  # NaN fails too
                raise ModelDamaged(
                    f"model file {path} fails its self-check: picture {item.name!r} has cosine {cosine:.5f} to "
                    f"training's embedding, wanted at least {SELF_CHECK_MIN_COSINE}; export it again"
                )

    def forward(self, images: Tensor) -> Tensor:
        """Embed pictures (N, H, W, 3) uint8."""
        return torch.from_numpy(onnx_embed(self._session, images.cpu().numpy())).to(images.device)
