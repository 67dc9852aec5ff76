"""Zhou & Zhu 2024, Grayscale Image Colorization in Machine Learning: networks and classic regressions."""

from typing import Any

from colorize_cli.entry import ModelEntry, Variant

ZHOU_ZHU = "Zhou & Zhu 2024, Grayscale Image Colorization"
_UNET = "colorize_cli.models.zhou_zhu.unet:UNet"
_RECIPES = "colorize_cli.models.zhou_zhu.recipes"
_LIGHT = {"widths": (16, 32, 64, 128, 176, 208), "stop": 1}
CLASSIC = "Zhou & Zhu 2024, Grayscale Image Colorization In Machine Learning"
_LINEAR = "colorize_cli.models.zhou_zhu.linear_neighbours:LinearNeighbours"
_ROWS = "colorize_cli.models.zhou_zhu.tree_rows:TreeRows"
_A_TENTH = ("A tenth of the paper's parameters; predicts at half the input size.",)
_LICENCE = "research only: trained on photographs of mixed terms"


def _linear(name: str, kind: str) -> ModelEntry:
    recipes = {"paper": f"{_RECIPES}:{name.upper()}"}
    return ModelEntry(
        name=name,
        title="spreads color hints by a regression of each pixel on its neighbours",
        paper=f"{CLASSIC}, section 3.1",
        variants={
            "guided": Variant(_LINEAR, 0, recipes=recipes),
            "paper": Variant(_LINEAR, 0, {"solver": "paper"}, recipes=recipes),
        },
        objective=kind,
        input_size=512,
        fit="native",
        bundled=f"{name}.safetensors",
        licence=_LICENCE,
        mirror=False,
        hints=True,
        needs_hints=True,
        decoding=("paper_iterations",),
        no_onnx="it has no network, but solves a system of equations for the hints of each photograph",
    )


def _trees(name: str, section: str, kind: str, recipe: str, light: dict[str, Any], paper: dict[str, Any]) -> ModelEntry:
    return ModelEntry(
        name=name,
        title=f"{kind}: a row of lightness in, a row of color out",
        paper=f"{CLASSIC}, section {section}",
        variants={
            "light": Variant(_ROWS, 0, light, {"light": f"{_RECIPES}:{recipe}_LIGHT"}),
            "paper": Variant(_ROWS, 0, paper, {"paper": f"{_RECIPES}:{recipe}"}),
        },
        objective="squared error of the leaves",
        input_size=416,  # the networks reduce it to 400 or 32 themselves
        fit="stretch",
        bundled=f"{name}.safetensors",
        licence=_LICENCE,
        mirror=False,
        notes=("The weights are light: pictures of 32x32 pixels instead of 400x400.",),
        no_onnx="it has no network, but trees that are looked up row by row",
    )


ENTRIES = (
    ModelEntry(
        name="unet",
        title="U-Net with batch norm",
        paper=f"{ZHOU_ZHU}, section 3.5",
        variants={
            "paper": Variant(_UNET, 31_036_546, recipes={"paper": f"{_RECIPES}:UNET_PAPER"}),
            "light": Variant(_UNET, 3_192_162, _LIGHT, recipes={"bundled": f"{_RECIPES}:UNET_BUNDLED"}, notes=_A_TENTH),
        },
        objective="mean squared error",
        input_size=160,
        bundled="unet.safetensors",
        licence="research weights, trained on photographs of mixed terms",
    ),
    ModelEntry(
        name="unet-gan",
        title="U-Net against a binary classifier of whole pictures",
        paper=f"{ZHOU_ZHU}, section 3.5",
        variants={
            "paper": Variant(
                _UNET,
                31_036_546,
                recipes={"paper": f"{_RECIPES}:UNET_GAN_PAPER", "pixel": f"{_RECIPES}:UNET_GAN_PIXEL"},
            ),
            "light": Variant(
                _UNET,
                3_192_162,
                _LIGHT,
                recipes={"bundled": f"{_RECIPES}:UNET_GAN_BUNDLED"},
                objective="mean squared error, then adversarial",
                notes=_A_TENTH,
            ),
        },
        objective="adversarial",
        input_size=160,
        bundled="unet-gan.safetensors",
        licence="research weights, trained on photographs of mixed terms",
    ),
    _linear("ols", "least squares"),
    _linear("ridge", "ridge regression"),
    _linear("lasso", "lasso"),
    _linear("elasticnet", "elastic net"),
    _trees(
        "gradient-boosting",
        "3.2",
        "gradient boosting",
        "GRADIENT_BOOSTING",
        {"size": 32, "bands": 10, "trees": 100, "outputs": 1, "averaged": False},
        {"size": 400, "bands": 10, "trees": 100, "outputs": 1, "averaged": False},
    ),
    _trees(
        "random-forest",
        "3.3",
        "random forests",
        "TREES",
        {"size": 32, "bands": 32, "trees": 16, "outputs": 32, "averaged": True},
        {"size": 400, "bands": 400, "trees": 100, "outputs": 400, "averaged": True},
    ),
    _trees(
        "decision-tree",
        "3.4",
        "decision trees",
        "TREES",
        {"size": 32, "bands": 32, "trees": 1, "outputs": 32, "averaged": True},
        {"size": 400, "bands": 400, "trees": 1, "outputs": 400, "averaged": True},
    ),
)
