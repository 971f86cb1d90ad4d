"""Draws how the loss went, as an SVG: a line for each run.

    python curve.py --csv loss.csv --out loss.svg [$DATA/starter.pt.jsonl $DATA/decay.pt.jsonl]

The logs beside checkpoints are added to the .csv, where runs outlive their machines, and what is there is drawn.

The loss is in nats a token, weighted as in data.py; while the rate decays, other shares and weights hold, so that the lines do
not meet exactly.
"""

import argparse
import csv
import json
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 720, 360, 48, 16, 40
LOSS_MAX = 5.0
"""A loss begins at ln(8192) = 9: what is interesting lies far below."""
MEAN_TOKENS = 500_000
"""A batch's own loss says more about the batch than about the model."""
ROW_TOKENS = 250_000
"""A row of the .csv for so many."""
COLOURS = ["#0969da", "#bc4c00", "#1a7f37", "#8250df"]


def smoothed(points):
    """[(tokens, loss)] with an exponential mean over MEAN_TOKENS."""
    mean, before, result = None, 0, []
    for tokens, loss in points:
        share = min(1.0, (tokens - before) / MEAN_TOKENS) if mean is not None else 1.0
        mean = loss if mean is None else mean + share * (loss - mean)
        before = tokens
        result.append((tokens, mean))
    return result


def read_log(path):
    """[(tokens, loss)]; a run that was stopped and went on from an earlier step has written some steps twice: the last counts."""
    steps = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        steps[entry["tokens"]] = entry["loss"]
    return sorted(steps.items())


def draw(logs):
    """An SVG of {name: [(tokens, loss)]}."""
    tokens_max = max(points[-1][0] for points in logs.values())
    loss_min = min(loss for points in logs.values() for _, loss in points)
    low = int(loss_min * 2) / 2
    x = lambda tokens: LEFT + tokens / tokens_max * (WIDTH - LEFT - 16)
    y = lambda loss: TOP + (LOSS_MAX - min(loss, LOSS_MAX)) / (LOSS_MAX - low) * (HEIGHT - TOP - BOTTOM)
    text = 'font-family="system-ui, sans-serif" font-size="12" fill="#1f2328"'
    parts = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>']
    loss = low
    while loss <= LOSS_MAX:
        parts.append(f'<path d="M{LEFT} {y(loss):.1f}H{WIDTH - 16}" stroke="#d1d9e0" stroke-width="0.5"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y(loss) + 4:.1f}" text-anchor="end" {text}>{loss:.1f}</text>')
        loss += 0.5
    for millions in range(0, int(tokens_max / 1e6) + 1, 5):
        parts.append(f'<text x="{x(millions * 1e6):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" {text}>{millions}</text>')
    parts.append(f'<text x="{(WIDTH + LEFT) / 2}" y="{HEIGHT - 6}" text-anchor="middle" {text}>million tokens; nats a token upwards</text>')
    for at, (name, points) in enumerate(logs.items()):
        line = " ".join(f"{x(tokens):.1f},{y(loss):.1f}" for tokens, loss in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{COLOURS[at % len(COLOURS)]}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{WIDTH - 20}" y="{TOP + 16 + 18 * at}" text-anchor="end" {text.replace("#1f2328", COLOURS[at % len(COLOURS)])}>{name}</text>'
        )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Loss by tokens">\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def read_csv(path):
    """{run: [(million tokens, loss)]}, or nothing where there is no such file."""
    runs = {}
    if path.exists():
        with open(path, newline="") as f:
            for row in csv.DictReader(f):
                runs.setdefault(row["run"], []).append((float(row["million_tokens"]), float(row["loss"])))
    return runs


def write_csv(path, runs):
    with open(path, "w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["run", "million_tokens", "loss"])
        writer.writerows([name, f"{tokens:.2f}", f"{loss:.3f}"] for name, points in runs.items() for tokens, loss in points)


def thinned(points):
    """[(million tokens, loss)] of [(tokens, loss)]: the first of each ROW_TOKENS, and the last."""
    kept = [point for at, point in enumerate(points) if at == 0 or point[0] // ROW_TOKENS > points[at - 1][0] // ROW_TOKENS]
    return [(tokens / 1e6, loss) for tokens, loss in dict.fromkeys([*kept, points[-1]])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path, nargs="*")
    parser.add_argument("--csv", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    names = {"starter.pt": "constant rate", "decay.pt": "decay, as exported"}
    runs = read_csv(arguments.csv)
    runs |= {names.get(log.stem, log.stem): thinned(smoothed(read_log(log))) for log in arguments.logs}
    write_csv(arguments.csv, runs)
    rounded = read_csv(arguments.csv)
    arguments.out.write_text(draw({name: [(tokens * 1e6, loss) for tokens, loss in points] for name, points in rounded.items()}))


if __name__ == "__main__":
    main()
