from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ancu.models.config import Settings, load, read_secret, write_secret
from ancu.models.errors import ConfigError


class Inner(Settings, frozen=True):
    port: int = 1


class Example(Settings, frozen=True):
    name: str
    data: Path
    inner: Inner = Inner()


def write(folder: Path, text: str) -> Path:
    path = folder / "example.toml"
    path.write_text(text, "utf-8")
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load(write(tmp_path, 'name = "a"\ndata = "d"\n[inner]\nport = 2\n'), Example)
    assert settings == Example(name="a", data=tmp_path / "d", inner=Inner(port=2))


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    assert load(write(tmp_path, 'name = "a"\ndata = "/x"\n'), Example).data == Path("/x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "a"', "data"),
        ('name = 1\ndata = "d"', "name"),
        ('name = "a"\ndata = "d"\nnmae = "b"', "nmae"),
        ('name = "a"\ndata = "d"\n[inner]\nprot = 2', "prot"),
        ('name = "a"\ndata = "d"\n[inner]\nport = "2"', "inner.port"),
        ("name =", "not TOML"),
    ],
)
def test_a_mistake_names_the_file_and_the_field(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        load(path, Example)
    assert str(path) in str(refused.value)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_missing_file_and_a_file_that_is_no_text_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.toml", Example)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "bytes.toml", Example)


def test_a_secret_is_written_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    write_secret(path, b"one")
    write_secret(path, b"two")
    assert read_secret(path) == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644, 0o660])
def test_a_secret_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"x")
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 0600"):
        read_secret(path)


def test_a_missing_secret_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_secret(tmp_path / "none")
