"""The cards of the weights that are shipped, and what is refused."""

import hashlib
from pathlib import Path

import pytest

from ancu.edge.camera.weights import weights_folder
from ancu.models.cards import CardError, load_card, verified_weights

CARD = weights_folder() / "person.toml"


def copy(folder: Path, *, card: str | None = None, weights: bytes | None = None) -> Path:
    (folder / "person.onnx").write_bytes(weights or CARD.with_name("person.onnx").read_bytes())
    (folder / "person.toml").write_text(card or CARD.read_text(encoding="utf-8"), encoding="utf-8")
    return folder / "person.toml"


def test_the_shipped_weights_are_their_cards() -> None:
    card, weights = verified_weights(CARD)
    assert hashlib.sha256(weights).hexdigest() == card.sha256
    assert card.source.licence == "Apache-2.0"
    assert len(weights) <= 8_000_000


def test_every_shipped_network_has_a_card() -> None:
    networks = {file.name for file in CARD.parent.glob("*.onnx")}
    assert networks == {load_card(file).weights for file in CARD.parent.glob("*.toml")}


def test_altered_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="sha256"):
        verified_weights(copy(tmp_path, weights=b"other"))


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="surprise"):
        load_card(copy(tmp_path, card="surprise = 1\n" + CARD.read_text(encoding="utf-8")))


def test_an_absent_card_and_absent_weights_are_named(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="no model card"):
        load_card(tmp_path / "person.toml")
    path = copy(tmp_path)
    path.with_name("person.onnx").unlink()
    with pytest.raises(CardError, match="no weights"):
        verified_weights(path)


def test_a_card_names_no_file_elsewhere(tmp_path: Path) -> None:
    card = CARD.read_text(encoding="utf-8").replace('"person.onnx"', '"../person.onnx"')
    with pytest.raises(CardError, match="outside"):
        verified_weights(copy(tmp_path, card=card))
