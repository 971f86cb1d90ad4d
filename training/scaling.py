"""What more tokens would bring: fits loss = floor + scale · tokens^-power to a run at a constant rate, and says what it is at others.

    python scaling.py --csv loss.csv --run "constant rate" --bits 42.1 0.966 --at 84 150 209

A run that is short for what it is asked about leaves the floor open, so the answer is a span: of all floors whose fit is at most
TOLERANCE worse than the best one's, the lowest and the highest. `--bits` is one measured pair of million tokens and bits a byte of a
decayed export; bits are taken to shrink in the proportion in which the loss does.
"""

import argparse
from pathlib import Path

import numpy as np

import curve

TOLERANCE = 1.05  # of the mean squared error


def fit(points, floor):
    """(scale, power, mean squared error) of loss = floor + scale · tokens^-power, by logarithms; points: [(tokens, loss)]."""
    tokens, loss = np.array(points).T
    power, scale = np.polyfit(np.log(tokens), np.log(loss - floor), 1)
    scale = float(np.exp(scale))
    error = loss - floor - scale * tokens**power
    return scale, float(-power), float(np.mean(error**2))


def likely_fits(points):
    """[(floor, scale, power)] of all floors that fit about as well as the best one."""
    floors = np.linspace(0, 0.98 * min(loss for _, loss in points), 99)
    fits = [(float(floor), *fit(points, floor)) for floor in floors]
    best = min(error for *_, error in fits)
    return [found for *found, error in fits if error <= TOLERANCE * best]


def loss_at(found, tokens):
    floor, scale, power = found
    return floor + scale * tokens**-power


def report(points, bits, at):
    """Markdown lines. bits: (million tokens, bits a byte) or None."""
    fits = likely_fits(points)
    lines = [f"| million tokens | loss |{' bits a byte |' if bits else ''}", f"|---:|---|{'---|' if bits else ''}"]
    for tokens in at:
        losses = sorted(loss_at(found, tokens) for found in fits)
        cells = f"| {tokens:g} | {losses[0]:.2f} to {losses[-1]:.2f} |"
        if bits:
            scores = sorted(bits[1] * loss_at(found, tokens) / loss_at(found, bits[0]) for found in fits)
            cells += f" {scores[0]:.2f} to {scores[-1]:.2f} |"
        lines.append(cells)
    floors, powers = [found[0] for found in fits], [found[2] for found in fits]
    lines += ["", f"Floors from {min(floors):.2f} to {max(floors):.2f}, powers from {min(powers):.2f} to {max(powers):.2f} fit about equally well."]
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--csv", type=Path, required=True, help="file of curve.py")
    parser.add_argument("--run", default="constant rate")
    parser.add_argument("--skip", type=float, default=12, help="million tokens at the beginning that are not fitted: another law holds there")
    parser.add_argument("--bits", type=float, nargs=2, metavar=("TOKENS", "BITS"), help="a measured pair, in millions and bits a byte")
    parser.add_argument("--at", type=float, nargs="+", default=[84, 150, 209], help="million tokens")
    arguments = parser.parse_args()
    points = [point for point in curve.read_csv(arguments.csv)[arguments.run] if point[0] >= arguments.skip]
    print("\n".join(report(points, arguments.bits, arguments.at)))


if __name__ == "__main__":
    main()
