declare module "idiomorph" {
  interface Options {
    morphStyle?: "innerHTML" | "outerHTML";
    ignoreActiveValue?: boolean;
    callbacks?: {
      afterNodeAdded?: (node: Node) => void;
      beforeAttributeUpdated?: (name: string, node: Element, change: "update" | "remove") => boolean;
    };
  }
  export const Idiomorph: { morph(old: Element, fresh: Element | string, options?: Options): Node[] };
}
