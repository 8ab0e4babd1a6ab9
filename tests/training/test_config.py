import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from smserve.errors import InvalidInput
from smserve.images import ResizeRule
from training.config import (
    AugmentationConfig,
    ControllerConfig,
    FinishConfig,
    GuardsConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    SamplerConfig,
    TrainConfig,
)

CONFIG = TrainConfig(
    recipe="test", resize=ResizeRule(size=32, height=32, width=32), model=ModelConfig(backbone="googlenet")
)


def test_defaults_are_the_papers() -> None:
    assert CONFIG.epochs == 20
    assert CONFIG.model.dimension == 64
    assert (CONFIG.loss.ratio_margin, CONFIG.loss.global_margin) == (0.2, 0.01)
    assert (CONFIG.sampler.batch_size, CONFIG.sampler.per_anchor, CONFIG.sampler.random_epochs) == (64, 10, 2)
    assert (CONFIG.controller.target, CONFIG.controller.low, CONFIG.controller.high) == (0.5, 1, 64)
    optimizer = CONFIG.optimizer
    assert (optimizer.learning_rate, optimizer.halve_every, optimizer.weight_decay) == (0.1, 3, 5e-4)
    assert optimizer.head_factor == 10


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        CONFIG.epochs = 3  # type: ignore[misc] # the point of the test


def test_json_and_back() -> None:
    config = replace(CONFIG, model=replace(CONFIG.model, input_size=96), controller=ControllerConfig(start=4.0))
    assert TrainConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"epochs": 0}, "epochs"),
        ({"seed": -1}, "seed"),
        ({"model": ModelConfig(backbone="googlenet", dimension=0)}, "model.dimension"),
        ({"model": ModelConfig(backbone="googlenet", dimension=4097)}, "model.dimension"),
        ({"model": ModelConfig(backbone="googlenet", input_size=0)}, "model.input_size"),
        (
            {"model": ModelConfig(backbone="googlenet", freeze_batch_norm=False, fold_batch_norm=True)},
            "model.fold_batch_norm",
        ),
        ({"augmentation": AugmentationConfig(flip=1.5)}, "augmentation.flip"),
        ({"augmentation": AugmentationConfig(brightness=1)}, "augmentation.brightness"),
        ({"loss": LossConfig(ratio_margin=0)}, "loss.ratio_margin"),
        ({"loss": LossConfig(margin=0)}, "loss.margin"),
        ({"loss": LossConfig(similarity_alpha=0)}, "loss.similarity_alpha"),
        ({"loss": LossConfig(similarity_beta=float("nan"))}, "loss.similarity_beta"),
        ({"loss": LossConfig(similarity_base=1)}, "loss.similarity_base"),
        ({"loss": LossConfig(similarity_epsilon=-0.1)}, "loss.similarity_epsilon"),
        ({"loss": LossConfig(boundary=2)}, "loss.boundary"),
        ({"loss": LossConfig(boundary_nu=-1)}, "loss.boundary_nu"),
        ({"loss": LossConfig(sampling_nearest=0)}, "loss.sampling_nearest"),
        ({"loss": LossConfig(sampling_farthest=0.5)}, "loss.sampling_farthest"),
        ({"loss": LossConfig(sampling_farthest=2.1)}, "loss.sampling_farthest"),
        ({"loss": LossConfig(proxy_alpha=0)}, "loss.proxy_alpha"),
        ({"loss": LossConfig(proxy_delta=1)}, "loss.proxy_delta"),
        ({"loss": LossConfig(memory_size=1)}, "loss.memory_size"),
        ({"loss": LossConfig(pair="cross_batch_memory", memory_size=191)}, "loss.memory_size"),
        ({"loss": LossConfig(memory_start=-1)}, "loss.memory_start"),
        ({"loss": LossConfig(contrastive_margin=-1)}, "loss.contrastive_margin"),
        ({"loss": LossConfig(parameter_factor=0)}, "loss.parameter_factor"),
        ({"loss": LossConfig(pair="semi_hard"), "sampler": SamplerConfig(batch_size=257)}, "sampler.batch_size"),
        (
            {"loss": LossConfig(pair="semi_hard"), "sampler": SamplerConfig(kind="classes", batch_size=769)},
            "sampler.batch_size",
        ),
        ({"finish": FinishConfig(shrinkage=-1)}, "finish.shrinkage"),
        ({"finish": FinishConfig(head="discriminant"), "max_pictures": 1000}, "finish.head"),
        ({"model": ModelConfig(backbone="tiny", pooling="multilevel")}, "model.pooling"),
        ({"guards": GuardsConfig(cosine=1.1)}, "guards.cosine"),
        ({"guards": GuardsConfig(steps=0)}, "guards.steps"),
        ({"guards": GuardsConfig(active_share=0)}, "guards.active_share"),
        ({"guards": GuardsConfig(epochs=0)}, "guards.epochs"),
        (
            {"controller": ControllerConfig(error_of="mined"), "loss": LossConfig(pair="semi_hard")},
            "controller.error_of",
        ),
        (
            {"controller": ControllerConfig(error_of="mined"), "loss": LossConfig(pair="multi_similarity")},
            "controller.error_of",
        ),
        ({"sampler": SamplerConfig(batch_size=1)}, "sampler.batch_size"),
        ({"sampler": SamplerConfig(mined_share=1.1)}, "sampler.mined_share"),
        ({"sampler": SamplerConfig(per_anchor=0)}, "sampler.per_anchor"),
        ({"sampler": SamplerConfig(anchor_share=0)}, "sampler.anchor_share"),
        ({"sampler": SamplerConfig(per_class=1)}, "sampler.per_class"),
        ({"sampler": SamplerConfig(list_length=0)}, "sampler.list_length"),
        ({"sampler": SamplerConfig(random_epochs=-1)}, "sampler.random_epochs"),
        ({"sampler": SamplerConfig(kind="classes", batch_size=4, per_class=4)}, "sampler.batch_size"),
        ({"sampler": SamplerConfig(kind="classes", batch_size=257)}, "sampler.batch_size"),
        ({"controller": ControllerConfig(target=1)}, "controller.target"),
        ({"controller": ControllerConfig(low=0)}, "controller.low"),
        ({"controller": ControllerConfig(low=2, high=1)}, "controller.high"),
        ({"controller": ControllerConfig(start=65)}, "controller.start"),
        ({"controller": ControllerConfig(prior_slope=0)}, "controller.prior_slope"),
        ({"controller": ControllerConfig(held_out_share=0)}, "controller.held_out_share"),
        ({"controller": ControllerConfig(held_out_share=1)}, "controller.held_out_share"),
        ({"controller": ControllerConfig(ridge=-1)}, "controller.ridge"),
        ({"controller": ControllerConfig(window=0)}, "controller.window"),
        ({"controller": ControllerConfig(step_factor=0.9)}, "controller.step_factor"),
        ({"controller": ControllerConfig(kind="schedule")}, "controller.schedule"),
        ({"controller": ControllerConfig(kind="schedule", schedule=(4.0, 65.0))}, "controller.schedule"),
        ({"controller": ControllerConfig(kind="schedule", schedule=(4.0, 0.5))}, "controller.schedule"),
        ({"controller": ControllerConfig(kind="fixed", schedule=(4.0,))}, "controller.schedule"),
        ({"controller": ControllerConfig(kind="schedule", schedule=(4.0,), start=4.0)}, "controller.start"),
        (
            {"controller": ControllerConfig(kind="validation_error"), "loss": LossConfig(pair="semi_hard")},
            "controller.kind",
        ),
        ({"sampler": SamplerConfig(graph_success=0)}, "sampler.graph_success"),
        ({"max_pictures": 0}, "max_pictures"),
        ({"recall_at": ()}, "recall_at"),
        ({"recall_at": (0, 1)}, "recall_at"),
        ({"optimizer": OptimizerConfig(learning_rate=0)}, "optimizer.learning_rate"),
        ({"optimizer": OptimizerConfig(halve_every=0)}, "optimizer.halve_every"),
    ],
)
def test_settings_that_cant_be_run_are_refused_by_name(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput, match=rf"setting {field} is .*; wanted ") as caught:
        replace(CONFIG, **change)
    assert caught.value.field == field


def test_a_schedule_is_a_list_in_json() -> None:
    controller = ControllerConfig(kind="schedule", schedule=(16.0, 8.0))
    document = json.loads(json.dumps(replace(CONFIG, controller=controller).to_dict()))
    assert document["controller"]["schedule"] == [16.0, 8.0]
    assert TrainConfig.from_dict(document).controller == controller


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (4.0, "setting controller.schedule is 4.0; wanted a list of float"),
        ("4", "setting controller.schedule is '4'; wanted a list of float"),
        (None, "setting controller.schedule is None; wanted a list of float"),
        ([4.0, "8"], "setting controller.schedule[1] is '8'; wanted float"),
        ([True], "setting controller.schedule[0] is True; wanted float"),
    ],
)
def test_a_schedule_of_something_else_is_refused(value: Any, says: str) -> None:
    document = CONFIG.to_dict()
    document["controller"]["schedule"] = value
    with pytest.raises(InvalidInput) as caught:
        TrainConfig.from_dict(document)
    assert says in caught.value.message


def test_a_large_batch_of_classes_is_fine_without_triplets() -> None:
    sampler = SamplerConfig(kind="classes", batch_size=512)
    replace(CONFIG, sampler=sampler, loss=LossConfig(pair="multi_similarity"))


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("epoch", 3, "setting epoch is unknown; did you mean epochs?"),
        ("model.depth", 3, "setting model.depth is unknown; there are backbone,"),
        ("epochs", "many", "setting epochs is 'many'; wanted int"),
        ("epochs", True, "setting epochs is True; wanted int"),
        ("epochs", 2.5, "setting epochs is 2.5; wanted int"),
        ("epochs", 0, "setting epochs is 0; wanted at least 1"),
        ("model", 3, "settings model. are 3; wanted names with values"),
        ("model.input_size", "large", "setting model.input_size is 'large'; wanted int or null"),
        ("loss.pair", "triplet", "wanted one of triplet_ratio, multi_similarity"),
        ("loss.ratio_margin", None, "setting loss.ratio_margin is None; wanted float"),
        ("resize.height", 64, "settings resize.: resize to 32 and crop height 64"),
    ],
)
def test_wrong_documents_are_refused_by_name(path: str, value: Any, says: str) -> None:
    document: dict[str, Any] = CONFIG.to_dict()
    *folders, name = path.split(".")
    inner = document
    for folder in folders:
        inner = inner[folder]
    inner[name] = value
    with pytest.raises(InvalidInput) as caught:
        TrainConfig.from_dict(document)
    assert says in caught.value.message


def test_a_missing_setting_is_named_and_a_default_is_not_missed() -> None:
    document = CONFIG.to_dict()
    del document["seed"]
    assert TrainConfig.from_dict(document) == CONFIG
    del document["model"]["backbone"]
    with pytest.raises(InvalidInput, match=r"setting model\.backbone is missing"):
        TrainConfig.from_dict(document)


def test_whole_numbers_serve_as_floats() -> None:
    document = CONFIG.to_dict()
    document["optimizer"]["learning_rate"] = 1
    assert TrainConfig.from_dict(document).optimizer.learning_rate == 1
