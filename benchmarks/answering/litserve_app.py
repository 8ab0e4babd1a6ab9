"""The same model file and FAISS behind LitServe: `python litserve_app.py MODEL GALLERY PORT default|tuned`.

Runs in LitServe's own environment and imports nothing of smserve. `default` is written as LitServe's documentation
writes an image classifier. `tuned` has a worker a core, one thread of ONNX Runtime and FAISS in each, and the faster
queue; batching slowed it down, as it does everything on a CPU.
"""

import base64
import io
import json
import sys
from pathlib import Path
from typing import Any

import faiss
import litserve
import numpy as np
import onnxruntime
from PIL import Image

TOP_K = 10


class SearchAPI(litserve.LitAPI):  # type: ignore[misc]  # LitServe is not installed where types are checked
    """A picture in, its nearest items out."""

    def __init__(self, model: str, gallery: str, *, threads: int | None) -> None:
        super().__init__()
        self.model, self.gallery, self.threads = model, Path(gallery), threads

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load model, index and items."""
        options = onnxruntime.SessionOptions()
        if self.threads is not None:
            options.intra_op_num_threads = self.threads
            faiss.omp_set_num_threads(self.threads)
        self.session = onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])
        self.side = self.session.get_inputs()[0].shape[1]
        self.index = faiss.read_index(str(self.gallery / "index.faiss"))
        self.items: list[list[str]] = json.loads((self.gallery / "items.json").read_text(encoding="utf-8"))

    def decode_request(self, request: dict[str, Any]) -> Any:
        """Decode and resize."""
        image = Image.open(io.BytesIO(base64.b64decode(request["image"]))).convert("RGB")
        return np.asarray(image.resize((self.side, self.side), Image.Resampling.BILINEAR))[np.newaxis]

    def predict(self, pixels: Any) -> Any:
        """Embed and search."""
        (embeddings,) = self.session.run(["embeddings"], {"images": pixels})
        scores, positions = self.index.search(embeddings, TOP_K)
        return scores[0], positions[0]

    def encode_response(self, output: Any) -> dict[str, Any]:
        """Name the items."""
        scores, positions = output
        return {
            "hits": [
                {"item_id": self.items[position][0], "label": self.items[position][1], "score": float(score)}
                for score, position in zip(scores, positions, strict=True)
            ]
        }


if __name__ == "__main__":
    model, gallery, port, kind = sys.argv[1:]
    if kind == "tuned":
        server = litserve.LitServer(
            SearchAPI(model, gallery, threads=1), accelerator="cpu", workers_per_device=2, fast_queue=True
        )
    else:
        server = litserve.LitServer(SearchAPI(model, gallery, threads=None))
    server.run(host="127.0.0.1", port=int(port), generate_client_file=False, log_level="warning")
