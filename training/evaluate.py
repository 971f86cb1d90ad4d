"""Scores an exported file on the held-out packages: bits per byte, and exact match of the rest of a line.

Bits per byte: plain left-to-right text after its path header, windows of at most WINDOW_CHARS characters.
Exact match: greedy; the cursor stands at the start of a line's text (after its indentation) or inside the line; the answer is
right if, up to its first newline and without trailing blanks, it is the rest of that line.
"""

import argparse
import json
import math
import random
from collections import defaultdict
from pathlib import Path

import torch
import torch.nn.functional as F

import data
import tokenizer
from model import SmallThinker
from tokenizer import SPECIAL_ID
from train import read_weights

LANGUAGES = ["typescript", "javascript", "python", "rust", "go", "java", "c"]
WINDOWS_PER_LANGUAGE, WINDOW_CHARS = 40, 2500
PREFIX_CHARS_MAX = 1500
ANSWER_TOKENS_MAX = 40
LAYOUTS = ["suffix-first", "prefix-first", "plain"]


def from_file(path):
    """The model with a file's weights in float32: an exported .gguf, a checkpoint (its averaged weights), or kept weights."""
    config, weights = read_weights(path)
    model = SmallThinker(config)
    model.load_state_dict(weights)
    return model.eval()


def header(encode, path):
    return [data.FILE_SEP, *encode(path + "\n")]


def windows(documents, rng, count=WINDOWS_PER_LANGUAGE):
    """Yields (language, path, text of the file, piece of it) to be read from left to right."""
    for language in LANGUAGES:
        for path, text in rng.sample(documents[language], min(count, len(documents[language]))):
            lines = text.splitlines(keepends=True)
            start = rng.randrange(max(1, len(lines) - 40))
            yield language, path, text, "".join(lines[start:])[:WINDOW_CHARS]


def bits_per_byte(model, encode, documents, rng):
    """{language: (bits, bytes)}."""
    result = {language: (0, 0) for language in LANGUAGES}
    for language, path, _, window in windows(documents, rng):
        head, body = header(encode, path), encode(window)
        logits = model.logits(torch.tensor([head + body]))[0, len(head) - 1 : -1]
        bits, size = result[language]
        bits += F.cross_entropy(logits, torch.tensor(body), reduction="sum").item() / math.log(2)
        result[language] = bits, size + len(window.encode())
    return result


def make_case(documents, rng):
    """(path, prefix, expected, suffix, kind, text of the file) of one cursor position; kind is "line start" or "mid-line"."""
    while True:
        path, text = rng.choice(documents)
        lines = text.splitlines(keepends=True)
        if len(lines) < 8:
            continue
        row = rng.randrange(3, len(lines))
        line = lines[row].rstrip("\n")
        indent = len(line) - len(line.lstrip())
        if len(line) - indent < 6 or not text.isascii():
            continue
        kind = rng.choice(("line start", "mid-line"))
        column = indent if kind == "line start" else rng.randrange(indent + 1, len(line))
        anchor, size = row, column
        while anchor > 0 and size + len(lines[anchor - 1]) <= PREFIX_CHARS_MAX:
            anchor -= 1
            size += len(lines[anchor])
        suffix, end = "", row + 1
        while end < len(lines) and len(suffix) + len(lines[end]) <= data.SUFFIX_CHARS_MAX:
            suffix += lines[end]
            end += 1
        return path, "".join(lines[anchor:row]) + line[:column], line[column:].rstrip(), suffix, kind, text


def prompt(encode, layout, path, prefix, suffix):
    prefix, suffix = encode(prefix), encode(suffix)
    if layout == "plain":
        return header(encode, path) + prefix
    if layout == "suffix-first":
        return header(encode, path) + [data.SUF, *suffix, data.PRE, *prefix, data.MID]
    return header(encode, path) + [data.PRE, *prefix, data.SUF, *suffix, data.MID]


def answers(model, decode, tokens, expected):
    """Whether greedy decoding gives exactly the expected text; stops at the first sign that it does not."""
    answer = []
    while len(answer) < ANSWER_TOKENS_MAX:
        hidden = model(torch.tensor([tokens + answer]))[0][0, -1]
        answer.append(int((model.token_embd.weight @ hidden).argmax()))
        text = decode(answer[:-1] if answer[-1] >= SPECIAL_ID["<|endoftext|>"] else answer)
        if "\n" in text or answer[-1] >= SPECIAL_ID["<|endoftext|>"]:
            return text.split("\n")[0].rstrip() == expected
        if not expected.startswith(text.rstrip()):
            return False
    return False


def evaluate(model, data_folder, n_cases):
    """Markdown lines of both tables."""
    bpe = tokenizer.load(data_folder)
    encode = lambda text: bpe.encode(text, add_special_tokens=False).ids
    documents = defaultdict(list)
    with open(data_folder / "heldout.jsonl") as f:
        for d in map(json.loads, f):
            documents[d["language"]].append((d["path"], d["text"]))

    measured = bits_per_byte(model, encode, documents, random.Random(1))
    bits, size = (sum(values) for values in zip(*measured.values()))
    rng = random.Random(2)
    hits, counts = defaultdict(int), defaultdict(int)
    for i in range(n_cases):
        language = LANGUAGES[i % len(LANGUAGES)]
        path, prefix, expected, suffix, kind, _ = make_case(documents[language], rng)
        for group in (language, kind, "all"):
            counts[group] += 1
        for layout in LAYOUTS:
            right = answers(model, bpe.decode, prompt(encode, layout, path, prefix, suffix), expected)
            for group in (language, kind, "all"):
                hits[group, layout] += right

    lines = [f"| | bits per byte | cases | {' | '.join(LAYOUTS)} |", "|---|---:|---:|" + "---:|" * len(LAYOUTS)]
    for group in [*LANGUAGES, "line start", "mid-line", "all"]:
        bpb = f"{measured[group][0] / measured[group][1]:.3f}" if group in measured else ""
        if group == "all":
            bpb = f"{bits / size:.3f}"
        shares = " | ".join(f"{hits[group, layout] / max(1, counts[group]):.1%}" for layout in LAYOUTS)
        lines.append(f"| {group} | {bpb} | {counts[group]} | {shares} |")
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with heldout.jsonl and tokenizer.json")
    parser.add_argument("--model", type=Path, required=True, help="exported .gguf file, or a checkpoint")
    parser.add_argument("--cases", type=int, default=301, help="cursor positions; 0: bits per byte only")
    arguments = parser.parse_args()
    with torch.inference_mode():
        print("\n".join(evaluate(from_file(arguments.model), arguments.data, arguments.cases)))


if __name__ == "__main__":
    main()
