"""Ids, topics, keys and addresses against values from outside."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import ancu.models
from ancu.models import topics
from ancu.models.address import is_resolvable, make_address, resolves
from ancu.models.errors import TopicError, UsageError
from ancu.models.ids import BandNumber, EdgeId, WardCode, band_name, band_number, check_id, partition_of


def test_an_address_is_hashed_as_the_bluetooth_core_specification_shows() -> None:
    """Vol 3 Part H, D.7: ah(IRK, 0x708194) = 0x0dfbaa."""
    key = bytes.fromhex("ec0234a357c8ad05341010a60a397d9b")
    assert make_address(key, 0x708194).hex() == "7081940dfbaa"
    assert resolves(key, bytes.fromhex("7081940dfbaa"))
    assert not is_resolvable(bytes.fromhex("c081940dfbaa"))
    assert not is_resolvable(b"")


@pytest.mark.parametrize("text", ["a", "", "A1", "-a", "a" * 41, "a b", "a/b", "a+", "a#", "a.b", "á1", "a\n"])
def test_what_could_mean_something_to_mqtt_or_a_shell_is_no_id(text: str) -> None:
    with pytest.raises(UsageError):
        check_id("edge", text)


def test_partitions_are_of_crc32() -> None:
    assert partition_of(EdgeId("123456789")) == 0xCBF43926 % 64  # the check value of CRC-32


@pytest.mark.parametrize("text", ["", "wb-1", "wb-00000000", "wb-4294967296", "WB-00000001", "wb-0000000a"])
def test_what_is_no_printed_name_is_no_band(text: str) -> None:
    with pytest.raises(UsageError):
        band_number(text)


def test_a_band_is_named_by_eight_digits() -> None:
    assert band_name(BandNumber(42)) == "wb-00000042"
    assert band_number("wb-4294967295") == 2**32 - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ancu/v1",
        "ancu/v2/w1/e1/status",
        "ancu/v1/w1/e1/facts",
        "ancu/v1/w1/e1/facts/urgent",
        "ancu/v1/w1/e1/facts/alarm/more",
        "ancu/v1//e1/status",
        "ancu/v1/w1//status",
        "ancu/v1/up/e1/status",
        "ancu/v1/up/64/gw-1",
        "ancu/v1/up/007/gw-1",
        "ancu/v1/up/-1/gw-1",
        "ancu/v1/up/٣/gw-1",
        "ancu/v1/up/3/",
    ],
)
def test_a_foreign_topic_is_refused(text: str) -> None:
    with pytest.raises(TopicError):
        topics.parse(text)


def test_the_filters_of_a_ward_are_those_of_the_contract() -> None:
    assert topics.edges_of_ward(WardCode("w1"), "facts/+") == "ancu/v1/w1/+/facts/+"
    assert topics.ALL_UPSTREAM == "ancu/v1/up/#"


def test_every_public_name_exists() -> None:
    for module in pkgutil.iter_modules(ancu.models.__path__):
        loaded = importlib.import_module(f"ancu.models.{module.name}")
        for name in getattr(loaded, "__all__", ()):
            assert hasattr(loaded, name), f"{module.name}.{name}"
