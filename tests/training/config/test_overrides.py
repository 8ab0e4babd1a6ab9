from typing import Any

import pytest

from smserve.errors import InvalidInput
from tests.training.tiny import classes_config
from training.config import TrainConfig, override, setting_choices, setting_names

CONFIG = classes_config()


def read(config: TrainConfig, name: str) -> Any:
    found: Any = config
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("sampler.batch_size=64", 64),
        ("sampler.batch_size = 64", 64),
        ("optimizer.learning_rate=1e-3", 1e-3),
        ("optimizer.learning_rate=.5", 0.5),
        ("optimizer.learning_rate=1", 1),
        ("model.freeze_batch_norm=TRUE", True),
        ("model.fold_batch_norm=no", False),
        ("model.input_size=none", None),
        ("model.input_size=96", 96),
        ("model.backbone=timm:resnet50.a1_in1k", "timm:resnet50.a1_in1k"),
        ("model.weights=runs/a=b.pth", "runs/a=b.pth"),
        ("model.weights=none", "none"),  # a word of its own there
        ("model.pooling=gem", "gem"),
        ("recall_at=1,10,100", (1, 10, 100)),
        ("recall_at=[1, 10]", (1, 10)),
        ("max_pictures=null", None),
        ("resize.mode=shortest_side", "shortest_side"),
        ("controller.start=0.5", 0.5),
    ],
)
def test_a_value_takes_the_type_of_its_setting(assignment: str, value: Any) -> None:
    found = read(override(CONFIG, [assignment]), assignment.partition("=")[0].strip())
    assert found == value
    assert type(found) is type(value)


def test_several_and_the_last_of_a_name_holds() -> None:
    changed = override(CONFIG, ["epochs=3", "controller.low=0.1", "epochs=4"])
    assert (changed.epochs, changed.controller.low) == (4, 0.1)
    assert (changed.model, changed.recipe) == (CONFIG.model, CONFIG.recipe)
    assert override(CONFIG, []) == CONFIG


def test_settings_are_checked_together_and_not_one_after_the_other() -> None:
    together = ["controller.low=2", "controller.high=3", "controller.target=0.5"]
    assert override(CONFIG, together).controller.low == 2
    with pytest.raises(InvalidInput, match=r"setting controller\.high is 0\.9; wanted at least controller\.low, 2"):
        override(CONFIG, together[:1])


@pytest.mark.parametrize(
    ("assignment", "says"),
    [
        ("sampler.batchsize=64", "setting sampler.batchsize is unknown; did you mean sampler.batch_size?"),
        ("batch_size=64", "setting batch_size is unknown; did you mean sampler.batch_size?"),
        ("model.learning_rate=1", "setting model.learning_rate is unknown; did you mean optimizer.learning_rate?"),
        ("kind=sgd", "did you mean augmentation.kind, sampler.kind, controller.kind?"),
        ("sampler=3", "setting sampler is unknown"),
        ("xyzzy=3", "setting xyzzy is unknown; there are "),
        ("sampler.batch_size", "has no value; wanted NAME=VALUE"),
        ("recipe=emoji", "a recipe is chosen with --recipe"),
        ("sampler.batch_size=many", "setting sampler.batch_size is 'many'; wanted int"),
        ("sampler.batch_size=2.5", "setting sampler.batch_size is 2.5; wanted int"),
        ("sampler.batch_size=true", "setting sampler.batch_size is 'true'; wanted int"),
        ("sampler.batch_size=[1]", "setting sampler.batch_size is [1]; wanted int"),
        ("sampler.batch_size=", "setting sampler.batch_size is ''; wanted int"),
        ("sampler.batch_size=none", "setting sampler.batch_size is 'none'; wanted int"),
        ("sampler.batch_size=0", "setting sampler.batch_size is 0; wanted at least 2"),
        ("optimizer.learning_rate=NaN", "setting optimizer.learning_rate is nan; wanted a finite number"),
        ("optimizer.learning_rate=inf", "setting optimizer.learning_rate is inf; wanted a finite number"),
        ("model.freeze_batch_norm=2", "setting model.freeze_batch_norm is '2'; wanted bool"),
        ("model.pooling=average", "setting model.pooling is 'average'; wanted one of own, mean, max, both, gem"),
        ("model.gem_power=11", "setting model.gem_power is 11; wanted above 0 and at most 10"),
        ("recall_at=1,two", "setting recall_at[1] is 'two'; wanted int"),
        ("recall_at=", "setting recall_at is (); wanted whole numbers from 1"),
    ],
)
def test_what_cant_be_is_refused_by_name(assignment: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        override(CONFIG, [assignment])
    assert says in caught.value.message


def test_every_setting_can_be_overridden_with_its_own_value() -> None:
    def text(value: Any) -> str:
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

    names = setting_names()
    assert {"seed", "resize.size", "model.gem_power", "optimizer.head_factor"} < set(names)
    assert override(CONFIG, [f"{name}={text(read(CONFIG, name))}" for name in names]) == CONFIG


def test_the_words_that_a_setting_takes() -> None:
    assert setting_choices("optimizer.kind") == ["sgd", "adamw"]
    assert setting_choices("model.fold_batch_norm") == ["true", "false"]
    assert setting_choices("model.input_size") == ["none"]
    assert setting_choices("model.backbone") == setting_choices("nothing") == []
