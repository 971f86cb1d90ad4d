"""Documents → token rows: cuts documents into pieces, makes prompts of them as the product asks, packs them.

Layouts (text parts are tokenised each on its own; <|…|> are single tokens):

    plain         HEADER TEXT                                                      then <|endoftext|> at the end of a file
    suffix-first  HEADER <|fim_suffix|> SUFFIX <|fim_prefix|> PREFIX <|fim_middle|> MIDDLE <|endoftext|>
    prefix-first  HEADER <|fim_prefix|> PREFIX <|fim_suffix|> SUFFIX <|fim_middle|> MIDDLE <|endoftext|>

HEADER is <|file_sep|> + path + "\\n", missing in HEADERLESS of the samples. Seams: PREFIX starts at a line start and ends at
the cursor, wherever that is in its line. MIDDLE ends at a line end, without the newline. SUFFIX is whole lines, each with its
newline, starting with the line after MIDDLE: the document reads PREFIX + MIDDLE + "\\n" + SUFFIX. SUFFIX may be empty.
"""

import json
import random

import numpy as np

from tokenizer import SPECIAL_ID

EOT, FILE_SEP = SPECIAL_ID["<|endoftext|>"], SPECIAL_ID["<|file_sep|>"]
PRE, MID, SUF = (SPECIAL_ID[f"<|fim_{part}|>"] for part in ("prefix", "middle", "suffix"))

HEADERLESS = 0.15
PREFIX_FIRST = 0.3  # of the fill-in-the-middle samples
RANDOM_SPAN = 0.08  # of the fill-in-the-middle samples: any characters, not whole lines
SUFFIX_CHARS_MAX = 450  # about 128 tokens
CHARS_PER_TOKEN = 3.5
POOL = 400  # samples waiting to be packed: enough that neighbours in a row seldom come from one file


def load(path):
    """[(path, text)] of a .jsonl file of corpus.py."""
    with open(path) as f:
        return [(d["path"], d["text"]) for d in map(json.loads, f)]


def cursor_column(rng, line):
    """A column of a line (given without its newline): where people ask for completions."""
    indent = len(line) - len(line.lstrip())
    kind = rng.random()
    if kind < 0.30:
        return indent
    if kind < 0.36:
        return 0
    if kind < 0.42:
        return len(line)
    return rng.randint(indent, len(line))


def split(rng, lines):
    """(prefix, middle, suffix) of a piece of lines, each with its newline."""
    if rng.random() < RANDOM_SPAN:
        text = "".join(lines)
        a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        b = min(b, a + 300)
        return text[:a], text[a:b], text[b : b + SUFFIX_CHARS_MAX]
    n_suffix, budget = 0, rng.choice((0, 1, 1, 1)) * rng.randint(0, SUFFIX_CHARS_MAX)
    while n_suffix < len(lines) - 1 and budget >= len(lines[-1 - n_suffix]):
        budget -= len(lines[-1 - n_suffix])
        n_suffix += 1
    end = len(lines) - n_suffix  # the line after the middle
    start = end - 1
    if rng.random() < 0.3:
        start = max(0, end - rng.randint(2, 6))
    elif not lines[start].strip() and rng.random() < 0.8:
        # Few completions are asked for on blank lines.
        while start > 0 and not lines[start].strip():
            start -= 1
        end = start + 1
    column = cursor_column(rng, lines[start].rstrip("\n"))
    prefix = "".join(lines[:start]) + lines[start][:column]
    middle = (lines[start][column:] + "".join(lines[start + 1 : end])).removesuffix("\n")
    return prefix, middle, "".join(lines[end : end + n_suffix])


class Sampler:
    """Endless packed rows. Not thread-safe: one per process.

    May be changed at any time: n_tokens, of a row; plain, the share of samples in the plain layout; middle_weight, what a
    token of MIDDLE counts in the loss.
    """

    def __init__(self, documents, tokenizer, seed):
        self.documents, self.tokenizer = documents, tokenizer
        self.n_tokens, self.plain, self.middle_weight = 512, 0.5, 2.0
        self.rng = random.Random(seed)
        self.samples = self.make_samples()
        self.pool = []

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def pieces(self):
        """(path, lines, whether the file ends here), each file once per epoch, cut at line starts."""
        while True:
            self.rng.shuffle(self.documents)
            for path, text in self.documents:
                lines, size, limit = [], 0, 0
                for line in text.splitlines(keepends=True):
                    if size > limit or not lines:
                        if lines:
                            yield path, lines, False
                        full = int(self.n_tokens * CHARS_PER_TOKEN * 0.92)
                        limit = self.rng.randint(200, full) if self.rng.random() < 0.5 else full
                        lines, size = [], 0
                    lines.append(line)
                    size += len(line)
                yield path, lines, True

    def make_samples(self):
        """(ids, weights, whether it may be cut short)."""
        for path, lines, at_end in self.pieces():
            header = [] if self.rng.random() < HEADERLESS else [FILE_SEP, *self.encode(path + "\n")]
            if self.rng.random() < self.plain:
                body = self.encode("".join(lines)) + ([EOT] if at_end else [])
                yield header + body, [0.0] * len(header) + [1.0] * len(body), True
                continue
            prefix, middle, suffix = map(self.encode, split(self.rng, lines))
            if self.rng.random() < PREFIX_FIRST:
                context = [PRE, *prefix, SUF, *suffix, MID]
            else:
                context = [SUF, *suffix, PRE, *prefix, MID]
            # Nothing announces which layout comes: its special tokens are given, never predicted.
            weights = [0.0] * len(header) + [0.0 if token in (PRE, SUF, MID) else 1.0 for token in context]
            yield header + context + middle + [EOT], weights + [self.middle_weight] * (len(middle) + 1), False

    def row(self):
        """One row of n_tokens + 1 (ids, weights): samples that fit, at the end a plain one cut short, or else padding."""
        ids, weights, length = [], [], self.n_tokens + 1
        while len(ids) < length:
            while len(self.pool) < POOL:
                sample = next(self.samples)
                if len(sample[0]) <= length or sample[2]:
                    self.pool.append(sample)
            room = length - len(ids)
            self.rng.shuffle(self.pool)
            choice = next((i for i, s in enumerate(self.pool) if len(s[0]) <= room), None)
            if choice is None:
                choice = next((i for i, s in enumerate(self.pool) if s[2]), None)
            sample = ([EOT] * room, [0.0] * room) if choice is None else self.pool.pop(choice)
            ids += sample[0][:room]
            weights += sample[1][:room]
        return ids, weights

    def batch(self, n_rows):
        """ids [n_rows, n_tokens + 1] int64 and weights of the same shape float32."""
        rows = [self.row() for _ in range(n_rows)]
        return np.array([r[0] for r in rows], dtype=np.int64), np.array([r[1] for r in rows], dtype=np.float32)
