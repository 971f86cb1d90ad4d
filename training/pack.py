"""What travels to a GPU: `python pack.py --data DATA --out FOLDER` writes text, vocabulary and a wheel of the tokeniser there.

FOLDER/train.jsonl.xz holds as many documents of DATA/train.jsonl, which are in random order, as fit into --mebibytes.
`--join FOLDER` puts together what on-gpu.sh has brought back in parts.
"""

import argparse
import lzma
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MARGIN = 1 << 20  # bytes that the compressor may still hold back when it has written all but this


def compress(lines, path, limit):
    """Writes lines to an .xz file of at most `limit` bytes; returns how many there was room for."""
    compressor, count = lzma.LZMACompressor(preset=6), 0
    with open(path, "wb") as out:
        for line in lines:
            out.write(compressor.compress(line))
            count += 1
            if out.tell() > limit - MARGIN:
                break
        out.write(compressor.flush())
        if out.tell() > limit:
            raise ValueError(f"{path} has {out.tell()} bytes, allowed are {limit}")
    return count


def join(folder):
    """NAME from NAME.part00, NAME.part01, … in a folder; returns the names."""
    names = sorted({p.name.rsplit(".part", 1)[0] for p in folder.glob("*.part[0-9][0-9]")})
    for name in names:
        with open(folder / name, "wb") as out:
            for part in sorted(folder.glob(f"{name}.part[0-9][0-9]")):
                out.write(part.read_bytes())
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with train.jsonl and tokenizer.json")
    parser.add_argument("--out", type=Path, help="folder that travels; best one that git ignores")
    parser.add_argument("--mebibytes", type=float, default=44, help="size of the compressed text")
    parser.add_argument("--join", type=Path, help="folder with parts to put together")
    arguments = parser.parse_args()
    if arguments.join:
        print(*join(arguments.join))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    with open(arguments.data / "train.jsonl", "rb") as f:
        count = compress(f, arguments.out / "train.jsonl.xz", int(arguments.mebibytes * 2**20))
    shutil.copy(arguments.data / "tokenizer.json", arguments.out)
    wheel = next(line for line in (HERE / "requirements.txt").read_text().split() if line.startswith("tokenizers=="))
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "-d", arguments.out, wheel], check=True)
    size = sum(p.stat().st_size for p in arguments.out.iterdir())
    print(f"{count} documents, {size / 2**20:.1f} MiB in {arguments.out}")


if __name__ == "__main__":
    main()
