"""Puts the bundled weights into the wheel; an editable install reads them from the checkout."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BundledWeights(BuildHookInterface):
    """Maps ``weights/`` to ``colorize_cli/weights/`` in wheels."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the folder, unless the install is editable."""
        if version != "editable":
            build_data["force_include"]["weights"] = "colorize_cli/weights"
