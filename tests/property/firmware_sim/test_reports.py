"""HCI reports: what a controller writes a host reads, Bumble included; noise never crashes."""

from bumble import hci
from hypothesis import given
from hypothesis import strategies as st

from ancu.firmware_sim.advert import read_advert
from ancu.firmware_sim.reports import Report, decode_reports, encode_report

reports = st.builds(
    Report,
    st.sampled_from([0x10, 0x13, 0x12, 0x1B]),
    st.booleans(),
    st.binary(min_size=6, max_size=6),
    st.binary(max_size=31),
    st.integers(-127, 20),
)


@given(reports, st.booleans())
def test_what_a_controller_reports_its_host_reads(report: Report, extended: bool):
    assert decode_reports(encode_report(report, extended=extended)) == [report]


@given(reports, st.booleans())
def test_bumble_reads_the_same(report: Report, extended: bool):
    event = hci.HCI_Packet.from_bytes(encode_report(report, extended=extended))
    assert isinstance(event, hci.HCI_LE_Extended_Advertising_Report_Event | hci.HCI_LE_Advertising_Report_Event)
    (read,) = event.reports
    assert (read.data, read.rssi, bytes(read.address)) == (report.data, report.rssi_dbm, report.address[::-1])


@given(st.binary(max_size=80))
def test_noise_never_crashes(noise: bytes):
    decode_reports(noise)
    decode_reports(b"\x04\x3e" + noise)
    decode_reports(b"\x04\x3e\x20\x0d\x02" + noise)
    read_advert(noise)
