// Rooms and beds on a site's plan: drawn with the mouse, a finger, or the keyboard alone.
import { arrow, fill, follow, guard, noGestures, type Place, placeOf, shape, within } from "../svg";

interface Bed { id: string; name: string; x: number; y: number }
interface Room { id: string; name: string; x: number; y: number; width: number; height: number; beds: Bed[] }

const LEAST = 4;
const APART = 6; // between beds that are put down one after another
const form = document.getElementById("plan");
const svg = document.getElementById("floor");
if (form instanceof HTMLFormElement && svg instanceof SVGSVGElement) edit(form, svg);

function edit(form: HTMLFormElement, svg: SVGSVGElement): void {
  const words = form.dataset;
  const field = form.elements.namedItem("plan") as HTMLInputElement;
  const says = document.getElementById("plan-says") as HTMLElement;
  const panel = document.getElementById("room-panel") as HTMLElement;
  const roomName = document.getElementById("room-name") as HTMLInputElement;
  const bedList = document.getElementById("room-beds") as HTMLUListElement;
  const { width: wide, height: high } = svg.viewBox.baseVal;
  const rooms = JSON.parse(field.value) as Room[];
  const taken = new Set(JSON.parse(words.taken ?? "[]") as string[]);
  const watch = guard(form);
  noGestures(svg);
  let chosen: Room | null = null;
  let armed = false;

  const changed = (): void => { field.value = JSON.stringify(rooms); watch.touched(); draw(); };
  const fresh = (stem: string, used: string[]): string => {
    let number = 1;
    while (used.includes(`${stem}${number}`)) number++;
    return `${stem}${number}`;
  };
  const beds = (): Bed[] => rooms.flatMap((room) => room.beds);

  function arm(on: boolean): void {
    armed = on;
    form.querySelector("#add-room")?.setAttribute("aria-pressed", String(on));
    svg.classList.toggle("armed", on);
    says.textContent = on ? words.hint ?? "" : "";
  }

  function addRoom(x: number, y: number, width: number, height: number): void {
    const name = fresh(`${words.room ?? ""} `, rooms.map((room) => room.name));
    const room: Room = { id: fresh("r", rooms.map((one) => one.id)), name, x, y, width, height, beds: [] };
    rooms.push(room);
    arm(false);
    choose(room);
    changed();
    svg.querySelector<SVGElement>(`[data-at="${room.id}"]`)?.focus();
    says.textContent = fill(words.added, { name });
  }

  function addBed(room: Room): void {
    const across = Math.max(1, Math.floor((room.width - 4) / APART) + 1);
    const places = room.beds.map((bed) => `${bed.x},${bed.y}`);
    let index = 0;
    let place: Place = [0, 0];
    do {
      place = [within(room.x + 2 + (index % across) * APART, room.x, room.x + room.width), within(room.y + 5 + Math.floor(index / across) * APART, room.y, room.y + room.height)];
      index++;
    } while (places.includes(`${place[0]},${place[1]}`) && index < 400);
    const bed = { id: fresh("b", [...beds().map((one) => one.id), ...taken]), name: fresh("", beds().map((one) => one.name)), x: Math.round(place[0]), y: Math.round(place[1]) };
    room.beds.push(bed);
    changed();
    fillPanel();
    says.textContent = fill(words.bedAdded, { name: bed.name, room: room.name });
  }

  function removeRoom(room: Room): void {
    if (room.beds.some((bed) => taken.has(bed.id))) {
      says.textContent = words.occupied ?? "";
      return;
    }
    rooms.splice(rooms.indexOf(room), 1);
    choose(null);
    changed();
    says.textContent = fill(words.removed, { name: room.name });
    form.querySelector<HTMLElement>("#add-room")?.focus();
  }

  function move(room: Room, x: number, y: number): void {
    const [toX, toY] = [within(Math.round(x), 0, wide - room.width), within(Math.round(y), 0, high - room.height)];
    for (const bed of room.beds) { bed.x += toX - room.x; bed.y += toY - room.y; }
    [room.x, room.y] = [toX, toY];
    changed();
  }

  function resize(room: Room, width: number, height: number): void {
    room.width = within(Math.round(width), LEAST, wide - room.x);
    room.height = within(Math.round(height), LEAST, high - room.y);
    for (const bed of room.beds) {
      bed.x = within(bed.x, room.x, room.x + room.width);
      bed.y = within(bed.y, room.y, room.y + room.height);
    }
    changed();
  }

  function choose(room: Room | null): void {
    if (chosen === room) return;
    chosen = room;
    fillPanel();
    draw();
  }

  function fillPanel(): void {
    panel.hidden = !chosen;
    if (!chosen) return;
    const room = chosen;
    roomName.value = room.name;
    bedList.replaceChildren(...room.beds.map((bed) => {
      const item = (document.getElementById("bed-row") as HTMLTemplateElement).content.firstElementChild!.cloneNode(true) as HTMLLIElement;
      const name = item.querySelector<HTMLInputElement>(".name")!;
      name.value = bed.name;
      name.addEventListener("input", () => { bed.name = name.value; changed(); });
      const drop = item.querySelector<HTMLButtonElement>(".drop")!;
      drop.disabled = taken.has(bed.id);
      drop.addEventListener("click", () => {
        room.beds.splice(room.beds.indexOf(bed), 1);
        changed();
        fillPanel();
        document.getElementById("add-bed")?.focus();
      });
      return item;
    }));
  }

  function draw(): void {
    const focus = document.activeElement instanceof SVGElement ? document.activeElement.getAttribute("data-at") : null;
    svg.replaceChildren(...rooms.flatMap(roomShapes));
    if (focus) svg.querySelector<SVGElement>(`[data-at="${focus}"]`)?.focus();
  }

  function roomShapes(room: Room): SVGElement[] {
    const label = fill(words.roomIs, { name: room.name, beds: room.beds.length });
    const group = shape("g", { class: `room${room === chosen ? " on" : ""}`, tabindex: 0, role: "button", "aria-label": label, "data-at": room.id });
    const floor = shape("rect", { x: room.x, y: room.y, width: room.width, height: room.height, rx: 0.6 });
    const name = shape("text", { x: room.x + 1, y: room.y + 2.8, class: "room-name" });
    name.textContent = room.name;
    group.append(floor, name);
    floor.addEventListener("pointerdown", (event) => {
      if (armed) return;
      choose(room);
      const [px, py] = placeOf(svg, event);
      const [dx, dy] = [px - room.x, py - room.y];
      follow(svg, event, ([x, y]) => move(room, x - dx, y - dy));
      focusOn(room.id);
    });
    group.addEventListener("focus", () => choose(room));
    group.addEventListener("keydown", (event) => keyed(event, room));
    const parts: SVGElement[] = [group, ...room.beds.map((bed) => bedShape(room, bed))];
    if (room === chosen) {
      const grip = shape("rect", { x: room.x + room.width - 2, y: room.y + room.height - 2, width: 3, height: 3, rx: 0.6, class: "grip" });
      grip.addEventListener("pointerdown", (event) => {
        event.stopPropagation();
        follow(svg, event, ([x, y]) => resize(room, x - room.x, y - room.y));
      });
      parts.push(grip);
    }
    return parts;
  }

  function bedShape(room: Room, bed: Bed): SVGElement {
    const group = shape("g", { class: `bed${taken.has(bed.id) ? " held" : ""}` });
    const frame = shape("rect", { x: bed.x - 1.6, y: bed.y - 1.6, width: 3.2, height: 3.2, rx: 0.5 });
    const name = shape("text", { x: bed.x, y: bed.y + 0.7, class: "bed-name" });
    name.textContent = bed.name;
    group.append(frame, name);
    group.addEventListener("pointerdown", (event) => {
      if (armed) return;
      event.stopPropagation();
      choose(room);
      follow(svg, event, ([x, y]) => {
        bed.x = within(Math.round(x), room.x, room.x + room.width);
        bed.y = within(Math.round(y), room.y, room.y + room.height);
        changed();
      });
    });
    return group;
  }

  function focusOn(id: string): void { svg.querySelector<SVGElement>(`[data-at="${id}"]`)?.focus(); }

  function keyed(event: KeyboardEvent, room: Room): void {
    const way = arrow(event);
    if (way) {
      event.preventDefault();
      if (event.shiftKey) resize(room, room.width + way[0], room.height + way[1]);
      else move(room, room.x + way[0], room.y + way[1]);
    } else if (event.key === "Delete") {
      event.preventDefault();
      removeRoom(room);
    }
  }

  form.querySelector("#add-room")?.addEventListener("click", (event) => {
    // A click that no pointer made is the keyboard's: the room is put where there is space.
    if ((event as MouseEvent).detail === 0) addRoom(...space(rooms, wide, high));
    else arm(!armed);
  });
  document.getElementById("add-bed")?.addEventListener("click", () => { if (chosen) addBed(chosen); });
  document.getElementById("drop-room")?.addEventListener("click", () => { if (chosen) removeRoom(chosen); });
  roomName.addEventListener("input", () => { if (chosen) { chosen.name = roomName.value; changed(); } });
  svg.addEventListener("pointerdown", (event) => {
    if (!armed) {
      if (event.target === svg) choose(null);
      return;
    }
    const from = placeOf(svg, event);
    const ghost = shape("rect", { class: "ghost" });
    svg.append(ghost);
    const drawn = (to: Place): [number, number, number, number] => {
      const [x, y] = [within(Math.round(Math.min(from[0], to[0])), 0, wide - LEAST), within(Math.round(Math.min(from[1], to[1])), 0, high - LEAST)];
      return [x, y, within(Math.round(Math.abs(to[0] - from[0])), LEAST, wide - x), within(Math.round(Math.abs(to[1] - from[1])), LEAST, high - y)];
    };
    follow(svg, event, (to) => {
      const [x, y, width, height] = drawn(to);
      for (const [key, value] of Object.entries({ x, y, width, height })) ghost.setAttribute(key, String(value));
    }, (to) => {
      ghost.remove();
      addRoom(...drawn(to));
    });
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && armed) arm(false); });
  form.hidden = false;
  draw();
}

/** A place for a room of the usual size that no other room covers; the corner where there is none. */
function space(rooms: Room[], wide: number, high: number): [number, number, number, number] {
  const [width, height] = [24, 16];
  for (let y = 2; y + height <= high; y += height + 2) {
    for (let x = 2; x + width <= wide; x += width + 2) {
      const free = rooms.every((room) => x >= room.x + room.width || room.x >= x + width || y >= room.y + room.height || room.y >= y + height);
      if (free) return [x, y, width, height];
    }
  }
  return [0, 0, width, height];
}
