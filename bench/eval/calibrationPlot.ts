/** An SVG of how far joint probabilities can be trusted, and of what a threshold costs; on white, so that any page may show it. */

export interface Curve {
  readonly name: string;
  /** Parts of 1: what the model says, and how often it is right. */
  readonly reliability: readonly { readonly said: number; readonly right: number }[];
  /** Parts of 1, from the least threshold on: how often something is shown, and how much of it is right. */
  readonly precision: readonly { readonly shown: number; readonly right: number; readonly level?: string }[];
}

const SIDE = 300;
const MARGIN = { left: 56, top: 36, bottom: 48, between: 84, right: 28 };
const HEIGHT = MARGIN.top + SIDE + MARGIN.bottom + 20;
const LEGEND_Y = HEIGHT - 10;
const COLORS = ["#0969da", "#bc4c00", "#1a7f37"];
const FONT = 'font-family="system-ui, sans-serif" font-size="12"';
const TEXT = `${FONT} fill="#1f2328"`;

/** Levels are told by their shapes: names beside the points would lie over one another. */
const SHAPES = ["m-5 4 5-9 5 9z", "m-4-4h8v8h-8z", "m0-6 6 6-6 6-6-6z"];
const SMALL_RADIUS = 2.5;

interface Point {
  readonly x: number;
  readonly y: number;
  /** Index of a shape; otherwise a small dot. */
  readonly shape?: number | undefined;
}

const round = (value: number): number => Math.round(10 * value) / 10;

function mark({ x, y, shape }: Point, color: string): string {
  const path = shape === undefined ? undefined : SHAPES[shape % SHAPES.length];
  return path === undefined
    ? `<circle cx="${x}" cy="${y}" r="${SMALL_RADIUS}" fill="${color}"/>`
    : `<path d="M${x} ${y}${path}" fill="${color}" stroke="#fff"/>`;
}

/** Axes from 0 to 1. */
class Panel {
  readonly #left: number;

  constructor(index: number) {
    this.#left = MARGIN.left + index * (SIDE + MARGIN.between);
  }

  frame(title: string, xName: string, yName: string): string {
    const [left, top, bottom] = [this.#left, MARGIN.top, MARGIN.top + SIDE];
    const ticks = [0, 0.25, 0.5, 0.75, 1].map((tick) => {
      const { x, y } = this.#at({ x: tick, y: tick });
      const name = `${String(100 * tick)} %`;
      return (
        `<path d="M${left} ${y}H${left + SIDE}M${x} ${top}V${bottom}" stroke="#d1d9e0" stroke-width="0.5"/>` +
        `<text x="${left - 6}" y="${y + 4}" text-anchor="end" ${TEXT}>${name}</text>` +
        `<text x="${x}" y="${bottom + 16}" text-anchor="middle" ${TEXT}>${name}</text>`
      );
    });
    const middle = left + SIDE / 2;
    return (
      ticks.join("") +
      `<text x="${middle}" y="${top - 14}" text-anchor="middle" font-weight="600" ${TEXT}>${title}</text>` +
      `<text x="${middle}" y="${bottom + 36}" text-anchor="middle" ${TEXT}>${xName}</text>` +
      `<text x="${left - 44}" y="${top + SIDE / 2}" text-anchor="middle" ${TEXT} ` +
      `transform="rotate(-90 ${left - 44} ${top + SIDE / 2})">${yName}</text>`
    );
  }

  line(points: readonly Point[], color: string, dashed = false): string {
    const path = points.map((point, i) => `${i === 0 ? "M" : "L"}${this.#text(point)}`).join("");
    const dash = dashed ? ' stroke-dasharray="4 4"' : "";
    return `<path d="${path}" fill="none" stroke="${color}" stroke-width="1.5"${dash}/>`;
  }

  dots(points: readonly Point[], color: string): string {
    return points.map((point) => mark({ ...this.#at(point), shape: point.shape }, color)).join("");
  }

  /** Below the panel: what marks stand for. */
  legend(entries: readonly { readonly name: string; readonly color: string; readonly shape?: number }[]): string {
    return entries
      .map(({ name, color, shape }, i) => {
        const x = round(this.#left + (i * SIDE) / Math.max(1, entries.length));
        return (
          mark({ x, y: LEGEND_Y, shape }, color) + `<text x="${x + 10}" y="${LEGEND_Y + 4}" ${TEXT}>${name}</text>`
        );
      })
      .join("");
  }

  #at({ x, y }: Point): { x: number; y: number } {
    return { x: round(this.#left + x * SIDE), y: round(MARGIN.top + (1 - y) * SIDE) };
  }

  #text(point: Point): string {
    const { x, y } = this.#at(point);
    return `${x} ${y}`;
  }
}

export function calibrationPlot(curves: readonly Curve[]): string {
  const [reliability, precision] = [new Panel(0), new Panel(1)];
  const width = MARGIN.left + 2 * SIDE + MARGIN.between + MARGIN.right;
  const diagonal = reliability.line(
    [
      { x: 0, y: 0 },
      { x: 1, y: 1 },
    ],
    "#59636e",
    true,
  );
  const colorOf = (i: number): string => COLORS[i % COLORS.length] ?? "#000";
  // From the least sure on, as the curves have them.
  const levels = [...new Set(curves.flatMap(({ precision }) => precision.flatMap(({ level }) => level ?? [])))];
  const drawn = curves.map((curve, i) => {
    const said = curve.reliability.map(({ said, right }) => ({ x: said, y: right }));
    const shown = curve.precision.map(({ shown, right, level }) => ({
      x: shown,
      y: right,
      shape: level === undefined ? undefined : levels.indexOf(level),
    }));
    const color = colorOf(i);
    return (
      `<g>${reliability.line(said, color)}${reliability.dots(said, color)}` +
      `${precision.line(shown, color)}${precision.dots(shown, color)}</g>`
    );
  });
  const legends =
    reliability.legend(curves.map(({ name }, i) => ({ name, color: colorOf(i) }))) +
    precision.legend(levels.map((name, shape) => ({ name, color: "#59636e", shape })));
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="Calibration">\n` +
    `<rect width="${width}" height="${HEIGHT}" fill="#fff"/>\n` +
    `${reliability.frame("Can the probability be trusted?", "joint probability", "of runs right")}\n${diagonal}\n` +
    `${precision.frame("What a threshold costs", "places where something is shown", "of it right")}\n` +
    `${drawn.join("\n")}\n${legends}\n</svg>\n`
  );
}
