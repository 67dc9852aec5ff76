"""Zhou & Zhu 2024, Grayscale Image Colorization in Machine Learning: the networks of section 3.5."""

from colorize_cli.entries.base import ModelEntry, Variant

ZHOU_ZHU = "Zhou & Zhu 2024, Grayscale Image Colorization"
_UNET = "colorize_cli.models.unet:UNet"
_RECIPES = "colorize_cli.training.recipes.zhou_zhu"
_LIGHT = {"widths": (16, 32, 64, 128, 176, 208), "stop": 1}

ENTRIES = (
    ModelEntry(
        name="unet",
        title="U-Net with batch norm, trained by mean squared error alone",
        paper=f"{ZHOU_ZHU}, section 3.5",
        variants={
            "paper": Variant(_UNET, 31_036_546, recipes={"paper": f"{_RECIPES}:UNET_PAPER"}),
            "light": Variant(_UNET, 3_192_162, _LIGHT, recipes={"bundled": f"{_RECIPES}:UNET_BUNDLED"}),
        },
        objective="mse",
        input_size=160,
    ),
    ModelEntry(
        name="unet-gan",
        title="the same U-Net against a binary classifier of whole pictures",
        paper=f"{ZHOU_ZHU}, section 3.5",
        variants={
            "paper": Variant(
                _UNET,
                31_036_546,
                recipes={"paper": f"{_RECIPES}:UNET_GAN_PAPER", "pixel": f"{_RECIPES}:UNET_GAN_PIXEL"},
            ),
            "light": Variant(_UNET, 3_192_162, _LIGHT, recipes={"bundled": f"{_RECIPES}:UNET_GAN_BUNDLED"}),
        },
        objective="adversarial",
        input_size=160,
        bundled="unet-gan.safetensors",
        licence="research weights, trained on photographs of mixed terms",
        notes=("The bundled weights are light: a tenth of the paper's parameters.",),
    ),
)
