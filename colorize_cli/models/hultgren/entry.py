"""Hultgren, Kaya & Ekman, Image Colorization with CNN and comparison of network models."""

from colorize_cli.entry import ModelEntry, Variant

_BUILDER = "colorize_cli.models.hultgren.networks:VGGDecoder"
_RECIPES = {"paper": "colorize_cli.models.hultgren.recipes:DECODER_PAPER"}
_LIGHT_RECIPES = {"bundled": "colorize_cli.models.hultgren.recipes:DECODER_BUNDLED", **_RECIPES}
_LIGHT = {"width": 0.25}
_NORM, _DROPOUT = {"regularization": "batchnorm"}, {"regularization": "dropout"}

ENTRIES = (
    ModelEntry(
        name="vgg-decoder",
        title="frozen VGG-16 down to 7x7 and a small decoder; with batch norm or dropout as variants",
        paper="Hultgren, Kaya & Ekman, Image Colorization with CNN",
        variants={
            "paper": Variant(_BUILDER, 16_285_650, {}, _RECIPES),
            "batchnorm": Variant(_BUILDER, 16_287_666, _NORM, _RECIPES),
            "dropout": Variant(_BUILDER, 16_285_650, _DROPOUT, _RECIPES),
            "rgb": Variant(_BUILDER, 16_285_795, {"output": "rgb"}, _RECIPES),
            "light": Variant(_BUILDER, 1_607_874, _LIGHT, _LIGHT_RECIPES),
            "light-batchnorm": Variant(_BUILDER, 1_609_122, _LIGHT | _NORM, _RECIPES),
            "light-dropout": Variant(_BUILDER, 1_607_874, _LIGHT | _DROPOUT, _RECIPES),
            "light-rgb": Variant(_BUILDER, 1_608_019, _LIGHT | {"output": "rgb"}, _LIGHT_RECIPES),
        },
        objective="mse",
        input_size=224,
        fit="stretch",
        mirror=False,
        bundled="vgg-decoder.safetensors",
        licence="research weights, trained on photographs of mixed terms",
        notes=(
            "light has a quarter of VGG-16's channels, for CPUs; the decoder is the same. rgb predicts the whole "
            "picture, which the paper advises against (3.3).",
        ),
    ),
)
