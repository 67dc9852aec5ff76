"""The whole way from photographs to figures, with contenders whose answers are known."""

import numpy as np
import pytest

from colorize_cli.errors import OutputExists, UsageProblem
from colorize_cli.evaluation.evaluate_options import EvaluateOptions
from colorize_cli.evaluation.metrics.measure import Picture, measure
from colorize_cli.evaluation.photo_loop import gray_of
from colorize_cli.evaluation.results import load, save
from colorize_cli.evaluation.session import Shard, run, shard_from
from colorize_cli.evaluation.summary import TRUTH, summarize
from tests.evaluation.conftest import Tint, picture, png


def options(photos, **changes):
    return EvaluateOptions(places=[photos], models=[("tint", None)], **{"protocol": "native", **changes})


def test_all_contenders_see_the_same_photographs_beside_both_baselines(photos, tints):
    evaluation = run(options(photos)).evaluation
    assert evaluation.contenders == ["gray", "mean-chroma", "warm", "cold"]
    assert all(list(r.measurements) == evaluation.contenders for r in evaluation.results)
    assert [(r.height, r.width) for r in evaluation.results][3:] == [(33, 44), (34, 44), (35, 44)]


def test_rows_are_the_metrics_of_the_colorized_picture_against_the_truth(photos, tints):
    evaluation = run(options(photos)).evaluation
    true = picture(1)
    (predicted,) = tints[0].colorize([gray_of(true)], [1])
    expected = measure(Picture(true), Picture(predicted)).values
    assert evaluation.results[1].measurements["warm"].values == pytest.approx(expected)


def test_figures_of_the_set_are_those_of_the_pooled_photographs(photos, tints):
    evaluation = run(options(photos)).evaluation
    summary = summarize(evaluation)
    warm = summary["warm"]
    predicted, true = evaluation.values("warm", "colorfulness"), evaluation.values("warm", "colorfulness_true")
    assert warm["delta_cf_means"].value == pytest.approx(abs(predicted.mean() - true.mean()))
    assert warm["delta_cf"].value == pytest.approx(np.abs(predicted - true).mean())
    assert summary[TRUTH]["colorfulness"].value == pytest.approx(true.mean())
    predicted, true = evaluation.values("warm", "saturation"), evaluation.values("warm", "saturation_true")
    assert predicted.sum() > 0
    expected = abs(predicted.sum() - true.sum()) / true.sum()
    assert warm["saturation_difference_means"].value == pytest.approx(expected)
    assert summary["gray"]["saturation_difference_means"].value == pytest.approx(1)
    assert warm["psnr"].value == pytest.approx(evaluation.values("warm", "psnr").mean())
    for figures in summary.values():
        assert all(f.low <= f.value <= f.high for f in figures.values() if f.low == f.low)


def test_rebalanced_auc_of_a_set_of_one_color_equals_the_plain_one(tmp_path, tints):
    for i in range(3):
        (tmp_path / f"{i}.png").write_bytes(png(np.full((16, 16, 3), (200, 80 + i, 60), np.uint8)))
    figures = summarize(run(options(tmp_path)).evaluation)["gray"]
    assert figures["auc_rebalanced"].value == pytest.approx(figures["auc"].value, abs=1e-6)


def test_a_photograph_that_cannot_be_read_is_reported_and_counts_nowhere(photos, tints):
    (photos / "1.png").write_bytes(b"no picture")
    evaluation = run(options(photos)).evaluation
    (failure,) = evaluation.failures
    assert failure.photo == "1.png" and "not an image" in failure.error
    assert {f.n for f in summarize(evaluation)["warm"].values()} == {5}


def test_a_photograph_that_fails_one_model_fails_alone_and_for_all(photos, tints):
    tints[0] = Tint("warm", (8, 15), failing=[2])
    evaluation = run(options(photos, protocol="stretch256")).evaluation
    (failure,) = evaluation.failures
    assert (failure.photo, failure.contender) == ("2.png", "warm")
    assert len(evaluation.measured) == 5 and evaluation.measured[0].measurements.keys() >= {"warm", "cold"}


def test_a_single_photograph_has_no_mean_chroma_baseline(photos, tints):
    evaluation = run(options(photos, limit=1)).evaluation
    assert evaluation.contenders == ["gray", "warm", "cold"]
    assert summarize(evaluation)["gray"]["colorfulness"].value == 0


def test_colorformer_leaves_gray_pictures_out_of_its_mean_colorfulness(photos, tints):
    summary = summarize(run(options(photos, protocol="colorformer")).evaluation)
    assert "colorfulness" not in summary["gray"]
    assert summary["warm"]["colorfulness"].n == 6


def test_results_survive_the_folder(photos, tints, tmp_path):
    evaluation = run(options(photos)).evaluation
    save(tmp_path / "r", evaluation)
    again = load(tmp_path / "r")
    assert again.record == evaluation.record
    before, after = summarize(evaluation), summarize(again)
    for name, figures in before.items():
        for key, figure in figures.items():
            assert after[name][key] == pytest.approx(figure, rel=1e-5, abs=1e-6, nan_ok=True), (name, key)
    with pytest.raises(UsageProblem, match="no complete evaluation results"):
        load(tmp_path)


def test_existing_results_are_not_replaced_unless_told(photos, tints, tmp_path):
    save(tmp_path / "r", run(options(photos)).evaluation)
    with pytest.raises(OutputExists):
        options(photos, output=tmp_path / "r")
    options(photos, output=tmp_path / "r", overwrite=True)


def test_shards_merge_to_what_one_process_gets(photos, tints, tmp_path):
    whole = run(options(photos)).evaluation
    sharded = options(photos, output=tmp_path / "r")
    first = run(sharded, Shard(1, 2))
    assert first.evaluation is None
    merged = run(sharded, Shard(0, 2)).evaluation
    assert [r.photo for r in merged.results] == [r.photo for r in whole.results]
    summary = summarize(merged)
    for name, figures in summarize(whole).items():
        for key, figure in figures.items():
            assert summary[name][key] == pytest.approx(figure, rel=1e-5, abs=1e-6)
    assert not (tmp_path / "r" / "shards").exists()


def test_ranks_come_from_the_environment_of_torchrun():
    assert shard_from({}) == Shard(0, 1, 0)
    assert shard_from({"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}) == Shard(3, 4, 1)
    for wrong in ({"RANK": "4", "WORLD_SIZE": "4"}, {"RANK": "x"}):
        with pytest.raises(UsageProblem):
            shard_from(wrong)


def test_photographs_must_be_named(tints):
    with pytest.raises(UsageProblem, match="No photo was named"):
        run(EvaluateOptions(models=[("tint", None)]))


def test_shards_without_a_common_folder_are_refused(photos, tints):
    with pytest.raises(UsageProblem, match="-o"):
        run(options(photos), Shard(0, 2))


@pytest.mark.parametrize(
    "wrong", [{"protocol": "x"}, {"limit": 0}, {"batch": 0}, {"lpips": ["resnet"]}, {"models": []}]
)
def test_options_that_make_no_sense_are_refused_before_any_work(wrong):
    with pytest.raises(UsageProblem):
        EvaluateOptions(**{"places": ["x"], "models": [("gan", None)], **wrong})
