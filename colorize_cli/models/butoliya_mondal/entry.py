"""Butoliya & Mondal, Image Colorization, after Deep Koalarization (Baldassarre et al. 2017)."""

from colorize_cli.entry import ModelEntry, Variant

_RECIPES = {"paper": "colorize_cli.models.butoliya_mondal.recipes:KOALARIZATION_PAPER"}
_NETWORK = "colorize_cli.models.butoliya_mondal.networks:Koalarization"

ENTRIES = (
    ModelEntry(
        name="koalarization",
        title="convolutional encoder fused with the embedding of a network that knows what things are",
        paper="Butoliya & Mondal, Image Colorization",
        variants={
            "paper": Variant(_NETWORK, 62_417_258, {"embedding": "inception-resnet-v2"}, _RECIPES),
            "resnet18": Variant(_NETWORK, 17_619_106, {"embedding": "resnet18"}, _RECIPES),
        },
        objective="mse",
        input_size=224,
        fit="letterbox-white",
    ),
)
