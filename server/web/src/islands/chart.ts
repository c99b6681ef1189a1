// The island of a person's page: four small charts of the last day that share one cursor.
import type uPlotType from "uplot";

declare const uPlot: typeof uPlotType;
interface Point { at: string; heart_bpm: number | null; spo2_percent: number | null; skin_c: number | null; battery_percent: number | null; heard: number }
type Measure = "heart_bpm" | "spo2_percent" | "skin_c" | "battery_percent";
const MEASURES: readonly [Measure, string, [number, number]][] = [
  ["heart_bpm", "heart", [40, 130]],
  ["spo2_percent", "spo2", [88, 100]],
  ["skin_c", "skin", [30, 40]],
  ["battery_percent", "battery", [0, 100]],
];
const NOTHING = { heart_bpm: null, spo2_percent: null, skin_c: null, battery_percent: null, heard: 0 };
const EVERY_S = 300;
const CLOSE_EVERY_S = 30;
const FEW = 24; // two hours: a day's axis would show them as a speck at its end
const ZONE_MIN = 420; // Vietnam; no summer time since 1975, and a look into the time zone data is slow

const place = document.querySelector<HTMLElement>("[data-chart]");
if (place) void draw(place);

async function draw(place: HTMLElement): Promise<void> {
  let points = await ask(place.dataset.band ?? "", EVERY_S);
  const first = points?.find((point) => point.heard);
  const young = points !== undefined && first !== undefined && points.filter((point) => point.heard).length < FEW
    && Date.now() - Date.parse(first.at) < FEW * EVERY_S * 1000;
  if (young) points = await ask(place.dataset.band ?? "", CLOSE_EVERY_S, first.at);
  if (!points) { place.textContent = place.dataset.failed ?? ""; return; }
  paint(place, points, young ? Date.parse(first.at) / 1000 : Date.now() / 1000 - 86_400);
}

/** The series with its gaps: a bucket without a reading is not in the answer, and a line must not run across it. */
async function ask(band: string, every: number, from?: string): Promise<Point[] | undefined> {
  const query = new URLSearchParams({ band, every: String(every), ...(from === undefined ? {} : { from }) });
  const answer = await fetch(`/api/v1/readings?${query}`).catch(() => undefined);
  if (!answer?.ok) return undefined;
  const { points, every_s } = (await answer.json()) as { points: Point[]; every_s: number };
  return points.flatMap((point, index) => {
    const next = points[index + 1];
    const after = Date.parse(point.at) + every_s * 1000;
    if (!next || Date.parse(next.at) - after < every_s * 500) return [point];
    return [point, { ...NOTHING, at: new Date(after).toISOString() }];
  });
}

function paint(place: HTMLElement, points: Point[], start: number): void {
  let drawing = new AbortController();
  build(place, points, start, drawing.signal);
  const again = (): void => {
    drawing.abort();
    drawing = new AbortController();
    place.replaceChildren();
    build(place, points, start, drawing.signal);
  };
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  let wide = place.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(place.clientWidth - wide) < 8) return;
    wide = place.clientWidth;
    again();
  }).observe(place);
}

/** A date whose local hours are Vietnam's. */
function inVietnam(seconds: number): Date {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() + (ZONE_MIN + at.getTimezoneOffset()) * 60_000);
}

/** Each chart in a task of its own: four at once hold up a finger that wants to scroll. */
function build(place: HTMLElement, points: Point[], start: number, until: AbortSignal): void {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const times = points.map((point) => Date.parse(point.at) / 1000);
  const now = Date.now() / 1000;
  const figures = MEASURES.map(([, name]) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = place.dataset[name] ?? "";
    figure.append(caption);
    return figure;
  });
  place.append(...figures);
  const width = Math.max(200, figures[0]?.clientWidth ?? 0);
  const drawOne = (index: number): void => {
    const [figure, wanted] = [figures[index], MEASURES[index]];
    if (until.aborted || !figure || !wanted) return;
    const [measure, name, span] = wanted;
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const options: uPlotType.Options = {
      width,
      height: 150,
      tzDate: inVietnam,
      cursor: { sync: { key: "day" }, y: false },
      legend: { show: false },
      scales: { x: { min: start, max: Math.max(now, start + 600) }, y: { range: (_, low, high) => [Math.min(span[0], low ?? span[0]), Math.max(span[1], high ?? span[1])] } },
      series: [{}, { stroke: colour(`--chart-${name}`), width: 2, spanGaps: false, points: { show: points.length < 300, size: 4 } }],
      axes: [{ ...axis, values: "{HH}:{mm}", space: 56, size: 26 }, { ...axis, size: 40 }],
    };
    // A gap is shown as a gap: nothing was said there, so nothing is drawn.
    const values = points.map((point) => (point.heard ? point[measure] : null));
    const chart = new uPlot(options, [times, values], figure);
    until.addEventListener("abort", () => chart.destroy());
    window.setTimeout(drawOne, 0, index + 1);
  };
  window.setTimeout(drawOne, 0, 0);
}
