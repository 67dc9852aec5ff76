"""Pretraining recipe for encoders without published weights."""

from colorize_cli.recipe import Augmentation, Stage

PRETRAINING = Stage(
    # Not of the paper, which begins with VGG-16 trained on ImageNet (--encoder hub): for what that does not exist.
    name="pretraining",
    objective="pretraining",
    epochs=8,
    sizes=((0.0, 64),),
    batch_size=64,
    lr=2e-3,
    weight_decay=0.05,
    schedule="cosine",
    warmup=100,
    clip=2.0,
    ema=0.998,
    augmentation=Augmentation(area=(0.4, 1.0)),
    small_share=0.6,
    class_weight=1.0,
)
