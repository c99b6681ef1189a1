"""The demo's one screen: what to open, who may sign in, what happens next."""

from __future__ import annotations

import asyncio
import sys
import time

from ancu.server.cases.policy import Policy
from ancu.server.demo.chain import Chain
from ancu.server.demo.play import Play

__all__ = ["Screen"]

_REDRAW_S = 1.0
_CLEAR_LINE = "\r\x1b[K"


class Screen:
    """Plain lines on stderr, so that a pipe and a log read them too; on a terminal, a line that counts down below."""

    def __init__(self, chain: Chain, *, quiet: bool) -> None:
        self._chain = chain
        self._quiet = quiet
        self._began = time.monotonic()
        self._live = sys.stderr.isatty()

    def welcome(self, policy: Policy) -> None:
        self._line("An Cư demo: broker, gateway, server, homes and camera start on this machine.")
        self._line(f"Policy in force: {policy.label}. {policy.title}.")

    def ready(self, after_s: float) -> None:
        made = self._chain.made
        self._line("")
        self._line(f"Every band was heard {after_s:.1f} s after the start. Open   {self._chain.url}")
        for login in made.logins:
            whose = f"ward {login.ward}" if login.ward else "all wards"
            self._line(f"  sign in as {login.login:<5} password {login.password}   ({login.role}, {whose})")
        citizen = made.citizens[0]
        self._line(f"  a person's own page: {self._chain.url}/me   code {citizen.access_code}   (home 1)")
        self._line("")

    async def draw(self, play: Play) -> None:
        """Count down to the next scene, until cancelled."""
        while self._live:
            upcoming = play.next_scene()
            if upcoming is None:
                text = "The script is over; alerts stay in the inbox. Ctrl-C ends the demo."
            else:
                text = f"next, in {upcoming[1]:.0f} s: {upcoming[0].says}"
            print(f"{_CLEAR_LINE}{text}", end="", file=sys.stderr, flush=True)
            await asyncio.sleep(_REDRAW_S)

    def tell(self, what: str) -> None:
        self._line(f"{time.monotonic() - self._began:6.1f} s  {what}")

    def farewell(self) -> None:
        self._line("stopped; throw-away data and logins are gone unless --keep was given")

    def _line(self, text: str) -> None:
        if not self._quiet:
            print(f"{_CLEAR_LINE if self._live else ''}{text}", file=sys.stderr, flush=True)
