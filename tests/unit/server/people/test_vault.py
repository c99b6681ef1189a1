from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ancu.models.errors import ConfigError
from ancu.server.people.vault import Vault


def test_a_master_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    sealed = Vault.create(path).seal("edge:a", b"secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Vault.open(path).open_sealed("edge:a", sealed) == b"secret"
    with pytest.raises(ConfigError, match="exists already"):
        Vault.create(path)


def test_what_is_sealed_for_one_place_does_not_open_in_another(vault: Vault) -> None:
    with pytest.raises(ConfigError):
        vault.open_sealed("edge:b", vault.seal("edge:a", b"secret"))
    with pytest.raises(ConfigError):
        vault.open_sealed("edge:a", b"")


def test_the_same_secret_is_sealed_differently_each_time(vault: Vault) -> None:
    assert vault.seal("a", b"secret") != vault.seal("a", b"secret")


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 31])
def test_a_file_that_is_no_master_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "master.key"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError):
        Vault.open(path)


def test_a_master_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    Vault.create(tmp_path / "master.key")
    (tmp_path / "master.key").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 0600"):
        Vault.open(tmp_path / "master.key")


def test_look_up_hashes_need_the_master_key(vault: Vault) -> None:
    assert vault.hash("code") == vault.hash("code") != Vault(bytes(32)).hash("code")
    assert "cipher" not in repr(vault).lower()
