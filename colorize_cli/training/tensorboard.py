"""TensorBoard event files of a run: losses, learning rate, validation figures and the strip picture of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def tensorboard_available() -> bool:
    """Whether tensorboard, the extra of that name, is installed."""
    from importlib.util import find_spec

    return find_spec("tensorboard") is not None


def write_events(folder: Path, row: Mapping[str, Any], strip: npt.NDArray[np.uint8]) -> None:
    """Add a line of ``metrics.jsonl`` and its strip, uint8 RGB (H, W, 3), to the event files in ``folder``.

    A row of an earlier step than one already there hides what came after it, as when a run is resumed.
    """
    from torch.utils.tensorboard import SummaryWriter

    step = int(row["step"])
    with SummaryWriter(str(folder), purge_step=step) as writer:
        for group in ("losses", "validation"):
            for name, value in row[group].items():
                if isinstance(value, int | float):
                    writer.add_scalar(f"{group}/{name}", value, step)
        writer.add_scalar("learning rate", row["lr"], step)
        writer.add_image("gray, prediction, truth", strip, step, dataformats="HWC")
