"""Where the camera's networks lie: inside the installed edge, or in the repository that it runs from."""

from importlib.resources import files
from pathlib import Path

from ancu.models.cards import CardError


def weights_folder() -> Path:
    """The folder of model cards; `CardError` where neither place holds any."""
    installed = Path(str(files("ancu.edge"))) / "weights"
    source = Path(__file__).resolve().parents[5] / "models" / "weights"
    for folder in (installed, source):
        if (folder / "person.toml").is_file():
            return folder
    raise CardError("the camera's weights are not installed: install ancu-edge from a wheel that holds them")
