const EVERY_MS = 20_000;
const AT_ONCE = 200; // a list may hold thousands: they are kept true a few at a time, so that a finger is not held up

/** Keep "5 minutes ago" true while the page is open. */
export function keepTimes(): void {
  const words = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
  const keep = (elements: HTMLTimeElement[]): void => {
    for (const element of elements.splice(0, AT_ONCE)) {
      const text = ago(words, (Date.now() - Date.parse(element.dateTime)) / 1000);
      if (text && element.textContent !== text) element.textContent = text;
    }
    window.setTimeout(() => keep(elements.length ? elements : [...document.querySelectorAll<HTMLTimeElement>("time[data-ago]")]), elements.length ? 0 : EVERY_MS);
  };
  keep([]);
}

function ago(words: Intl.RelativeTimeFormat, seconds: number): string {
  if (seconds < 60 || Number.isNaN(seconds)) return "";
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return words.format(-minutes, "minute");
  if (minutes < 36 * 60) return words.format(-Math.round(minutes / 60), "hour");
  return words.format(-Math.round(minutes / 1440), "day");
}
