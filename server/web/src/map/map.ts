// The ward's map, on its page alone and only where the operator has given a PMTiles file: homes as marks over it, each a
// link, taken from the list of tiles below, which stays the whole truth for whoever sees no map.
import { LngLatBounds, Map as Canvas, Marker, addProtocol, setWorkerUrl } from "maplibre-gl";
import { PMTiles, Protocol, TileType } from "pmtiles";
import { styleOf } from "./style";

const CLOSEST = 16; // zoom: a house among its neighbours
const BESIDE_PX = 30; // homes at one place stand side by side

const place = document.getElementById("map");
if (place) void show(place).catch(() => fail(place));

async function show(place: HTMLElement): Promise<void> {
  const url = new URL(place.dataset.tiles ?? "", location.href).href;
  const protocol = new Protocol();
  const tiles = new PMTiles(url);
  protocol.add(tiles);
  addProtocol("pmtiles", protocol.tile);
  setWorkerUrl(new URL(place.dataset.worker ?? "", location.href).href);
  const [header, said] = [await tiles.getHeader(), (await tiles.getMetadata()) as { vector_layers?: { id: string }[]; attribution?: string }];
  const layers = header.tileType === TileType.Mvt ? (said.vector_layers ?? []).map(({ id }) => id) : undefined;
  const style = (): ReturnType<typeof styleOf> => {
    const shown = getComputedStyle(document.documentElement);
    return styleOf(`pmtiles://${url}`, layers, (name) => shown.getPropertyValue(name).trim());
  };
  const homes = [...document.querySelectorAll<HTMLElement>(".tile[data-lat]")];
  const all = new LngLatBounds();
  for (const home of homes) all.extend(at(home));
  const within = new LngLatBounds([header.minLon, header.minLat, header.maxLon, header.maxLat]);
  const map = new Canvas({
    container: place,
    style: style(),
    bounds: homes.length ? all : within,
    fitBoundsOptions: { padding: 48, maxZoom: CLOSEST },
    attributionControl: false, // said below the map, as text
    cooperativeGestures: true, // a thumb that scrolls the page is not caught
    dragRotate: false,
    pitchWithRotate: false,
    locale: {
      "Map.Title": place.dataset.label ?? "",
      "CooperativeGesturesHandler.WindowsHelpText": place.dataset.wheel ?? "",
      "CooperativeGesturesHandler.MacHelpText": place.dataset.wheelMac ?? "",
      "CooperativeGesturesHandler.MobileHelpText": place.dataset.fingers ?? "",
    },
  });
  map.touchZoomRotate.disableRotation();
  mark(map, homes);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById("map-closer")?.addEventListener("click", () => map.zoomIn({ animate: !still }));
  document.getElementById("map-farther")?.addEventListener("click", () => map.zoomOut({ animate: !still }));
  document.getElementById("map-whole")?.addEventListener("click", () =>
    map.fitBounds(homes.length ? all : within, { padding: 48, maxZoom: CLOSEST, animate: !still }));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => map.setStyle(style()));
  const credit = document.getElementById("map-credit");
  if (credit) credit.textContent = new DOMParser().parseFromString(said.attribution ?? "", "text/html").body.textContent;
  map.once("idle", () => { place.dataset.drawn = "yes"; });
}

/** A link for each home; homes at one place stand side by side. */
function mark(map: Canvas, homes: readonly HTMLElement[]): void {
  const beside = new Map<string, number>();
  for (const home of homes) {
    const link = home.querySelector("a");
    if (!link) continue;
    const key = `${home.dataset.lat},${home.dataset.lon}`;
    const before = beside.get(key) ?? 0;
    beside.set(key, before + 1);
    const sign = document.createElement("a");
    sign.className = `home home-${home.dataset.presence ?? ""} sev-edge-${home.dataset.severity ?? ""}`;
    sign.dataset.severity = home.dataset.severity ?? "";
    sign.href = link.href;
    sign.title = (home.textContent ?? "").replace(/\s+/g, " ").trim();
    sign.setAttribute("aria-label", [...home.children].map((part) => part.textContent?.trim() ?? "").join(", "));
    sign.textContent = home.dataset.severity ? "!" : (link.textContent ?? "").trim().split(" ").at(-1)?.charAt(0) ?? "";
    new Marker({ element: sign, offset: [before * BESIDE_PX, 0] }).setLngLat(at(home)).addTo(map);
  }
}

function at(home: HTMLElement): [number, number] {
  return [Number(home.dataset.lon), Number(home.dataset.lat)];
}

function fail(place: HTMLElement): void {
  place.hidden = true;
  for (const tool of document.querySelectorAll<HTMLElement>(".map-tools")) tool.hidden = true;
  const said = document.getElementById("map-failed");
  if (said) said.hidden = false;
}
