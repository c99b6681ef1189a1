// Doors and zones drawn on a camera's picture: with the mouse, a finger, or the keyboard alone.
import { arrow, fill, follow, guard, noGestures, type Place, placeOf, shape, within } from "../svg";

type Kind = "line" | "area" | "zone";
interface Mark { kind: Kind; name: string; area: Place[]; side: "inside" | "outside"; inner: 1 | -1; watch: "forbidden" | "gathering" }
interface Door { name: string; area: Place[]; camera_side: "inside" | "outside"; inside: Place | null }
interface Zone { name: string; watch: "forbidden" | "gathering"; area: Place[] }

const WIDE = 1000;
const STEP = 0.01; // of the picture, for an arrow key; with Shift a fifth of it
const form = document.getElementById("drawing");
const svg = document.getElementById("stage");
if (form instanceof HTMLFormElement && svg instanceof SVGSVGElement) edit(form, svg);

function edit(form: HTMLFormElement, svg: SVGSVGElement): void {
  const words = form.dataset;
  const field = form.elements.namedItem("drawn") as HTMLInputElement;
  const list = document.getElementById("marks") as HTMLOListElement;
  const says = document.getElementById("drawing-says") as HTMLElement;
  const high = svg.viewBox.baseVal.height;
  const marks = read(field.value);
  const watch = guard(form);
  noGestures(svg);
  let chosen = -1;
  let tool: Kind | null = null;

  const at = (place: Place): Place => [place[0] * WIDE, place[1] * high];
  const back = (place: Place): Place => [within(place[0] / WIDE, 0, 1), within(place[1] / high, 0, 1)];
  const changed = (): void => { field.value = write(marks); watch.touched(); draw(); };

  function arm(kind: Kind | null): void {
    tool = kind;
    for (const button of form.querySelectorAll<HTMLButtonElement>("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === kind));
    }
    svg.classList.toggle("armed", kind !== null);
    says.textContent = kind ? words.hint ?? "" : "";
  }

  function add(kind: Kind, area: Place[]): void {
    const stem = kind === "zone" ? words.zone ?? "" : words.door ?? "";
    let number = 1;
    while (marks.some((mark) => mark.name === `${stem} ${number}`)) number++;
    marks.push({ kind, name: `${stem} ${number}`, area, side: "inside", inner: 1, watch: "forbidden" });
    chosen = marks.length - 1;
    arm(null);
    changed();
    rows();
    svg.querySelector<SVGElement>(".handle")?.focus();
    says.textContent = fill(words.added, { name: `${stem} ${number}` });
  }

  function draw(): void {
    const focus = document.activeElement instanceof SVGElement ? document.activeElement.getAttribute("data-at") : null;
    svg.replaceChildren(...marks.flatMap((mark, index) => body(mark, index)));
    const on = marks[chosen];
    if (on) svg.append(...handles(on, chosen));
    if (focus) svg.querySelector<SVGElement>(`[data-at="${focus}"]`)?.focus();
  }

  function body(mark: Mark, index: number): SVGElement[] {
    const points = mark.area.map(at);
    const path = points.map(([x, y]) => `${x},${y}`).join(" ");
    const kind = mark.kind === "zone" ? `zone-${mark.watch}` : "door";
    const drawn = mark.kind === "line"
      ? shape("polyline", { points: path, class: `drawn ${kind} line${index === chosen ? " on" : ""}` })
      : shape("polygon", { points: path, class: `drawn ${kind}${index === chosen ? " on" : ""}` });
    drawn.addEventListener("pointerdown", (event) => { if (!tool) grab(event, index); });
    const [x, y] = points.reduce<Place>(([ax, ay], [bx, by]) => [ax + bx / points.length, ay + by / points.length], [0, 0]);
    const label = shape("text", { x, y: mark.kind === "line" ? y - 24 : y, class: "mark-name" });
    label.textContent = mark.name;
    const parts: SVGElement[] = [drawn, label];
    if (mark.kind === "line") {
      const [ix, iy] = at(inner(mark, high / WIDE));
      parts.splice(1, 0, shape("line", { x1: x, y1: y, x2: ix, y2: iy, class: "inner" }), shape("circle", { cx: ix, cy: iy, r: 9, class: "inner-end" }));
    }
    return parts;
  }

  function handles(mark: Mark, index: number): SVGElement[] {
    return mark.area.map((place, corner) => {
      const [cx, cy] = at(place);
      const label = fill(words.corner, { name: mark.name, number: corner + 1, count: mark.area.length });
      const handle = shape("circle", { cx, cy, r: 16, class: "handle", tabindex: 0, role: "button", "aria-label": label, "data-at": `${index}-${corner}` });
      handle.addEventListener("pointerdown", (event) => {
        if (tool) return;
        event.stopPropagation();
        follow(svg, event, (to) => { mark.area[corner] = back(to); changed(); });
        handle.focus();
      });
      handle.addEventListener("keydown", (event) => keyed(event, mark, corner));
      return handle;
    });
  }

  function keyed(event: KeyboardEvent, mark: Mark, corner: number): void {
    const way = arrow(event);
    const place = mark.area[corner];
    if (way && place) {
      event.preventDefault();
      const step = event.shiftKey ? STEP / 5 : STEP;
      mark.area[corner] = [within(place[0] + way[0] * step, 0, 1), within(place[1] + way[1] * step, 0, 1)];
      changed();
    } else if (event.key === "Delete" && mark.kind !== "line" && mark.area.length > 3) {
      event.preventDefault();
      mark.area.splice(corner, 1);
      changed();
    } else if (event.key === "+" && mark.kind !== "line" && place) {
      event.preventDefault();
      const next = mark.area[(corner + 1) % mark.area.length] ?? place;
      mark.area.splice(corner + 1, 0, [(place[0] + next[0]) / 2, (place[1] + next[1]) / 2]);
      changed();
    }
  }

  function grab(event: PointerEvent, index: number): void {
    const mark = marks[index];
    if (!mark) return;
    choose(index);
    const from = back(placeOf(svg, event));
    const before = mark.area.map((place): Place => [...place]);
    follow(svg, event, (to) => {
      const [x, y] = back(to);
      const dx = fits(before.map((p) => p[0]), x - from[0]);
      const dy = fits(before.map((p) => p[1]), y - from[1]);
      mark.area = before.map(([px, py]): Place => [px + dx, py + dy]);
      changed();
    });
  }

  function choose(index: number): void {
    if (chosen === index) return;
    chosen = index;
    draw();
    for (const row of list.children) row.classList.toggle("on", Number((row as HTMLElement).dataset.index) === index);
  }

  function rows(): void {
    list.replaceChildren(...marks.map(row));
    const none = document.getElementById("no-marks");
    if (none) none.hidden = marks.length > 0;
  }

  function row(mark: Mark, index: number): HTMLLIElement {
    const item = (document.getElementById("mark-row") as HTMLTemplateElement).content.firstElementChild!.cloneNode(true) as HTMLLIElement;
    item.dataset.index = String(index);
    item.classList.toggle("on", index === chosen);
    const name = item.querySelector<HTMLInputElement>(".name")!;
    name.value = mark.name;
    name.addEventListener("input", () => { mark.name = name.value; changed(); });
    item.addEventListener("focusin", () => choose(index));
    item.querySelector(".what")!.textContent = { line: words.isLine, area: words.isArea, zone: words.isZone }[mark.kind] ?? "";
    const side = item.querySelector<HTMLSelectElement>(".side")!;
    side.hidden = mark.kind !== "area";
    side.value = mark.side;
    side.addEventListener("change", () => { mark.side = side.value as Mark["side"]; changed(); });
    const zone = item.querySelector<HTMLSelectElement>(".watch")!;
    zone.hidden = mark.kind !== "zone";
    zone.value = mark.watch;
    zone.addEventListener("change", () => { mark.watch = zone.value as Mark["watch"]; changed(); });
    const turn = item.querySelector<HTMLButtonElement>(".turn")!;
    turn.hidden = mark.kind !== "line";
    turn.addEventListener("click", () => { mark.inner = mark.inner === 1 ? -1 : 1; changed(); });
    item.querySelector(".drop")!.addEventListener("click", () => {
      marks.splice(index, 1);
      chosen = -1;
      changed();
      rows();
      says.textContent = fill(words.removed, { name: mark.name });
      form.querySelector<HTMLElement>("[data-tool]")?.focus();
    });
    return item;
  }

  for (const button of form.querySelectorAll<HTMLButtonElement>("[data-tool]")) {
    button.addEventListener("click", (event) => {
      const kind = button.dataset.tool as Kind;
      // A click that no pointer made is the keyboard's: what it would drag lies in the middle at once.
      if (event.detail === 0) add(kind, kind === "line" ? [[0.35, 0.5], [0.65, 0.5]] : box([0.35, 0.35], [0.65, 0.65]));
      else arm(tool === kind ? null : kind);
    });
  }
  svg.addEventListener("pointerdown", (event) => {
    const kind = tool;
    if (!kind) {
      if (event.target === svg) choose(-1);
      return;
    }
    const from = back(placeOf(svg, event));
    const ghost = shape(kind === "line" ? "polyline" : "polygon", { class: "ghost" });
    svg.append(ghost);
    const drawn = (to: Place): Place[] => (kind === "line" ? [from, back(to)] : box(from, back(to)));
    follow(svg, event, (to) => ghost.setAttribute("points", drawn(to).map(at).map(([x, y]) => `${x},${y}`).join(" ")), (to) => {
      ghost.remove();
      const end = back(to);
      if (Math.hypot(end[0] - from[0], end[1] - from[1]) > 0.03) add(kind, drawn(to));
    });
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && tool) arm(null); });
  form.hidden = false;
  rows();
  draw();
}

function read(text: string): Mark[] {
  const { doors, zones } = JSON.parse(text) as { doors: Door[]; zones: Zone[] };
  return [
    ...doors.map((door): Mark => {
      const kind = door.area.length === 2 ? "line" : "area";
      const [a, b] = door.area;
      const inside = door.inside;
      const inner = kind === "line" && inside && a && b && cross(a, b, inside) < 0 ? -1 : 1;
      return { kind, name: door.name, area: door.area, side: door.camera_side, inner, watch: "forbidden" };
    }),
    ...zones.map((zone): Mark => ({ kind: "zone", name: zone.name, area: zone.area, side: "inside", inner: 1, watch: zone.watch })),
  ];
}

function write(marks: Mark[]): string {
  const doors = marks.filter((mark) => mark.kind !== "zone").map((mark): Door => ({
    name: mark.name.trim(), area: mark.area.map(round), camera_side: mark.side, inside: mark.kind === "line" ? round(inner(mark, 1)) : null,
  }));
  const zones = marks.filter((mark) => mark.kind === "zone").map((mark): Zone => ({ name: mark.name.trim(), watch: mark.watch, area: mark.area.map(round) }));
  return JSON.stringify({ doors, zones });
}

/** A place on the inner side of a line, beside its middle; turned in where the picture ends. */
function inner(mark: Mark, ratio: number): Place {
  const [a, b] = mark.area;
  if (!a || !b) return [0, 0];
  const [dx, dy] = [b[0] - a[0], (b[1] - a[1]) * ratio];
  const long = Math.hypot(dx, dy) || 1;
  const middle: Place = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const away = (far: number): Place => [middle[0] - (dy / long) * far * mark.inner, middle[1] + ((dx / long) * far * mark.inner) / ratio];
  for (const far of [0.08, 0.04, 0.02]) {
    const place = away(far);
    if (place.every((value) => value >= 0 && value <= 1)) return place;
  }
  return away(0.02).map((value) => within(value, 0, 1)) as Place;
}

function cross(a: Place, b: Place, point: Place): number {
  return (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]);
}

function box(a: Place, b: Place): Place[] {
  const [x0, x1] = [Math.min(a[0], b[0]), Math.max(a[0], b[0])];
  const [y0, y1] = [Math.min(a[1], b[1]), Math.max(a[1], b[1])];
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

function fits(values: number[], by: number): number {
  return within(by, -Math.min(...values), 1 - Math.max(...values));
}

function round(place: Place): Place {
  return [Math.round(place[0] * 1e4) / 1e4, Math.round(place[1] * 1e4) / 1e4];
}
