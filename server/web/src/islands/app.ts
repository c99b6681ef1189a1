// The island of every page: the stream's state, announcements, the sheet, messages. Pages work without it.
import { watchStream } from "../live";
import { watchSheet } from "../sheet";
import { keepTimes } from "../times";
import { watchTouch } from "../touch";

watchStream();
watchSheet();
keepTimes();
watchTouch();
