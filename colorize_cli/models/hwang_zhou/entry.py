"""Hwang & Zhou 2016, Image Colorization with Deep Convolutional Neural Networks."""

from colorize_cli.entry import ModelEntry, Variant

HWANG_ZHOU = "Hwang & Zhou 2016, Image Colorization with Deep CNNs"
_RECIPES = "colorize_cli.models.hwang_zhou.recipes"
_REGRESSION = "colorize_cli.models.hwang_zhou.networks:VGGRegression"
_CLASSIFIER = "colorize_cli.models.hwang_zhou.networks:VGGClassifier"
_REGRESSION_RECIPES = {"paper": f"{_RECIPES}:REGRESSION_PAPER", "l2": f"{_RECIPES}:REGRESSION_L2"}
_CLASSIFIER_RECIPES = {"paper": f"{_RECIPES}:CLASSIFIER_PAPER"}
_NARROW = "VGG-16 with a quarter of the channels"

ENTRIES = (
    ModelEntry(
        name="vgg-regression",
        title="residual encoder that predicts u*v* of CIELUV",
        paper=f"{HWANG_ZHOU}, section 3.5",
        variants={
            "paper": Variant(_REGRESSION, 8_138_514, recipes=_REGRESSION_RECIPES),
            "light": Variant(_REGRESSION, 510_258, {"width": 0.25}, _REGRESSION_RECIPES, encoder=_NARROW),
        },
        objective="Huber loss of u*v*",
        encoder="VGG-16",
        input_size=224,
        fit="stretch",
        color_space="CIELUV",
        mirror=False,
    ),
    ModelEntry(
        name="vgg-classifier",
        title="hypercolumns and two heads over 50 bins of u* and of v*",
        paper=f"{HWANG_ZHOU}, section 3.6",
        variants={
            "paper": Variant(_CLASSIFIER, 8_860_708, recipes=_CLASSIFIER_RECIPES),
            "light": Variant(
                _CLASSIFIER,
                569_556,
                {"width": 0.25, "stride": 2},
                _CLASSIFIER_RECIPES,
                encoder=_NARROW,
                notes=("Classifies every second pixel, for CPUs.",),
            ),
        },
        objective="cross-entropy over bins of u* and of v*",
        encoder="VGG-16",
        input_size=224,
        fit="stretch",
        color_space="CIELUV",
        mirror=False,
        decoding=("temperature", "score_blur", "smoothing"),
    ),
)
