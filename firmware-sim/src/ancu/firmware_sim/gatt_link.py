"""The band's own service: access, history by the Record Access Control Point, time, challenge; see docs/band.md."""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from bumble import att
from bumble.core import UUID
from bumble.device import Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service

from ancu.firmware_sim.band import Band, Sensed
from ancu.firmware_sim.smp import Smp
from ancu.models.history import RECORD_BYTES
from ancu.models.link import (
    ACCESS,
    CHALLENGE,
    CONTROL_POINT,
    ELAPSED_TIME,
    ELAPSED_TIME_SERVICE,
    LINK_SERVICE,
    NONCE_BYTES,
    RECORDS,
    TICKS,
    Racp,
    access_proof,
    encode_elapsed,
    read_elapsed,
)
from ancu.models.smp import SMP_CHARACTERISTIC, SMP_SERVICE

__all__ = ["LinkService", "Wrist"]

_TIME_REFUSED = 0x80  # application error: not a time that this band believes
_BUSY = att.ErrorCode.UNLIKELY_ERROR
_TOUCH_S = 30.0  # how long a band buzzes for its wearer
_LAST_WORD_S = 0.25  # for the answer to a reset to be on the air
_AT_ONCE = 16  # notifications handed to the stack before it is waited for
_OPCODES = (Racp.REPORT, Racp.DELETE, Racp.ABORT, Racp.COUNT)
_P, _M = Characteristic.Properties, Characteristic.Permissions


class Wrist(Protocol):
    """What carries the connectable side: the firmware, once it has booted, and its hardware."""

    @property
    def band(self) -> Band | None: ...

    def now_ms(self) -> int: ...

    def sensed(self) -> Sensed: ...

    async def touched(self, within_s: float) -> bool:
        """Ask the wearer to touch the band; whether he did in time."""
        ...

    def let_in(self) -> None:
        """An edge of the home showed its key: the radio and the keys of this firmware work."""
        ...

    def reset(self) -> None:
        """Restart the firmware, once the answer to this is out."""
        ...


class LinkService:
    """State by connection: a nonce, whether the peer has shown the access key, and what is being told to it."""

    def __init__(self, device: Device, wrist: Wrist, access_key: bytes, smp: Smp | None = None) -> None:
        self._device, self._wrist, self._access, self._smp = device, wrist, access_key, smp
        self._nonces: dict[int, bytes] = {}
        self._inside: set[int] = set()
        self._work: dict[int, asyncio.Task[None]] = {}
        self._control = self._characteristic(CONTROL_POINT, _P.WRITE | _P.INDICATE, write=self._command)
        self._records = self._characteristic(RECORDS, _P.NOTIFY)
        self._challenge = self._characteristic(CHALLENGE, _P.WRITE | _P.INDICATE, write=self._ask)
        self._update = self._characteristic(
            SMP_CHARACTERISTIC, _P.WRITE_WITHOUT_RESPONSE | _P.NOTIFY, write=self._manage
        )
        self.services = (
            *((Service(UUID(SMP_SERVICE), [self._update]),) if smp is not None else ()),
            Service(
                UUID(LINK_SERVICE),
                [
                    self._characteristic(ACCESS, _P.READ | _P.WRITE, read=self._nonce, write=self._prove, open_=True),
                    self._control,
                    self._records,
                    self._challenge,
                    self._characteristic(TICKS, _P.READ, read=self._ticks),
                ],
            ),
            Service(
                UUID(ELAPSED_TIME_SERVICE),
                [self._characteristic(ELAPSED_TIME, _P.READ | _P.WRITE, read=self._time, write=self._set_time)],
            ),
        )

    def lets_in(self, link: Connection) -> bool:
        """Whether this peer is bonded and of the home."""
        return link.is_encrypted and link.handle in self._inside

    def gone(self, link: Connection) -> bool:
        """The connection ended; whether the peer had been let in."""
        self._nonces.pop(link.handle, None)
        if (work := self._work.pop(link.handle, None)) is not None:
            work.cancel()
        inside = link.handle in self._inside
        self._inside.discard(link.handle)
        return inside

    def stop(self) -> None:
        for work in self._work.values():
            work.cancel()

    # --- access ---

    def _nonce(self, link: Connection) -> bytes:
        nonce = self._nonces[link.handle] = secrets.token_bytes(NONCE_BYTES)
        return nonce

    def _prove(self, link: Connection, proof: bytes) -> None:
        nonce = self._nonces.pop(link.handle, None)  # one try a nonce
        if nonce is None or not hmac.compare_digest(access_proof(self._access, nonce), bytes(proof)):
            raise att.ATT_Error(att.ErrorCode.INSUFFICIENT_AUTHORIZATION)
        self._inside.add(link.handle)
        self._wrist.let_in()

    # --- history ---

    def _command(self, link: Connection, command: bytes) -> None:
        work = self._work.get(link.handle)
        busy = work is not None and not work.done()
        opcode = command[0] if command else 0
        if opcode == Racp.ABORT and busy and work is not None:
            work.cancel()
        elif busy:
            raise att.ATT_Error(_BUSY)
        self._work[link.handle] = self._spawn(self._carry_out(link, bytes(command)))

    async def _carry_out(self, link: Connection, command: bytes) -> None:
        opcode, operator = (command[0], command[1]) if len(command) >= 2 else (0, 0)
        answer = None
        if opcode not in _OPCODES:
            code = Racp.NO_OPCODE
        elif opcode == Racp.ABORT:
            code = Racp.SUCCESS
        elif opcode == Racp.DELETE:
            code = self._delete(operator, command[2:])
        else:
            first = self._first(operator, command[2:])
            if first is None:
                code = Racp.BAD_OPERAND
            elif opcode == Racp.COUNT:
                answer = bytes((Racp.COUNT_IS, Racp.NULL)) + self._band.log.count(first).to_bytes(2, "little")
                code = Racp.SUCCESS
            else:
                code = await self._report(link, first)
        await self._device.indicate_subscriber(
            link, self._control, answer or bytes((Racp.RESPONSE, Racp.NULL, opcode, code))
        )

    def _first(self, operator: int, operand: bytes) -> int | None:
        if operator == Racp.ALL and not operand:
            return 0
        if operator == Racp.AT_LEAST and len(operand) == 4 and operand[0] == Racp.BY_SEQUENCE:
            return int.from_bytes(operand[1:], "little")
        return None

    def _delete(self, operator: int, operand: bytes) -> int:
        """Only the server's receipt frees anything: not an edge's wish."""
        if operator != Racp.AT_MOST or operand[:1] != bytes((Racp.BY_SEQUENCE,)):
            return Racp.BAD_OPERATOR
        return Racp.SUCCESS if self._band.log.free(operand[1:]) else Racp.BAD_OPERAND

    async def _report(self, link: Connection, first: int) -> int:
        log = self._band.log
        await self._device.notify_subscriber(link, self._records, log.head())
        at_once = max(1, (link.att_mtu - 3) // RECORD_BYTES)
        upto = log.stored.history_head
        at, told = max(first, log.stored.history_base), 0
        if at > upto:
            return Racp.NO_RECORDS
        while at <= upto:
            count = min(at_once, upto + 1 - at)
            await self._device.notify_subscriber(link, self._records, log.records(at, count))
            at, told = at + count, told + 1
            if told % _AT_ONCE == 0:
                await link.drain()
        return Racp.SUCCESS

    # --- time ---

    def _time(self, _link: Connection) -> bytes:
        return encode_elapsed(self._band.elapsed(self._wrist.now_ms()))

    def _set_time(self, _link: Connection, value: bytes) -> None:
        time, now = read_elapsed(bytes(value)), self._wrist.now_ms()
        if time is None or time.ticks or not self._band.believes_clock(now, time.ms):
            raise att.ATT_Error(_TIME_REFUSED)
        self._band.set_clock(now, time.ms)

    def _ticks(self, _link: Connection) -> bytes:
        boot, ms = self._band.ticks(self._wrist.now_ms())
        return bytes((boot,)) + ms.to_bytes(6, "little")

    # --- challenge ---

    def _ask(self, link: Connection, value: bytes) -> None:
        if len(value) != NONCE_BYTES + 1:
            raise att.ATT_Error(att.ErrorCode.INVALID_ATTRIBUTE_LENGTH)
        work = self._work.get(link.handle)
        if work is not None and not work.done():
            raise att.ATT_Error(_BUSY)
        self._work[link.handle] = self._spawn(self._answer(link, bytes(value[:-1]), tap=bool(value[-1])))

    async def _answer(self, link: Connection, nonce: bytes, *, tap: bool) -> None:
        tapped = tap and await self._wrist.touched(_TOUCH_S)
        if tapped or not tap:
            answer = self._band.answer(self._wrist.now_ms(), nonce, tapped=tapped)
            await self._device.indicate_subscriber(link, self._challenge, answer)

    # --- update ---

    def _manage(self, link: Connection, packet: bytes) -> None:
        answer = None if self._smp is None else self._smp.told(bytes(packet))
        if answer is not None:
            self._work[link.handle] = self._spawn(self._tell_managed(link, answer))

    async def _tell_managed(self, link: Connection, answer: bytes) -> None:
        at_once = link.att_mtu - 3
        try:
            for at in range(0, len(answer), at_once):
                await self._device.notify_subscriber(link, self._update, answer[at : at + at_once])
        finally:  # also when the peer left with its wish
            if self._smp is not None and self._smp.wants_reset:
                self._smp.wants_reset = False
                asyncio.get_running_loop().call_later(_LAST_WORD_S, self._wrist.reset)

    # --- plumbing ---

    @property
    def _band(self) -> Band:
        band = self._wrist.band
        if band is None:
            raise att.ATT_Error(_BUSY)
        return band

    def _characteristic(
        self,
        uuid: str,
        properties: Characteristic.Properties,
        *,
        read: Callable[[Connection], bytes] | None = None,
        write: Callable[[Connection, bytes], None] | None = None,
        open_: bool = False,
    ) -> Characteristic[bytes]:
        """Encrypted for all; and, but for an `open_` one, for those alone who have shown the access key."""

        def checked_read(link: Connection) -> bytes:
            self._check(link, open_=open_)
            return read(link) if read is not None else b""

        def checked_write(link: Connection, value: bytes) -> None:
            self._check(link, open_=open_)
            if write is not None:
                write(link, value)

        permissions = _M(0)
        if read is not None:
            permissions |= _M.READABLE | _M.READ_REQUIRES_ENCRYPTION
        if write is not None:
            permissions |= _M.WRITEABLE | _M.WRITE_REQUIRES_ENCRYPTION
        return Characteristic(
            UUID(uuid), properties, permissions, CharacteristicValue(read=checked_read, write=checked_write)
        )

    def _check(self, link: Connection, *, open_: bool) -> None:
        if not open_ and not self.lets_in(link):
            raise att.ATT_Error(att.ErrorCode.INSUFFICIENT_AUTHORIZATION)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(_done)
        return task


def _done(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()  # the link went while we spoke: the peer sees that for itself
