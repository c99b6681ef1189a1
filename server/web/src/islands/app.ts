// The island of every page: the stream, acts through the outbox, the sheet, messages, keys. Pages work without it.
import { watchActs } from "../acts";
import { watchKeys } from "../keys";
import { watchOutbox } from "../outbox";
import { watchPicks } from "../picks";
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
keepTimes();
watchTouch();
