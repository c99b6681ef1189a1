"""A Bluetooth controller in the virtual air: Bumble's, with adverts and connection events as real ones report them."""

from __future__ import annotations

from bumble import hci
from bumble.controller import Controller

from ancu.firmware_sim.radio import Air, OnAir
from ancu.firmware_sim.reports import CONNECTABLE, LEGACY, SCAN_RESPONSE, SCANNABLE, Report, encode_report
from ancu.models.address import show_address

__all__ = ["LE_PACKET_BYTES", "RadioController"]

_ENHANCED_CONNECTION_COMPLETE = 1 << 9  # of the LE event mask


LE_PACKET_BYTES = 251  # of the data length extension, which every controller of the last ten years has; Bumble says 27


class RadioController(Controller):
    """One report an advert, with its RSSI; scan responses when asked for; the connection event that Linux needs."""

    air: Air
    le_acl_data_packet_length = LE_PACKET_BYTES

    def __init__(self, name: str, air: Air, public_address: str) -> None:
        super().__init__(name, link=air, public_address=public_address)
        self.air = air
        self._active = False
        self._extended = True
        air.attach(self)

    def switch_off(self) -> None:
        """Leave the air; peers see a supervision timeout."""
        self.host = None
        self.air.detach(self)
        self.air.lose_links(self)
        self.air.remove_controller(self)

    def hear(self, pdu: OnAir, rssi_dbm: int) -> None:
        if self.le_scan_enable and (self._extended or pdu.properties & LEGACY):
            self._report(Report(pdu.properties, True, pdu.address, pdu.data, rssi_dbm))
            if self._active and pdu.properties & SCANNABLE and pdu.response is not None:
                kind = LEGACY | SCAN_RESPONSE | SCANNABLE | pdu.properties & CONNECTABLE
                self._report(Report(kind, True, pdu.address, pdu.response, rssi_dbm))
        pending = self.pending_le_connection
        if pending is not None and pdu.properties & CONNECTABLE and bytes(pending.peer_address) == pdu.address[::-1]:
            self.create_le_connection(hci.Address(show_address(pdu.address), hci.Address.RANDOM_DEVICE_ADDRESS))

    def send_hci_packet(self, packet: hci.HCI_Packet) -> None:
        if (
            isinstance(packet, hci.HCI_LE_Connection_Complete_Event)
            and self.le_event_mask & _ENHANCED_CONNECTION_COMPLETE
        ):
            packet = hci.HCI_LE_Enhanced_Connection_Complete_Event(
                status=packet.status,
                connection_handle=packet.connection_handle,
                role=packet.role,
                peer_address_type=packet.peer_address_type,
                peer_address=packet.peer_address,
                local_resolvable_private_address=hci.Address.ANY_RANDOM,
                peer_resolvable_private_address=hci.Address.ANY_RANDOM,
                connection_interval=packet.connection_interval,
                peripheral_latency=packet.peripheral_latency,
                supervision_timeout=packet.supervision_timeout,
                central_clock_accuracy=packet.central_clock_accuracy,
            )
        super().send_hci_packet(packet)

    def on_hci_reset_command(self, _command: hci.HCI_Reset_Command) -> hci.HCI_StatusReturnParameters:
        self.le_scan_enable = False
        self.pending_le_connection = None
        self.air.lose_links(self)
        return super().on_hci_reset_command(_command)

    def on_hci_le_set_scan_parameters_command(
        self, command: hci.HCI_LE_Set_Scan_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        self._active, self._extended = bool(command.le_scan_type), False
        return super().on_hci_le_set_scan_parameters_command(command)

    def on_hci_le_set_extended_scan_parameters_command(
        self, command: hci.HCI_LE_Set_Extended_Scan_Parameters_Command
    ) -> hci.HCI_StatusReturnParameters:
        self._active, self._extended = any(command.scan_types), True
        return super().on_hci_le_set_extended_scan_parameters_command(command)

    def _report(self, report: Report) -> None:
        # As bytes: Bumble's objects, and the log line it formats for nobody, cost 20 times more.
        if self.host is not None:
            self.host.on_packet(encode_report(report, extended=self._extended))
