"""Hwang & Zhou 2016, Image Colorization with Deep Convolutional Neural Networks."""

from colorize_cli.entry import ModelEntry, Variant

HWANG_ZHOU = "Hwang & Zhou 2016, Image Colorization with Deep CNNs"
_RECIPES = "colorize_cli.models.hwang_zhou.recipes"
_REGRESSION = "colorize_cli.models.hwang_zhou.networks:VGGRegression"
_CLASSIFIER = "colorize_cli.models.hwang_zhou.networks:VGGClassifier"
_REGRESSION_RECIPES = {"paper": f"{_RECIPES}:REGRESSION_PAPER", "l2": f"{_RECIPES}:REGRESSION_L2"}
_CLASSIFIER_RECIPES = {"paper": f"{_RECIPES}:CLASSIFIER_PAPER"}

ENTRIES = (
    ModelEntry(
        name="vgg-regression",
        title="VGG-16 residual encoder that predicts u*v* of CIELUV",
        paper=f"{HWANG_ZHOU}, section 3.5",
        variants={
            "paper": Variant(_REGRESSION, 8_138_514, recipes=_REGRESSION_RECIPES),
            "light": Variant(_REGRESSION, 510_258, {"width": 0.25}, _REGRESSION_RECIPES),
        },
        objective="huber",
        input_size=224,
        fit="stretch",
        color_space="CIELUV",
        mirror=False,
        notes=("light has a quarter of VGG-16's channels, for CPUs.",),
    ),
    ModelEntry(
        name="vgg-classifier",
        title="VGG-16 hypercolumns and two heads over 50 bins of u* and of v*",
        paper=f"{HWANG_ZHOU}, section 3.6",
        variants={
            "paper": Variant(_CLASSIFIER, 8_845_220, recipes=_CLASSIFIER_RECIPES),
            "light": Variant(_CLASSIFIER, 568_756, {"width": 0.25, "stride": 2}, _CLASSIFIER_RECIPES),
        },
        objective="uv-classes",
        input_size=224,
        fit="stretch",
        color_space="CIELUV",
        mirror=False,
        decoding=("temperature", "score_blur", "smoothing"),
        notes=("light has a quarter of the channels and classifies every second pixel, for CPUs.",),
    ),
)
