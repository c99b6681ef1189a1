"""One visit to a band over a connection: access, clock, challenges, leave to forget, history. See docs/band.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ancu.edge.link_ports import BandLink, LinkFailed
from ancu.models.band_facts import BandClock, ChallengeAnswered
from ancu.models.clock import Clock, to_ms
from ancu.models.commands import AskBand
from ancu.models.history import HEAD_BYTES, RECORD_BYTES, peek_head
from ancu.models.ids import BandNumber
from ancu.models.link import (
    ACCESS,
    CHALLENGE,
    CONTROL_POINT,
    ELAPSED_TIME,
    RECORDS,
    TICKS,
    ElapsedTime,
    Racp,
    access_proof,
    encode_elapsed,
    read_elapsed,
)

__all__ = ["RUN_RECORDS", "Fetched", "enter", "fetch", "forget", "put_challenge", "tell_time"]

RUN_RECORDS = 64  # in one fact: an hour, a kilobyte
_STILL_S = 10.0  # without a word in the middle of a transfer, the band is gone
_SET_MS = 500  # a clock that is less off than this is left alone
_SET_AGAIN_MS = 6 * 3_600_000  # and told anew so often, so that its drift is shared out between records
_TICKS_BYTES = 7
_BY_SEQUENCE = bytes((Racp.BY_SEQUENCE,))


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a transfer came to."""

    records: int
    newest: int  # sequence of the newest record that the band says it has


async def enter(link: BandLink, access_key: bytes) -> None:
    """Show the home's key; raises LinkFailed, `refused` where the band does not take it."""
    nonce = await link.read(ACCESS)
    await link.write(ACCESS, access_proof(access_key, nonce))


async def tell_time(link: BandLink, band: BandNumber, clock: Clock, *, trusted: bool, told_ms: int | None) -> BandClock:
    """Read the band's clock, and set it where it is off or unknown, if ours is `trusted`. `told_ms`: last set."""
    before = clock.monotonic()
    ticks = await link.read(TICKS)
    between = clock.monotonic()
    at_ms = to_ms(clock.now()) - round((between - before) * 500)
    if len(ticks) != _TICKS_BYTES:
        raise LinkFailed("ticks of another length", refused=True)
    said = read_elapsed(await link.read(ELAPSED_TIME))
    round_ms = round((clock.monotonic() - between) * 1000)
    now_ms = to_ms(clock.now())
    offset_ms = None if said is None or said.ticks else said.ms - (now_ms - round_ms // 2)
    stale = told_ms is None or now_ms - told_ms >= _SET_AGAIN_MS
    wrong = offset_ms is None or abs(offset_ms) > _SET_MS
    if sets := trusted and (wrong or stale):
        await link.write(ELAPSED_TIME, encode_elapsed(ElapsedTime(to_ms(clock.now()))))
    return BandClock(
        at_ms=at_ms,
        band=band,
        boot=ticks[0],
        ticks_ms=int.from_bytes(ticks[1:], "little"),
        offset_ms=offset_ms,
        round_ms=round((between - before) * 1000),
        set=sets,
    )


async def put_challenge(link: BandLink, ask: AskBand, clock: Clock) -> ChallengeAnswered:
    """Let the band answer, until the deadline. What goes wrong is part of the answer."""
    answered: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def told(answer: bytes) -> None:
        if not answered.done():
            answered.set_result(answer)

    def say(answer: bytes, why: str = "") -> ChallengeAnswered:
        return ChallengeAnswered(to_ms(clock.now()), ask.band, ask.challenge, answer, why)

    left_s = (ask.deadline_ms - to_ms(clock.now())) / 1000
    if left_s <= 0:
        return say(b"", "deadline")
    try:
        async with asyncio.timeout(left_s):
            await link.subscribe(CHALLENGE, told)
            await link.write(CHALLENGE, ask.nonce + bytes((ask.tap,)))
            return say(await answered)
    except TimeoutError:
        return say(b"", "deadline")
    except LinkFailed as error:
        return say(b"", "refused" if error.refused else "unreachable")


async def forget(link: BandLink, receipt: bytes) -> bool:
    """Give the band the server's leave to free records; whether it took it."""
    control = _Control(link)
    await control.subscribe()
    operand = _BY_SEQUENCE + receipt
    return await control.carry_out(bytes((Racp.DELETE, Racp.AT_MOST)) + operand, Racp.DELETE) == Racp.SUCCESS


async def fetch(link: BandLink, first: int, run: Callable[[bytes, bytes], None]) -> Fetched:
    """Have the records from `first` on told, and hand them on as (head, records) in runs; raises LinkFailed.

    A run is handed on when it is full, and at the end however that comes: what was told before the link broke counts.
    """
    control = _Control(link)
    await control.subscribe()
    taken = _Taken(run, control.heard)
    await link.subscribe(RECORDS, taken.told)
    command = bytes((Racp.REPORT, Racp.AT_LEAST)) + _BY_SEQUENCE + first.to_bytes(3, "little")
    try:
        code = await control.carry_out(command, Racp.REPORT)
    finally:
        taken.hand_on()
    if code not in (Racp.SUCCESS, Racp.NO_RECORDS):
        raise LinkFailed(f"the band refused with {code}", refused=True)
    return Fetched(taken.records, taken.newest)


class _Taken:
    """Notifications of a transfer: a head first, then whole records."""

    def __init__(self, run: Callable[[bytes, bytes], None], heard: Callable[[], None]) -> None:
        self.records, self.newest = 0, 0
        self._run, self._heard = run, heard
        self._head = b""
        self._held = bytearray()

    def told(self, value: bytes) -> None:
        self._heard()
        if not self._head:
            if len(value) == HEAD_BYTES:
                self._head, self.newest = value, peek_head(value).next - 1
            return
        self._held += value
        while len(self._held) >= RUN_RECORDS * RECORD_BYTES:
            self._hand(RUN_RECORDS * RECORD_BYTES)

    def hand_on(self) -> None:
        whole = len(self._held) // RECORD_BYTES * RECORD_BYTES
        if whole:
            self._hand(whole)

    def _hand(self, size: int) -> None:
        records = bytes(self._held[:size])
        del self._held[:size]
        self._run(self._head, records)
        self.records += size // RECORD_BYTES


class _Control:
    """The Record Access Control Point of a link: one procedure at a time."""

    def __init__(self, link: BandLink) -> None:
        self._link = link
        self._answers: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._sign = asyncio.Event()
        link.on_lost(lambda: self._answers.put_nowait(None))

    async def subscribe(self) -> None:
        await self._link.subscribe(CONTROL_POINT, self._answers.put_nowait)

    def heard(self) -> None:
        """A sign of life in the middle of a procedure."""
        self._sign.set()

    async def carry_out(self, command: bytes, opcode: int) -> int:
        """The response value of a procedure."""
        await self._link.write(CONTROL_POINT, command)
        while True:
            answer = await self._answer()
            if len(answer) == 4 and answer[0] == Racp.RESPONSE and answer[2] == opcode:
                return answer[3]

    async def _answer(self) -> bytes:
        while True:
            self._sign.clear()
            try:
                async with asyncio.timeout(_STILL_S):
                    answer = await self._answers.get()
            except TimeoutError:
                if self._sign.is_set():
                    continue
                raise LinkFailed("the band fell silent") from None
            if answer is None:
                raise LinkFailed("the link was lost")
            return answer
