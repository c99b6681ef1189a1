// What the map looks like: drawn from the layers that the operator's file has, whichever common schema it follows
// (Protomaps, OpenMapTiles, or a plain one), in the page's own colours, with the reader's own fonts.
import type { LayerSpecification, StyleSpecification } from "maplibre-gl";

/** The names that a subject has in the common schemas. */
const NAMES = {
  land: ["earth", "land"],
  green: ["landuse", "landcover", "park"],
  water: ["water", "ocean"],
  buildings: ["buildings", "building"],
  roads: ["roads", "transportation", "road"],
  borders: ["boundaries", "boundary"],
  places: ["places", "place"],
} as const;
type Subject = keyof typeof NAMES;

export const SOURCE = "ward";

export function styleOf(url: string, layers: readonly string[] | undefined, colour: (name: string) => string): StyleSpecification {
  const background: LayerSpecification = { id: "background", type: "background", paint: { "background-color": colour("--sunk") } };
  if (layers === undefined) {
    return { version: 8, sources: { [SOURCE]: { type: "raster", url, tileSize: 256 } },
      layers: [background, { id: "picture", type: "raster", source: SOURCE }] };
  }
  const of = (subject: Subject, draw: (base: { id: string; source: string; "source-layer": string }) => LayerSpecification): LayerSpecification[] =>
    layers.filter((name) => (NAMES[subject] as readonly string[]).includes(name))
      .map((name) => draw({ id: `${subject}-${name}`, source: SOURCE, "source-layer": name }));
  const label = ["coalesce", ["get", "name:vi"], ["get", "name"]] as unknown as string;
  return {
    version: 8,
    sources: { [SOURCE]: { type: "vector", url } },
    layers: [
      background,
      ...of("land", (base) => ({ ...base, type: "fill", paint: { "fill-color": colour("--ground") } })),
      ...of("green", (base) => ({ ...base, type: "fill", paint: { "fill-color": colour("--tint"), "fill-opacity": 0.6 } })),
      ...of("water", (base) => ({ ...base, type: "fill", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour("--chart-spo2"), "fill-opacity": 0.3 } })),
      ...of("buildings", (base) => ({ ...base, type: "fill", minzoom: 14, paint: { "fill-color": colour("--line"), "fill-opacity": 0.7 } })),
      ...of("roads", (base) => ({ ...base, type: "line", paint: { "line-color": colour("--line"), "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], 8, 0.5, 18, 14] } })),
      ...of("borders", (base) => ({ ...base, type: "line", paint: { "line-color": colour("--soft"), "line-dasharray": [3, 2] } })),
      ...of("roads", (base) => ({ ...base, id: `${base.id}-names`, type: "symbol", minzoom: 14,
        layout: { "symbol-placement": "line", "text-field": label, "text-size": 11, "text-font": ["sans-serif"] },
        paint: { "text-color": colour("--soft"), "text-halo-color": colour("--paper"), "text-halo-width": 1.5 } })),
      ...of("places", (base) => ({ ...base, type: "symbol",
        layout: { "text-field": label, "text-size": 13, "text-font": ["sans-serif"] },
        paint: { "text-color": colour("--ink"), "text-halo-color": colour("--paper"), "text-halo-width": 1.5 } })),
    ],
  };
}
