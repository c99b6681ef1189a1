from pathlib import Path

import pytest

from ancu.firmware_sim.settings import HomeSettings, Script, SimSettings, homes_of, read_bands, scenario_of
from ancu.models.config import load, write_secret
from ancu.models.errors import ConfigError

BANDS = b'[[bands]]\nnumber = 1\nkey = "00112233445566778899aabbccddeeff"\norder = "order-1"\n'


@pytest.fixture
def bands_file(tmp_path: Path) -> Path:
    write_secret(tmp_path / "bands.toml", BANDS)
    return tmp_path / "bands.toml"


def test_a_minimal_file_is_enough(tmp_path: Path, bands_file: Path):
    (tmp_path / "sim.toml").write_text('bands_file = "bands.toml"\n[[homes]]\nname = "home-1"\nbands = [1]\n')
    settings = load(tmp_path / "sim.toml", SimSettings)
    (home,) = homes_of(settings, None)
    assert settings.bands_file == bands_file
    assert [band.number for band in home.bands] == [1]


@pytest.mark.parametrize(
    ("homes", "says"),
    [
        ((HomeSettings(name="a", bands=(2,)),), "band 2 is not in"),
        ((HomeSettings(name="a", bands=(1,)), HomeSettings(name="b", bands=(1,))), "in another home already"),
    ],
)
def test_bands_that_do_not_fit_are_refused(bands_file: Path, homes: tuple[HomeSettings, ...], says: str):
    with pytest.raises(ConfigError, match=says):
        homes_of(SimSettings(bands_file=bands_file, homes=homes), None)


@pytest.mark.parametrize("key", ["zz", "0011", "00112233445566778899aabbccddeeff00"])
def test_a_bad_key_is_named_by_its_band_and_never_quoted(tmp_path: Path, key: str):
    path = tmp_path / "bands.toml"
    write_secret(path, f'[[bands]]\nnumber = 7\nkey = "{key}"\norder = "o1"\n'.encode())
    with pytest.raises(ConfigError, match="band 7: key") as refused:
        read_bands(path)
    assert f"{key!r}" not in str(refused.value)


def test_keys_that_others_can_read_are_refused(bands_file: Path):
    bands_file.chmod(0o644)
    with pytest.raises(ConfigError, match="0600"):
        read_bands(bands_file)


def test_a_script_is_a_name_or_a_file():
    with pytest.raises(ConfigError, match="either name or file"):
        scenario_of(Script(), (1, 2, 3))
    assert [step.at_s for step in scenario_of(Script(name="demo", start_s=2), (1, 2, 3)).steps] == [2, 7]
