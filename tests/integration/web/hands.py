"""How somebody works a page: with a finger on a phone, or at a desk with the keyboard alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

MOST_TABS = 250
HAS_FOCUS = "element => element === document.activeElement"


class OutOfReach(AssertionError):
    """The keyboard does not lead there."""


class Hands(ABC):
    """`to` is a locator: what somebody sees, by its words."""

    def __init__(self, page: Any) -> None:
        self.page = page

    @abstractmethod
    async def press(self, to: Any) -> None:
        """A link, a button, or what opens and shuts."""

    @abstractmethod
    async def write(self, to: Any, text: str) -> None:
        """Into a field, in place of what is there."""

    @abstractmethod
    async def tick(self, to: Any) -> None:
        """One of several choices, or a box; `to` is its input."""

    @abstractmethod
    async def choose(self, to: Any, option: str) -> None:
        """An entry of a list that drops down."""


class Finger(Hands):
    async def press(self, to: Any) -> None:
        await to.tap()

    async def write(self, to: Any, text: str) -> None:
        await to.tap()
        await to.fill(text)

    async def tick(self, to: Any) -> None:
        await to.locator("xpath=ancestor::label").tap()

    async def choose(self, to: Any, option: str) -> None:
        await to.tap()
        await to.select_option(label=option)


class Keys(Hands):
    """No pointer at all: what Tab does not reach is not there."""

    async def press(self, to: Any) -> None:
        await self.reach(to)
        await self.page.keyboard.press("Enter")

    async def write(self, to: Any, text: str) -> None:
        await self.reach(to)
        await self.page.keyboard.press("ControlOrMeta+a")
        await self.page.keyboard.type(text)

    async def tick(self, to: Any) -> None:
        if await to.get_attribute("type") == "radio":
            await self._pick(to)
        else:
            await self.reach(to)
            await self.page.keyboard.press("Space")

    async def choose(self, to: Any, option: str) -> None:
        await self.reach(to)
        for _ in range(await to.locator("option").count()):
            if await to.locator("option:checked").inner_text() == option:
                return
            await self.page.keyboard.press("ArrowDown")
        raise OutOfReach(f"the arrow keys do not reach {option}")

    async def reach(self, to: Any) -> None:
        """Press Tab until it has the focus."""
        await to.wait_for()
        for _ in range(MOST_TABS):
            if await to.evaluate(HAS_FOCUS):
                return
            await self.page.keyboard.press("Tab")
        raise OutOfReach(f"the keyboard does not reach {to}")

    async def _pick(self, to: Any) -> None:
        """Tab leads to one of a group, an arrow key to the next of them."""
        await to.wait_for()
        group = self.page.locator(f"input[name={await to.get_attribute('name')}]:focus")
        for _ in range(MOST_TABS):
            if await group.count():
                break
            await self.page.keyboard.press("Tab")
        for _ in range(MOST_TABS):
            if await to.evaluate(HAS_FOCUS):
                await self.page.keyboard.press("Space")
                return
            await self.page.keyboard.press("ArrowDown")
        raise OutOfReach(f"the arrow keys do not reach {to}")
