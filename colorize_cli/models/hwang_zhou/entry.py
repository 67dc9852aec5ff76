"""Hwang & Zhou 2016, Image Colorization with Deep Convolutional Neural Networks."""

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
_LIGHT = {"width": 0.25, "stride": 2}

ENTRIES = (
    ModelEntry(
        name="vgg-regression",
        title="VGG-16 residual encoder that predicts u*v* of CIELUV",
        paper=f"{HWANG_ZHOU}, section 3.5",
        variants={
            "paper": Variant(_REGRESSION, 8_138_514, recipes=_REGRESSION_RECIPES),
            "light": Variant(
                _REGRESSION,
                510_258,
                {"width": 0.25},
                {"bundled": f"{_RECIPES}:REGRESSION_BUNDLED", **_REGRESSION_RECIPES},
            ),
        },
        objective="huber",
        input_size=224,
        fit="stretch",
        color_space="CIELUV",
        mirror=False,
        bundled="vgg-regression.safetensors",
        licence=RESEARCH,
        notes=("light has a quarter of VGG-16's channels, for CPUs.",),
    ),
    ModelEntry(
        name="vgg-classifier",
        title="VGG-16 hypercolumns and two heads over 50 bins of u* and of v*",
        paper=f"{HWANG_ZHOU}, section 3.6",
        variants={
            "paper": Variant(_CLASSIFIER, 8_845_220, recipes=_CLASSIFIER_RECIPES),
            "light": Variant(_CLASSIFIER, 568_756, _LIGHT, _LIGHT_CLASSIFIER_RECIPES),
            "light-sum": Variant(_CLASSIFIER, 545_108, _LIGHT | {"aggregation": "sum"}, _LIGHT_CLASSIFIER_RECIPES),
            "light-plain": Variant(_CLASSIFIER, 569_556, _LIGHT | {"residual": False}, _LIGHT_CLASSIFIER_RECIPES),
            "light-1": Variant(_CLASSIFIER, 550_196, _LIGHT | {"convolutions": 1}, _LIGHT_CLASSIFIER_RECIPES),
            "light-hsv": Variant(_CLASSIFIER, 568_756, _LIGHT | {"color_space": "hsv"}, _LIGHT_CLASSIFIER_RECIPES),
            "light-2": Variant(_CLASSIFIER, 559_476, _LIGHT | {"convolutions": 2}, _LIGHT_CLASSIFIER_RECIPES),
        },
        objective="uv-classes",
        input_size=224,
        fit="stretch",
        color_space="CIELUV",
        mirror=False,
        bundled="vgg-classifier.safetensors",
        licence=RESEARCH,
        decoding=("temperature", "score_blur", "smoothing"),
        notes=(
            "light has a quarter of the channels and classifies every second pixel, for CPUs. light-sum, light-plain, "
            "light-1, light-2 and light-hsv are what the paper compares with it (5.2).",
        ),
    ),
)
