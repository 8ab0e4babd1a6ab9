"""The fingerprint of a model file that a user named."""

from pathlib import Path

__all__ = ["fingerprint_at"]


def fingerprint_at(model: Path) -> str:
    """Return the fingerprint of a model file.

    Raises:
        ModelDamaged: It can't be read.
    """
    from smserve.errors import ModelDamaged
    from smserve.model_file import fingerprint

    try:
        return fingerprint(model.read_bytes())
    except OSError as error:
        raise ModelDamaged(f"model file {model} can't be read ({error.strerror}); check the path") from None
