"""A library that cannot be imported becomes one line that says what to install."""

from colorize_cli.errors import LibraryMissing

_PACKAGES = {
    "cv2": "opencv-python",
    "PIL": "pillow",
    "torch": "torch",
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "safetensors": "safetensors",
    "tifffile": "tifffile",
    "timm": "timm",
    "torchvision": "torchvision",
    "huggingface_hub": "huggingface_hub",
    "matplotlib": "matplotlib",
    "starlette": "starlette",
    "uvicorn": "uvicorn",
}


def missing_library(error: ImportError) -> LibraryMissing | None:
    """Return what to tell the user about a failed import, or ``None`` where it is a mistake of this program."""
    text = str(error)
    module = (error.name or "").partition(".")[0]
    if "libGL" in text or "libgthread" in text or "libglib" in text or (module == "cv2" and "shared object" in text):
        return LibraryMissing(
            f"OpenCV cannot be loaded ({text.strip()}).",
            "Either `pip uninstall -y opencv-python && pip install opencv-python-headless`, "
            "or install the system packages (Debian, Ubuntu: `apt-get install libgl1 libglib2.0-0`).",
        )
    if module not in _PACKAGES:
        return None
    return LibraryMissing(f"{module} cannot be loaded ({text.strip()}).", f"`pip install {_PACKAGES[module]}`.")
