"""An edge in a process of its own, so that it can be killed: hears 50 bands as fast as told, says what is durable."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

from ancu.edge.adapters.host import LinuxHost
from ancu.edge.adapters.mqtt import MqttUplink
from ancu.edge.agent import VERSION, Agent
from ancu.edge.config import BandsWatch, read_edge, read_edge_keys
from ancu.edge.journal import Journal
from ancu.edge.ports import Advert, Conversation, Radio
from ancu.edge.recorder import Recorder
from ancu.edge.sender import Sender
from ancu.edge.uplink import Send
from ancu.models.address import make_address
from ancu.models.clock import SystemClock

BANDS = 50


class ChattyRadio(Radio):
    """A new frame every 2 ms, the bands in turn; frame n has the counter n."""

    def __init__(self, first: int) -> None:
        self.count = first
        self._task: asyncio.Task[None] | None = None

    async def start(self, hear: Callable[[Advert], None], lost: Callable[[], None]) -> None:
        self._task = asyncio.create_task(self._chatter(hear))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _chatter(self, hear: Callable[[Advert], None]) -> None:
        while True:
            band = self.count % BANDS + 1
            body = b"\x41" + bytes(15) + self.count.to_bytes(4, "little") + bytes(4)
            hear(Advert(make_address(bytes([band]) * 16, 1), -60, body))
            self.count += 1
            await asyncio.sleep(0.002)


class PrunesOnPuback(Sender):
    """The known-bad control: believes the broker's acknowledgement."""

    async def _publish(self, conversation: Conversation, send: Send) -> None:
        await super()._publish(conversation, send)
        await self._recorder.prune(self._recorder.journal.epoch, send.lane, send.first + send.count - 1)


async def main(config: Path, first: int, *, bad: bool) -> None:
    settings = read_edge(config)
    clock = SystemClock()
    recorder = Recorder(Journal(settings.data / "journal.db", cap_records=100_000))
    radio = ChattyRadio(first)
    sender = PrunesOnPuback if bad else Sender
    agent = Agent(
        settings,
        bands=BandsWatch(settings.bands_file) if settings.bands_file else None,
        recorder=recorder,
        sender=sender(settings.edge_id, read_edge_keys(settings.key_file), recorder, clock),
        uplink=MqttUplink(settings.broker, settings.ward_code, settings.edge_id, settings.data, VERSION),
        radio=radio,
        host=LinuxHost(),
        clock=clock,
    )

    async def tell() -> None:
        while True:
            said = radio.count
            await recorder.flushed()
            print(said, flush=True)  # noqa: T201 - every frame below this is on the disk
            await asyncio.sleep(0.01)

    await asyncio.gather(agent.run(), tell())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), bad="bad" in sys.argv))
