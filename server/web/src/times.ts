/** Keep "5 minutes ago" true while the page is open. */
export function keepTimes(): void {
  const lang = document.documentElement.lang;
  const words = new Intl.RelativeTimeFormat(lang, { numeric: "always" });
  window.setInterval(() => {
    for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
      const seconds = (Date.now() - Date.parse(element.dateTime)) / 1000;
      if (seconds < 60 || Number.isNaN(seconds)) continue;
      const minutes = Math.round(seconds / 60);
      if (minutes < 90) element.textContent = words.format(-minutes, "minute");
      else if (minutes < 36 * 60) element.textContent = words.format(-Math.round(minutes / 60), "hour");
      else element.textContent = words.format(-Math.round(minutes / 1440), "day");
    }
  }, 20_000);
}
