"""Colorizers published by others, with their own weights."""

from colorize_cli.entry import HubFile, ModelEntry, OriginalFile, Variant

DDCOLOR = "Kang et al. 2023, DDColor, ICCV"
DDCOLOR_BUILDER = "colorize_cli.models.published.ddcolor:DDColor"
APACHE = "apache-2.0"
DDCOLOR_LICENCE = "Apache-2.0 by its publisher's declaration; trained on ImageNet, whose terms are for research"

ENTRIES = (
    ModelEntry(
        name="ddcolor",
        title="pixel decoder and a transformer of color queries",
        paper=DDCOLOR,
        variants={"large": Variant(DDCOLOR_BUILDER, 227_869_328, {"encoder": "convnext-l"})},
        encoder="ConvNeXt-L",
        objective="published weights only",
        input_size=512,
        fit="stretch",
        licence=DDCOLOR_LICENCE,
        mirror=False,
        hub={
            "modelscope": HubFile(
                "piddnad/ddcolor_modelscope",
                "pytorch_model.bin",
                "060f67494e31883a4b13cb27f889f3154847ada4",
                "d81711971ec59200da26d5e8a1afae8dd3778d495ea8ad7a7dadc769f403f7e7",
                911_914_869,
                APACHE,
            ),
            "artistic": HubFile(
                "piddnad/ddcolor_artistic",
                "pytorch_model.bin",
                "aa10f72fffc89a6658e37b48556050b4d9a26f63",
                "5a076e84efce59848394f572a105f7b78f7f6e917f615d1ee88537241b96dca3",
                911_914_869,
                APACHE,
            ),
        },
        notes=("--weights artistic uses the checkpoint trained without the colorfulness loss.",),
    ),
    ModelEntry(
        name="ddcolor-tiny",
        title="a smaller DDColor",
        paper=DDCOLOR,
        variants={"tiny": Variant(DDCOLOR_BUILDER, 55_006_640, {"encoder": "convnext-t"})},
        encoder="ConvNeXt-T",
        objective="published weights only",
        input_size=512,
        fit="stretch",
        licence=DDCOLOR_LICENCE,
        mirror=False,
        hub={
            "paper": HubFile(
                "piddnad/ddcolor_paper_tiny",
                "pytorch_model.bin",
                "cf9fd99c1d7472689ec7413441c1b799a51866a3",
                "8a1277bc90a1bfbb6d2d83933a9a6bc821931879ca93e26e4fcec12165d41fce",
                220_372_845,
                APACHE,
            )
        },
    ),
    ModelEntry(
        name="eccv16",
        title="VGG-like classifier over 313 ab bins",
        paper="Zhang et al. 2016, Colorful Image Colorization, ECCV",
        variants={"paper": Variant("colorize_cli.models.published.zhang:ECCV16", 32_236_011)},
        objective="published weights only",
        input_size=256,
        fit="stretch",
        licence="BSD-2-Clause",
        mirror=False,
        distribution=True,
        hub={
            "release-v2": HubFile(
                "ckpt/colorization",
                "colorization_release_v2-9b330a0b.pth",
                None,
                "9b330a0bae53f4ded77b1e23defbf78beaa09c10ebc4c4999e8e4f4a160b93f9",
                None,
                "bsd-2-clause",
            )
        },
        original=OriginalFile(
            "https://colorizers.s3.us-east-2.amazonaws.com/colorization_release_v2-9b330a0b.pth",
            "9b330a0b",
            129_000_000,
            "BSD-2-Clause",
        ),
        notes=("The Hub repository is a mirror; its file is checked by the sha256 of the authors'.",),
    ),
    ModelEntry(
        name="siggraph17",
        title="U-Net that takes color hints, or none",
        paper="Zhang et al. 2017, Real-Time User-Guided Image Colorization, SIGGRAPH",
        variants={
            "release": Variant("colorize_cli.models.published.zhang:SIGGRAPH17", 34_187_027),
            "centered-mask": Variant(
                "colorize_cli.models.published.zhang:SIGGRAPH17",
                34_187_027,
                {"mask_center": 0.5},
                notes=("For weights trained with a mask of -0.5 and 0.5; the published ones take 0 and 1.",),
            ),
        },
        objective="published weights only",
        input_size=256,
        fit="stretch",
        licence="BSD-2-Clause",
        mirror=False,
        hints=True,
        original=OriginalFile(
            "https://colorizers.s3.us-east-2.amazonaws.com/siggraph17-df00044c.pth",
            "df00044c",
            137_000_000,
            "BSD-2-Clause",
        ),
    ),
)
