"""A small run and its model file, made in a process of its own.

python -m tests.training.trainer.exported_run PICTURES RUN
"""

import sys
from dataclasses import replace
from pathlib import Path

from tests.training.tiny import TinyBackbone, classes_config
from tests.training.trainer.running import run
from training.datasets import load_dataset
from training.model import BACKBONES
from training.trainer import RunFolder, export_run

CONFIG = replace(classes_config(), epochs=2)


def main(pictures: Path, path: Path) -> None:
    """Train in `path` and export to `path`/model.onnx."""
    BACKBONES["tiny"] = TinyBackbone
    data = load_dataset(f"folder:{pictures}", pictures.parent)
    run(CONFIG, data, path)
    folder = RunFolder(path)
    export_run(folder, data, folder.model_file, cache_dir=path.parent / "decoded", progress=lambda *_: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
