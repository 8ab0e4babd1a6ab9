"""`smserve tune` writes a file whose table `[serve]` holds options of `smserve serve`."""

import tomllib
from pathlib import Path

import click

from smserve.cli.root import smserve
from smserve.embedder import InferenceSettings
from tests.cli.conftest import Run, document


def as_serve_takes_it(path: Path) -> dict[str, object]:
    """The values that `smserve serve` gets from the table, given as options."""
    table = tomllib.loads(path.read_text())["serve"]
    command = smserve.commands["serve"]
    arguments = [f"--{name}={value}" for name, value in table.items()]
    with click.Context(smserve) as root:
        return command.make_context("serve", ["--model", "model.onnx", *arguments], parent=root).params


def test_it_prints_a_table_and_writes_what_serve_takes(
    run: Run, tiny_model: Path, pictures: Path, tmp_path: Path
) -> None:
    output = tmp_path / "smserve.toml"
    asked = ("--images", pictures, "--seconds", 0.03, "--latency-ms", 60_000)
    result = run("tune", "--model", tiny_model, *asked, "--output", output)
    assert result.exit_code == 0, result.output
    header, *rows = result.stdout.splitlines()
    assert header.split("\t")[:6] == ["provider", "precision", "threads", "batch", "calls", "images/s"]
    assert {("cpu", "float32"), ("openvino", "float32")} <= {tuple(row.split("\t")[:2]) for row in rows}
    assert sum(row.endswith("\tchosen") for row in rows) == 1
    assert f"written to {output}" in result.stderr
    values = as_serve_takes_it(output)
    assert isinstance(values["max_in_flight"], int)
    names = ("provider", "precision", "threads", "max_batch", "max_batch_delay_ms")
    InferenceSettings(**{name: values[name] for name in names})  # type: ignore[arg-type]  # what click gives


def test_a_dry_run_writes_nothing(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "smserve.toml"
    found = document(
        run(
            "tune",
            "--model",
            tiny_model,
            "--seconds",
            0.01,
            "--latency-ms",
            60_000,
            "--output",
            output,
            "--dry-run",
            "--json",
        )
    )
    assert found["chosen"]["provider"] in {"cpu", "openvino"}
    assert found["trials"][0]["pictures_per_s"] > 0
    assert found["pictures"] == 2
    assert list(tmp_path.iterdir()) == []


def test_no_setting_within_the_limit(run: Run, tiny_model: Path, tmp_path: Path) -> None:
    output = tmp_path / "smserve.toml"
    result = run("tune", "--model", tiny_model, "--seconds", 0.01, "--latency-ms", 0.00001, "--output", output)
    assert result.exit_code == 1
    assert "too slow" in result.stdout
    assert "nothing answers a call alone within 1e-05 ms; the shortest took" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_kept_is_refused_before_anything_is_measured(
    run: Run, tiny_model: Path, tmp_path: Path
) -> None:
    output = tmp_path / "smserve.toml"
    output.write_text("serve = 3")
    result = run("tune", "--model", tiny_model, "--output", output)
    assert result.exit_code == 1
    assert "serve is no table" in result.stderr
    assert result.stdout == ""
