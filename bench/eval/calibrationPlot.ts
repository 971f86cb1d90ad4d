/** An SVG of how far joint probabilities can be trusted, and of what a threshold costs; on white, so that any page may show it. */

export interface Curve {
  readonly name: string;
  /** Parts of 1: what the model says, and how often it is right. */
  readonly reliability: readonly { readonly said: number; readonly right: number }[];
  /** Parts of 1, from the least threshold on: how often something is shown, and how much of it is right. */
  readonly precision: readonly { readonly shown: number; readonly right: number; readonly level?: string }[];
}

const SIDE = 300;
const MARGIN = { left: 56, top: 36, bottom: 48, between: 84, right: 16 };
const COLORS = ["#0969da", "#bc4c00", "#1a7f37"];
const FONT = 'font-family="system-ui, sans-serif" font-size="12"';
const TEXT = `${FONT} fill="#1f2328"`;

interface Point {
  readonly x: number;
  readonly y: number;
  readonly label?: string | undefined;
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
    return points
      .map((point) => {
        const { x, y } = this.#at(point);
        const label =
          point.label === undefined
            ? ""
            : `<text x="${x + 7}" y="${y - 6}" ${FONT} fill="${color}">${point.label}</text>`;
        return `<circle cx="${x}" cy="${y}" r="${point.label === undefined ? 2.5 : 4}" fill="${color}"/>${label}`;
      })
      .join("");
  }

  #at({ x, y }: Point): { x: number; y: number } {
    const round = (value: number): number => Math.round(10 * value) / 10;
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
  const height = MARGIN.top + SIDE + MARGIN.bottom + 20;
  const diagonal = reliability.line(
    [
      { x: 0, y: 0 },
      { x: 1, y: 1 },
    ],
    "#59636e",
    true,
  );
  const drawn = curves.map(({ name, reliability: points, precision: levels }, i) => {
    const color = COLORS[i % COLORS.length] ?? "#000";
    const said = points.map(({ said, right }) => ({ x: said, y: right }));
    const shown = levels.map(({ shown, right, level }) => ({ x: shown, y: right, label: level }));
    const legendX = MARGIN.left + i * 130;
    return (
      `<g>${reliability.line(said, color)}${reliability.dots(said, color)}` +
      `${precision.line(shown, color)}${precision.dots(shown, color)}` +
      `<circle cx="${legendX}" cy="${height - 10}" r="4" fill="${color}"/>` +
      `<text x="${legendX + 9}" y="${height - 6}" ${TEXT}>${name}</text></g>`
    );
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Calibration">\n` +
    `<rect width="${width}" height="${height}" fill="#fff"/>\n` +
    `${reliability.frame("Can the probability be trusted?", "joint probability", "right")}\n${diagonal}\n` +
    `${precision.frame("What a threshold costs", "places where something is shown", "of it right")}\n` +
    `${drawn.join("\n")}\n</svg>\n`
  );
}
