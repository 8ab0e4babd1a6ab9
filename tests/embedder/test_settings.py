"""Settings that no model can be run with."""

import math
from typing import Any

import pytest

from smserve.embedder import InferenceSettings
from smserve.errors import InvalidInput


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"provider": "tpu"}, "provider"),
        ({"provider": "openvino", "precision": "int8"}, "precision"),
        ({"precision": "bfloat16"}, "precision"),
        ({"provider": "cuda", "precision": "bfloat16"}, "precision"),
        ({"threads": 0}, "threads"),
        ({"threads": 257}, "threads"),
        ({"max_batch": 0}, "max_batch"),
        ({"max_batch_delay_ms": -1.0}, "max_batch_delay_ms"),
        ({"max_batch_delay_ms": math.nan}, "max_batch_delay_ms"),
    ],
)
def test_what_is_refused_names_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=field) as caught:
        InferenceSettings(**values)
    assert caught.value.field == field


def test_what_is_left_open_is_decided_by_the_provider() -> None:
    assert InferenceSettings().batch == 1
    assert InferenceSettings(provider="openvino").batch == 1
    assert InferenceSettings(provider="cuda").batch == 32
    assert InferenceSettings(provider="cuda", max_batch=4).batch == 4
    assert InferenceSettings().threads_a_call == 1


def test_threads_are_those_of_the_settings_where_they_say() -> None:
    assert InferenceSettings().with_default_threads(6).threads_a_call == 6
    assert InferenceSettings(threads=2).with_default_threads(6).threads_a_call == 2
