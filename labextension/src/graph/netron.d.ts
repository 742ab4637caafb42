/** What Netron's grapher.js and dagre.js put into the page around the bundle; reporting/netron.py brings them there. */
interface NetronEntry {
  content: string;
  tooltip?: string;
  on(event: 'click', listener: () => void): void;
}

interface NetronArguments {
  argument(name: string, value: string): { separator: string };
  add(argument: { separator: string }): void;
  on(event: 'click', listener: () => void): void;
}

declare class NetronNode {
  name: string;
  class?: string;
  x: number;
  y: number;
  width: number;
  height: number;
  element?: SVGGElement;
  header(): { add(id: string | null, classes: string[]): NetronEntry };
  list(): NetronArguments;
  select(): Element[];
  deselect(): void;
}

declare class NetronEdge {
  v: string;
  w: string;
  label?: string;
  constructor(from: NetronNode, to: NetronNode);
}

interface NetronLayout {
  type: string;
  nodes: object[];
  edges: object[];
  layout: object;
  state: object;
}

declare class NetronGraph {
  options: { direction: 'vertical' | 'horizontal' };
  width?: number;
  height?: number;
  originX?: number;
  originY?: number;
  constructor(compound: boolean);
  setNode(node: NetronNode): void;
  setEdge(edge: NetronEdge): void;
  build(document: Document, origin: Element): void;
  measure(): Promise<void>;
  layout(worker: { request(message: NetronLayout): Promise<NetronLayout> }): Promise<string>;
  update(): void;
}

declare const grapher: {
  Graph: typeof NetronGraph;
  Node: typeof NetronNode;
  Edge: typeof NetronEdge;
};

declare const dagre: {
  layout(nodes: object[], edges: object[], layout: object, state: object): void;
};
