"""Read lists that were published as MATLAB files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from smserve.errors import DataLoss, SmserveError

__all__ = ["read_mat", "records"]


def read_mat(path: Path) -> dict[str, Any]:
    """Return a file's variables, without dimensions of length 1.

    Raises:
        SmserveError: scipy is not installed.
        DataLoss: No such file, or no MATLAB file.
    """
    try:
        from scipy.io import loadmat
    except ModuleNotFoundError:
        raise SmserveError(
            f"{path} is a MATLAB file, which scipy reads: pip install scipy, or smserve[train]"
        ) from None
    try:
        variables: dict[str, Any] = loadmat(path, squeeze_me=True, appendmat=False)
    except Exception as error:  # noqa: BLE001 - whatever a parser of foreign bytes raises means the same here
        raise DataLoss(f"{path} can't be read as a MATLAB file ({error}); get it again") from None
    return variables


def records(path: Path, variables: dict[str, Any], name: str, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """Return the wanted fields of each record in a struct array.

    Raises:
        DataLoss: There is no such array, or it lacks a field.
    """
    array = np.atleast_1d(variables.get(name, np.zeros(0)))
    lacking = [field for field in fields if field not in (array.dtype.names or ())]
    if lacking:
        raise DataLoss(f"{path} has no {name}.{lacking[0]}; wanted {name} with {', '.join(fields)}; get it again")
    return list(zip(*(array[field].tolist() for field in fields), strict=True))
