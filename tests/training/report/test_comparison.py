from dataclasses import replace

from tests.training.report.drawn import NO_TEST, drawn_report
from training.report.comparison import differing_settings, figure_table, title_of

FIRST = drawn_report(test=NO_TEST)
BETTER = replace(FIRST, name="second", figures={**FIRST.figures, "recall_at_1": 0.625, "nmi": 0.5})


def test_the_best_of_several_is_marked() -> None:
    rows = dict(figure_table([FIRST, BETTER]))
    assert [(cell.text, cell.best) for cell in rows["Recall@1"]] == [("50.00 %", False), ("62.50 %", True)]
    assert [cell.best for cell in rows["NMI"]] == [True, False]
    assert [cell.best for cell in rows["MAP@R"]] == [False, False], "all are alike"
    assert [(cell.text, cell.best) for cell in rows["pictures"]] == [("30", False), ("30", False)]
    assert [cell.text for cell in rows["pictures through the network"]] == ["4,000", "4,000"]


def test_figures_on_other_data_are_not_compared() -> None:
    rows = figure_table([FIRST, replace(BETTER, dataset="other")])
    assert not any(cell.best for _, cells in rows for cell in cells)


def test_of_one_run_nothing_is_best() -> None:
    assert not any(cell.best for _, cells in figure_table([FIRST]) for cell in cells)


def test_a_figure_that_a_run_lacks_is_empty() -> None:
    rows = dict(figure_table([FIRST, replace(BETTER, figures={"recall_at_1": 0.1, "recall_at_10": 0.2})]))
    assert [cell.text for cell in rows["Recall@10"]] == ["", "20.00 %"]


def test_only_settings_that_differ_are_listed() -> None:
    config = {**FIRST.config, "seed": 7, "sampler": {**FIRST.config["sampler"], "batch_size": 64}}
    rows = differing_settings([FIRST, replace(FIRST, config=config)])
    assert rows == [("seed", ["0", "7"]), ("sampler.batch_size", ["32", "64"])]
    assert differing_settings([FIRST, FIRST]) == []
    assert differing_settings([FIRST, replace(FIRST, dataset="other")]) == [("dataset", ["drawn", "other"])]


def test_titles_are_those_of_the_papers() -> None:
    assert [title_of(name) for name in ("recall_at_1", "recall_at_1000", "map_at_r", "nmi", "gallery_pictures")] == [
        *("Recall@1", "Recall@1000", "MAP@R", "NMI", "gallery pictures")
    ]
