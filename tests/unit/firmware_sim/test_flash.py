from pathlib import Path

import pytest

from ancu.firmware_sim.flash import FlashFile
from ancu.firmware_sim.log import Stored
from ancu.models.errors import ConfigError


def test_pages_outlive_the_process(tmp_path: Path):
    flash = FlashFile(tmp_path / "flash")
    flash.page(7).write(Stored(100, 5, tampered=True))
    flash.page(9).write(Stored(200, 6))
    flash.close()
    again = FlashFile(tmp_path / "flash")
    assert again.page(9).read() == Stored(200, 6)
    assert again.page(7).read() == Stored(100, 5, tampered=True)
    assert again.page(8).read() == Stored()
    again.close()


def test_a_blank_page_stays_its_bands_own(tmp_path: Path):
    flash = FlashFile(tmp_path / "flash")
    first, second = flash.page(1), flash.page(2)
    second.write(Stored(20))
    assert first.read() == Stored()
    first.write(Stored(10))
    assert (first.read(), second.read()) == (Stored(10), Stored(20))
    flash.close()


def test_a_torn_file_is_refused(tmp_path: Path):
    (tmp_path / "flash").write_bytes(b"123")
    with pytest.raises(ConfigError, match="not a flash file"):
        FlashFile(tmp_path / "flash")
