"""Brown et al. 2024, Image Colorization."""

from colorize_cli.entry import ModelEntry, Variant

BROWN = "Brown et al. 2024, Image Colorization"

RESEARCH = "research weights, trained on photographs of mixed terms"

_BOTH_ENCODERS = "EfficientNet-Lite2 and ResNet-18"


def _paired_head(builder: str, parameters: int, **recipes: str) -> Variant:
    """Return the variant of another head on the two encoders of `gan`; ``recipes``: their ``module:attribute``."""
    return Variant(
        builder,
        parameters,
        {"encoder": "paired"},
        recipes=recipes,
        encoder=_BOTH_ENCODERS,
        notes=("The encoders of gan; predicts at a quarter of the input size.",),
    )


ENTRIES = (
    ModelEntry(
        name="gan",
        title="U-Net that predicts a distribution over ab bins (default)",
        paper=f"{BROWN}, section 3.4",
        variants={
            "efficientnet": Variant(
                "colorize_cli.models.brown.generator:Generator",
                6_805_508,
                recipes={"bundled": "colorize_cli.models.brown.recipes:GAN_BUNDLED"},
            ),
            "paired": Variant(
                "colorize_cli.models.brown.generator:Generator",
                23_781_444,
                {"encoder": "paired", "deep_width": 256, "context": 4, "dropout": 0.1},
                recipes={
                    "paired": "colorize_cli.models.brown.recipes:GAN_PAIRED",
                    "recognized": "colorize_cli.models.brown.recipes:GAN_RECOGNIZED",
                },
                title="U-Net on two encoders, with self-attention",
                objective="cross-entropy over ab bins, then adversarial, then recognition",
                encoder=_BOTH_ENCODERS,
            ),
            "light": Variant(
                "colorize_cli.models.brown.generator:Generator",
                13_099_716,
                {"encoder": "resnet18"},
                recipes={"scratch": "colorize_cli.models.brown.recipes:GAN_SCRATCH"},
                objective="cross-entropy over ab bins, with an adversarial stage",
                encoder="ResNet-18",
            ),
            "dynamic-unet": Variant(
                "colorize_cli.models.brown.dynamic_unet:DynamicUNet",
                31_099_672,
                recipes={"tutorial": "colorize_cli.models.brown.recipes:GAN_TUTORIAL"},
                title="U-Net that predicts a*b* at full size, of the tutorial that the paper builds on",
                objective="L1 loss, then adversarial",
                encoder="ResNet-18",
            ),
        },
        objective="cross-entropy over ab bins",
        encoder="EfficientNet-Lite2",
        input_size=224,
        fit="rectangle",
        bundled="gan.safetensors",
        steadied=True,
        vividness=True,
        distribution=True,
        licence=RESEARCH,
    ),
    ModelEntry(
        name="gan-64",
        title="six-level U-Net and PatchGAN at 64x64 pixels, the paper's own",
        paper=f"{BROWN}, section 3.4",
        variants={
            "paper": Variant(
                "colorize_cli.models.brown.pix2pix_unet:Pix2PixUNet",
                29_239_938,
                recipes={"paper": "colorize_cli.models.brown.recipes:GAN_64_PAPER"},
            ),
            "light": Variant(
                "colorize_cli.models.brown.pix2pix_unet:Pix2PixUNet",
                1_829_538,
                {"width": 16},
                recipes={
                    "bundled": "colorize_cli.models.brown.recipes:GAN_64_BUNDLED",
                    "paper": "colorize_cli.models.brown.recipes:GAN_64_PAPER",
                },
            ),
        },
        objective="L1 loss and adversarial",
        input_size=64,
        fit="stretch",
        bundled="gan-64.safetensors",
        licence=RESEARCH,
        notes=("The weights are light: a quarter of the paper's channels.",),
    ),
    ModelEntry(
        name="classifier",
        title="sorts each pixel into one of 256 color classes",
        paper=f"{BROWN}, section 3.2",
        variants={
            "paper": Variant(
                "colorize_cli.models.brown.classifier:PaperClassifier",
                952_256,
                recipes={"paper": "colorize_cli.models.brown.recipes:CLASSIFIER_PAPER"},
                encoder="first half of ResNet-18",
            ),
            "efficientnet": Variant(
                "colorize_cli.models.brown.classifier:LightClassifier",
                5_623_296,
                recipes={"imagenet": "colorize_cli.models.brown.recipes:CLASSIFIER_IMAGENET"},
                encoder="EfficientNet-Lite2",
            ),
            "light": Variant(
                "colorize_cli.models.brown.classifier:LightClassifier",
                11_917_504,
                {"encoder": "resnet18"},
                recipes={"head": "colorize_cli.models.brown.recipes:CLASSIFIER_HEAD"},
                encoder="ResNet-18",
            ),
            "paired": _paired_head(
                "colorize_cli.models.brown.classifier:LightClassifier",
                16_916_416,
                paired="colorize_cli.models.brown.recipes:CLASSIFIER_PAIRED",
            ),
        },
        objective="weighted cross-entropy over classes",
        input_size=192,
        fit="rectangle",
        bundled="classifier.safetensors",
        steadied=True,
        vividness=True,
        distribution=True,
        decoding=("temperature", "fallback"),
        licence=RESEARCH,
    ),
    ModelEntry(
        name="regression",
        title="predicts a*b* directly, by an upsampling decoder",
        paper=f"{BROWN}, section 3.3",
        variants={
            "paper": Variant(
                "colorize_cli.models.brown.regression:PaperRegression",
                1_623_922,
                recipes={"paper": "colorize_cli.models.brown.recipes:REGRESSION_PAPER"},
                encoder="first half of ResNet-34",
            ),
            "paper-deep": Variant(
                "colorize_cli.models.brown.regression:PaperRegression",
                2_067_442,
                {"layers": 3},
                recipes={"paper": "colorize_cli.models.brown.recipes:REGRESSION_PAPER"},
                encoder="first half of ResNet-34",
                notes=("Three more convolutions after the ResNet, as the paper tried (section 5).",),
            ),
            "efficientnet": Variant(
                "colorize_cli.models.brown.regression:LightRegression",
                5_590_530,
                recipes={"imagenet": "colorize_cli.models.brown.recipes:REGRESSION_IMAGENET"},
                encoder="EfficientNet-Lite2",
            ),
            "light": Variant(
                "colorize_cli.models.brown.regression:LightRegression",
                11_884_738,
                {"encoder": "resnet18"},
                recipes={"head": "colorize_cli.models.brown.recipes:REGRESSION_HEAD"},
                encoder="ResNet-18",
            ),
            "paired": _paired_head(
                "colorize_cli.models.brown.regression:LightRegression",
                16_883_650,
                paired="colorize_cli.models.brown.recipes:REGRESSION_PAIRED",
                l1="colorize_cli.models.brown.recipes:REGRESSION_L1",
            ),
        },
        objective="mean squared error",
        input_size=192,
        fit="rectangle",
        bundled="regression.safetensors",
        steadied=True,
        licence=RESEARCH,
    ),
)
