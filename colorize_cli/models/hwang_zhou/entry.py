"""Hwang & Zhou 2016, Image Colorization with Deep Convolutional Neural Networks."""

from typing import Any

from colorize_cli.entry import ModelEntry, Variant

HWANG_ZHOU = "Hwang & Zhou 2016, Image Colorization with Deep CNNs"
RESEARCH = "research weights, trained on photographs of mixed terms"
_RECIPES = "colorize_cli.models.hwang_zhou.recipes"
_REGRESSION = "colorize_cli.models.hwang_zhou.networks:VGGRegression"
_CLASSIFIER = "colorize_cli.models.hwang_zhou.networks:VGGClassifier"
_REGRESSION_RECIPES = {"paper": f"{_RECIPES}:REGRESSION_PAPER", "l2": f"{_RECIPES}:REGRESSION_L2"}
_CLASSIFIER_RECIPES = {
    "paper": f"{_RECIPES}:CLASSIFIER_PAPER",
    "nesterov": f"{_RECIPES}:CLASSIFIER_NESTEROV",
    "beta2-0.99": f"{_RECIPES}:CLASSIFIER_BETA",
}
_LIGHT_CLASSIFIER_RECIPES = {"bundled": f"{_RECIPES}:CLASSIFIER_BUNDLED", **_CLASSIFIER_RECIPES}
_LIGHT: dict[str, Any] = {"width": 0.25, "stride": 2}
_NARROW = "VGG-16 with a quarter of the channels"
_COMPARED = ("What the paper compares with light (5.2); half the resolution, for CPUs.",)


def _compared(parameters: int, **how: Any) -> Variant:
    return Variant(_CLASSIFIER, parameters, _LIGHT | how, _LIGHT_CLASSIFIER_RECIPES, encoder=_NARROW, notes=_COMPARED)


ENTRIES = (
    ModelEntry(
        name="vgg-regression",
        title="residual encoder that predicts u*v* of CIELUV",
        paper=f"{HWANG_ZHOU}, section 3.5",
        variants={
            "paper": Variant(_REGRESSION, 8_138_514, recipes=_REGRESSION_RECIPES),
            "light": Variant(
                _REGRESSION,
                510_258,
                {"width": 0.25},
                {"bundled": f"{_RECIPES}:REGRESSION_BUNDLED", **_REGRESSION_RECIPES},
                encoder=_NARROW,
            ),
        },
        objective="Huber loss of u*v*",
        encoder="VGG-16",
        input_size=224,
        fit="stretch",
        color_space="CIELUV",
        mirror=False,
        bundled="vgg-regression.safetensors",
        licence=RESEARCH,
    ),
    ModelEntry(
        name="vgg-classifier",
        title="hypercolumns and two heads over 50 bins of u* and of v*",
        paper=f"{HWANG_ZHOU}, section 3.6",
        variants={
            "paper": Variant(_CLASSIFIER, 8_845_220, recipes=_CLASSIFIER_RECIPES),
            "light": Variant(
                _CLASSIFIER,
                568_756,
                _LIGHT,
                _LIGHT_CLASSIFIER_RECIPES,
                encoder=_NARROW,
                notes=("Classifies every second pixel, for CPUs.",),
            ),
            "light-sum": _compared(545_108, aggregation="sum"),
            "light-plain": _compared(569_556, residual=False),
            "light-1": _compared(550_196, convolutions=1),
            "light-2": _compared(559_476, convolutions=2),
            "light-hsv": _compared(568_756, color_space="hsv"),
        },
        objective="cross-entropy over bins of u* and of v*",
        encoder="VGG-16",
        input_size=224,
        fit="stretch",
        color_space="CIELUV",
        mirror=False,
        bundled="vgg-classifier.safetensors",
        licence=RESEARCH,
        decoding=("temperature", "score_blur", "smoothing"),
    ),
)
