// The island of every page: the stream, acts through the outbox, the sheet, messages, keys. Pages work without it.
import { watchActs } from "../acts";
import { watchKeys } from "../keys";
import { watchOffline } from "../offline";
import { watchOutbox } from "../outbox";
import { watchPicks } from "../picks";
import { watchPush } from "../push";
import { watchHands } from "../quiet";
import { watchRows } from "../rows";
import { watchSheet } from "../sheet";
import { watchSound } from "../sound";
import { watchStream } from "../stream";
import { keepTimes } from "../times";
import { watchTouch } from "../touch";

watchHands();
watchActs();
watchRows();
watchPicks();
watchSheet();
watchStream();
watchSound();
watchKeys();
watchOutbox();
watchOffline();
void watchPush();
keepTimes();
watchTouch();
// On a phone the tab of this page may lie beyond the edge.
const tab = document.querySelector<HTMLElement>(".tabs [aria-current]");
if (tab?.parentElement) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.clientWidth / 2 + tab.clientWidth / 2;
