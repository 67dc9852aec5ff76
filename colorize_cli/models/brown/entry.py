"""Brown et al. 2024, Image Colorization."""

from colorize_cli.entry import ModelEntry, Variant

BROWN = "Brown et al. 2024, Image Colorization"

RESEARCH = "research weights, trained on photographs of mixed terms"

ENTRIES = (
    ModelEntry(
        name="gan",
        title="EfficientNet-Lite2 U-Net with a head over ab bins (default)",
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
                recipes={"paired": "colorize_cli.models.brown.recipes:GAN_PAIRED"},
            ),
            "light": Variant(
                "colorize_cli.models.brown.generator:Generator",
                13_099_716,
                {"encoder": "resnet18"},
                recipes={"scratch": "colorize_cli.models.brown.recipes:GAN_SCRATCH"},
            ),
            "dynamic-unet": Variant(
                "colorize_cli.models.brown.dynamic_unet:DynamicUNet",
                31_099_672,
                recipes={"tutorial": "colorize_cli.models.brown.recipes:GAN_TUTORIAL"},
            ),
        },
        objective="cross-entropy over ab bins (light, dynamic-unet: adversarial)",
        input_size=224,
        fit="rectangle",
        bundled="gan.safetensors",
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
        objective="adversarial",
        input_size=64,
        fit="stretch",
        bundled="gan-64.safetensors",
        licence=RESEARCH,
        notes=("The weights are light: a quarter of the paper's channels.",),
    ),
    ModelEntry(
        name="classifier",
        title="ResNet-18 that puts every pixel into one of 256 color classes",
        paper=f"{BROWN}, section 3.2",
        variants={
            "paper": Variant(
                "colorize_cli.models.brown.classifier:PaperClassifier",
                952_256,
                recipes={"paper": "colorize_cli.models.brown.recipes:CLASSIFIER_PAPER"},
            ),
            "efficientnet": Variant(
                "colorize_cli.models.brown.classifier:LightClassifier",
                5_623_296,
                recipes={"bundled": "colorize_cli.models.brown.recipes:CLASSIFIER_BUNDLED"},
            ),
            "light": Variant(
                "colorize_cli.models.brown.classifier:LightClassifier",
                11_917_504,
                {"encoder": "resnet18"},
                recipes={"head": "colorize_cli.models.brown.recipes:CLASSIFIER_HEAD"},
            ),
        },
        objective="weighted classes",
        input_size=192,
        fit="rectangle",
        bundled="classifier.safetensors",
        vividness=True,
        distribution=True,
        decoding=("temperature", "fallback"),
        licence=RESEARCH,
        notes=("The bundled weights are of the variant efficientnet: the encoder of gan, at a quarter of the size.",),
    ),
    ModelEntry(
        name="regression",
        title="ResNet-34 and an upsampling decoder that predict a*b* directly",
        paper=f"{BROWN}, section 3.3",
        variants={
            "paper": Variant(
                "colorize_cli.models.brown.regression:PaperRegression",
                1_623_922,
                recipes={"paper": "colorize_cli.models.brown.recipes:REGRESSION_PAPER"},
            ),
            "efficientnet": Variant(
                "colorize_cli.models.brown.regression:LightRegression",
                5_590_530,
                recipes={
                    "bundled": "colorize_cli.models.brown.recipes:REGRESSION_BUNDLED",
                    "l1": "colorize_cli.models.brown.recipes:REGRESSION_L1",
                },
            ),
            "light": Variant(
                "colorize_cli.models.brown.regression:LightRegression",
                11_884_738,
                {"encoder": "resnet18"},
                recipes={"head": "colorize_cli.models.brown.recipes:REGRESSION_HEAD"},
            ),
        },
        objective="regression",
        input_size=192,
        fit="rectangle",
        bundled="regression.safetensors",
        licence=RESEARCH,
        notes=("The bundled weights are of the variant efficientnet: the encoder of gan instead of half a ResNet-34.",),
    ),
)
