// What the editors share: SVG elements, and where a pointer is in a picture's own measure.
export type Place = [number, number];

export function shape<K extends keyof SVGElementTagNameMap>(
  name: K, attributes: Record<string, string | number>,
): SVGElementTagNameMap[K] {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** The pointer's place in the viewBox of a drawing. */
export function placeOf(svg: SVGSVGElement, event: PointerEvent): Place {
  const matrix = svg.getScreenCTM();
  if (!matrix) return [0, 0];
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
  return [point.x, point.y];
}

export function within(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

const ARROWS: Record<string, Place> = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

/** Which way an arrow key points, or nothing. */
export function arrow(event: KeyboardEvent): Place | undefined {
  return event.altKey || event.ctrlKey || event.metaKey ? undefined : ARROWS[event.key];
}

/** Keep a finger's strokes from becoming gestures of the browser: the fling after a stroke would swallow the next tap. */
export function noGestures(svg: SVGSVGElement): void {
  svg.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
}

/** Follow a pointer from where it went down until it is let go. */
export function follow(svg: SVGSVGElement, event: PointerEvent, move: (at: Place) => void, done?: (at: Place) => void): void {
  event.preventDefault();
  svg.setPointerCapture(event.pointerId);
  const moved = (next: PointerEvent): void => { if (next.pointerId === event.pointerId) move(placeOf(svg, next)); };
  const ended = (next: PointerEvent): void => {
    if (next.pointerId !== event.pointerId) return;
    svg.removeEventListener("pointermove", moved);
    svg.removeEventListener("pointerup", ended);
    svg.removeEventListener("pointercancel", ended);
    done?.(placeOf(svg, next));
  };
  svg.addEventListener("pointermove", moved);
  svg.addEventListener("pointerup", ended);
  svg.addEventListener("pointercancel", ended);
}

/** Fill {name} in words that the page brought. */
export function fill(words: string | undefined, values: Record<string, string | number>): string {
  return (words ?? "").replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** Warn before what was drawn is lost; `saved` when the form is sent. */
export function guard(form: HTMLFormElement): { touched(): void } {
  let changed = false;
  form.addEventListener("submit", () => { changed = false; });
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  return { touched: () => { changed = true; } };
}
