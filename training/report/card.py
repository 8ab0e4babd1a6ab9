"""The model card: what a model is, what it was taught and tested on, and what it is not good for."""

from training.report.contents import RunReport

__all__ = ["model_card"]


def model_card(run: RunReport) -> list[tuple[str, str]]:
    """Return the card's lines: what is said of, and what is said."""
    config = run.config
    model, resize, sampler = config["model"], config["resize"], config["sampler"]
    size = f"{resize['height']} x {resize['width']} pixels, resized by “{resize['mode']}” to {resize['size']}"
    mined = "triplets" if sampler["kind"] == "triplets" else "batches of whole classes"
    return [
        (
            "Model",
            f"{run.name}: {model['backbone']}, {run.parameters:,} parameters; unit vectors of {model['dimension']} "
            f"numbers",
        ),
        ("Input", f"RGB pictures of {size}"),
        ("First weights", str(model["weights"])),
        ("Use", "Finding pictures of the same class by the cosine of their vectors, among classes it has not seen too"),
        ("Trained on", f"{_split(run, 'train')} of {run.dataset}"),
        (
            "Trained by",
            f"recipe {config['recipe']}, seed {config['seed']}, {_epochs(run)} of {mined}; loss "
            f"{config['loss']['pair']}",
        ),
        ("Judged on", _judged(run)),
        ("Probabilities", _calibration(run)),
        (
            "Limits",
            "Figures hold for pictures like those of the test classes. A cosine says how alike two pictures look to "
            "the network, not why; pictures of another kind, of other quality, or of people must be tested first. The "
            "terms of the training pictures and of the first weights apply to what is made of them.",
        ),
        *run.origin.items(),
    ]


def _epochs(run: RunReport) -> str:
    return "1 epoch" if len(run.epochs) == 1 else f"{len(run.epochs)} epochs"


def _split(run: RunReport, name: str) -> str:
    pictures, classes = run.splits.get(name, (0, 0))
    return f"{pictures:,} pictures of {classes:,} classes"


def _judged(run: RunReport) -> str:
    asked = f", asking a gallery of {_split(run, 'gallery')}" if "gallery" in run.splits else ""
    recall = run.figures.get("recall_at_1")
    measured = "" if recall is None else f": Recall@1 {100 * recall:.1f} %"
    return f"{_split(run, 'test')} that training has not seen{asked}{measured}"


def _calibration(run: RunReport) -> str:
    if run.calibration is None:
        return "none: there are no validation classes, or too few pairs of them, to fit probabilities on"
    fitted = run.calibration.calibration
    sign = "-" if fitted.intercept < 0 else "+"
    return (
        f"P(same class) = 1 / (1 + exp(-({fitted.slope:g} cosine {sign} {abs(fitted.intercept):g}))), fitted on "
        f"{fitted.pairs:,} pairs of {fitted.fitted_on}, each picture with its {fitted.neighbours} nearest, "
        f"{100 * fitted.same_class_share:.0f} % of them of one class; off by "
        f"{100 * fitted.error:.1f} points on classes that a fit had not seen"
    )
