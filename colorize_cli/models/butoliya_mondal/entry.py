"""Butoliya & Mondal, Image Colorization, after Deep Koalarization (Baldassarre et al. 2017)."""

from colorize_cli.entry import ModelEntry, Variant

_MODULE = "colorize_cli.models.butoliya_mondal.recipes"
_RECIPES = {"paper": f"{_MODULE}:KOALARIZATION_PAPER"}
_NETWORK = "colorize_cli.models.butoliya_mondal.networks:Koalarization"

ENTRIES = (
    ModelEntry(
        name="koalarization",
        title="convolutions fused with the embedding of a network that recognizes objects",
        paper="Butoliya & Mondal, Image Colorization",
        variants={
            "efficientnet": Variant(
                _NETWORK,
                6_551_074,
                {"embedding": "efficientnet", "width": 0.25, "local": 112},
                {"bundled": f"{_MODULE}:KOALARIZATION_BUNDLED", **_RECIPES},
                encoder="EfficientNet-Lite2, frozen",
                notes=("A quarter of the paper's channels, for CPUs; the embedding needs no Hub.",),
            ),
            "paper": Variant(
                _NETWORK,
                62_417_258,
                {"embedding": "inception-resnet-v2"},
                _RECIPES,
                encoder="Inception-ResNet-v2, frozen",
            ),
            "resnet18": Variant(_NETWORK, 17_619_106, {"embedding": "resnet18"}, _RECIPES, encoder="ResNet-18, frozen"),
        },
        objective="mean squared error",
        input_size=299,
        fit="letterbox-white",
        bundled="koalarization.safetensors",
        licence="research weights, trained on photographs of mixed terms; embedding Apache-2.0",
    ),
)
