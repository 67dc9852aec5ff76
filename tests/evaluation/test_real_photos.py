"""Figures of the baselines on real photographs, which no model is needed for."""

import os
from pathlib import Path

import pytest

from colorize_cli.evaluation.evaluate_options import EvaluateOptions
from colorize_cli.evaluation.session import run
from colorize_cli.evaluation.summary import TRUTH, summarize

PHOTOS = os.environ.get("COLORIZE_PHOTOS", "")


@pytest.mark.photos
@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS, reason="COLORIZE_PHOTOS is not set")
def test_baselines_on_photographs_lie_where_photographs_put_them(monkeypatch):
    monkeypatch.setattr("colorize_cli.evaluation.session.load_models", lambda *args, **kwargs: [])
    options = EvaluateOptions(places=[Path(PHOTOS) / "val.zip"], models=[("none", None)], limit=40)
    session = run(options)
    assert session.evaluation is not None and not session.evaluation.failures
    summary = summarize(session.evaluation)
    assert 19 < summary["gray"]["psnr"].value < 26
    assert summary["gray"]["colorfulness"].value == 0 and summary["gray"]["saturation_difference"].value == 1
    assert 20 < summary[TRUTH]["colorfulness"].value < 60
    # Signed opponents spread more than their absolute values on real photographs.
    assert summary[TRUTH]["colorfulness_signed"].value > summary[TRUTH]["colorfulness"].value
    # A constant ab of photographs in general is nearer than none.
    assert summary["mean-chroma"]["ab_mse"].value < summary["gray"]["ab_mse"].value
    assert 0.8 < summary["gray"]["auc"].value < 0.97
