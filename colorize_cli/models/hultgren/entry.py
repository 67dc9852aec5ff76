"""Hultgren, Kaya & Ekman, Image Colorization with CNN and comparison of network models."""

from colorize_cli.entry import ModelEntry, Variant

_BUILDER = "colorize_cli.models.hultgren.networks:VGGDecoder"
_RECIPES = {
    "paper": "colorize_cli.models.hultgren.recipes:DECODER_PAPER",
    "resampled": "colorize_cli.models.hultgren.recipes:DECODER_RESAMPLED",
}
_LIGHT_RECIPES = {"bundled": "colorize_cli.models.hultgren.recipes:DECODER_BUNDLED", **_RECIPES}
_LIGHT = {"width": 0.25}
_NARROW = "VGG-16 with a quarter of the channels, frozen"
_RGB = ("Predicts the whole picture, which the paper advises against (3.3); only its chroma is used.",)
_NORM, _DROPOUT = {"regularization": "batchnorm"}, {"regularization": "dropout"}

ENTRIES = (
    ModelEntry(
        name="vgg-decoder",
        title="small decoder on a bottleneck of 7x7",
        paper="Hultgren, Kaya & Ekman, Image Colorization with CNN",
        variants={
            "paper": Variant(_BUILDER, 16_285_650, {}, _RECIPES),
            "batchnorm": Variant(_BUILDER, 16_287_666, _NORM, _RECIPES),
            "dropout": Variant(_BUILDER, 16_285_650, _DROPOUT, _RECIPES),
            "rgb": Variant(_BUILDER, 16_285_795, {"output": "rgb"}, _RECIPES, notes=_RGB),
            "light": Variant(_BUILDER, 1_607_874, _LIGHT, _LIGHT_RECIPES, encoder=_NARROW),
            "light-batchnorm": Variant(_BUILDER, 1_609_122, _LIGHT | _NORM, _RECIPES, encoder=_NARROW),
            "light-dropout": Variant(_BUILDER, 1_607_874, _LIGHT | _DROPOUT, _RECIPES, encoder=_NARROW),
            "light-rgb": Variant(
                _BUILDER, 1_608_019, _LIGHT | {"output": "rgb"}, _LIGHT_RECIPES, encoder=_NARROW, notes=_RGB
            ),
        },
        objective="mean squared error",
        encoder="VGG-16, frozen",
        input_size=224,
        fit="stretch",
        mirror=False,
        bundled="vgg-decoder.safetensors",
        licence="research weights, trained on photographs of mixed terms",
    ),
)
