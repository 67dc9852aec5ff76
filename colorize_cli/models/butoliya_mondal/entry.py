"""Butoliya & Mondal, Image Colorization, after Deep Koalarization (Baldassarre et al. 2017)."""

from colorize_cli.entry import ModelEntry, Variant

_MODULE = "colorize_cli.models.butoliya_mondal.recipes"
_RECIPES = {"paper": f"{_MODULE}:KOALARIZATION_PAPER"}
_NETWORK = "colorize_cli.models.butoliya_mondal.networks:Koalarization"

ENTRIES = (
    ModelEntry(
        name="koalarization",
        title="convolutional encoder fused with the embedding of a network that knows what things are",
        paper="Butoliya & Mondal, Image Colorization",
        variants={
            "efficientnet": Variant(
                _NETWORK,
                6_551_074,
                {"embedding": "efficientnet", "width": 0.25, "local": 112},
                {"bundled": f"{_MODULE}:KOALARIZATION_BUNDLED", **_RECIPES},
            ),
            "paper": Variant(_NETWORK, 62_417_258, {"embedding": "inception-resnet-v2"}, _RECIPES),
            "resnet18": Variant(_NETWORK, 17_619_106, {"embedding": "resnet18"}, _RECIPES),
        },
        objective="mse",
        input_size=299,
        fit="letterbox-white",
        bundled="koalarization.safetensors",
        licence="research weights, trained on photographs of mixed terms; embedding Apache-2.0",
        notes=(
            "efficientnet has the 1000 scores of EfficientNet-Lite2 as its embedding and a quarter of the channels, "
            "for CPUs.",
        ),
    ),
)
