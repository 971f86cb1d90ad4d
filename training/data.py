"""Documents → token rows: cuts documents into pieces, makes prompts of them as the product asks, packs them.

Layouts (text parts are tokenised each on its own; <|…|> are single tokens):

    plain         HEADER TEXT                                                      then <|endoftext|> at the end of a file
    suffix-first  HEADER <|fim_suffix|> SUFFIX <|fim_prefix|> PREFIX <|fim_middle|> MIDDLE <|endoftext|>
    prefix-first  HEADER <|fim_prefix|> PREFIX <|fim_suffix|> SUFFIX <|fim_middle|> MIDDLE <|endoftext|>

HEADER is <|file_sep|> + path + "\\n", missing in HEADERLESS of the samples. Seams: PREFIX starts at a line start and ends at
the cursor, or, healed, before the identifier at the cursor. MIDDLE ends at a line end, without the newline. SUFFIX is whole
lines, each with its newline, starting with the line after MIDDLE: the document reads PREFIX + MIDDLE + "\\n" + SUFFIX. SUFFIX
may be empty.

The order of reading is fixed by a seed alone: every pass shuffles the documents and cuts them into shards of about
SHARD_CHARS; a shard's rows are a function of seed, shard number and Mix. A place in it is two numbers (shard, row).
"""

import json
import random
import re
from dataclasses import dataclass

import numpy as np

from tokenizer import SPECIAL_ID

EOT, FILE_SEP = SPECIAL_ID["<|endoftext|>"], SPECIAL_ID["<|file_sep|>"]
PRE, MID, SUF = (SPECIAL_ID[f"<|fim_{part}|>"] for part in ("prefix", "middle", "suffix"))

HEADERLESS = 0.15
PREFIX_FIRST = 0.2  # of the fill-in-the-middle samples
RANDOM_SPAN = 0.06  # of the fill-in-the-middle samples: any characters, not whole lines
HEALED = 0.75  # of the others: PREFIX ends where the product's does (src/engine/local/tokenHealing.ts)
SUFFIX_CHARS_MAX = 450  # about 128 tokens
CHARS_PER_TOKEN = 3.5
SHARD_CHARS = 1_000_000
REST_TOKENS_MIN = 64  # a plain text cut at a row's end goes on in another row, unless less than this is left

IDENTIFIER_BEFORE = re.compile(r"[\w$]+\Z")
FIRST_WORD = re.compile(r"\s*(?:\w+|\W)")  # of what is to be said, as `hearth eval` counts it


@dataclass(frozen=True)
class Mix:
    """What rows are made of. n_tokens: of a row; plain: share of samples in the plain layout; middle_weight: of a MIDDLE's token in the loss."""

    n_tokens: int = 1024
    plain: float = 0.5
    middle_weight: float = 2.0


def load(path):
    """[(path, text)] of a .jsonl file of corpus.py."""
    with open(path) as f:
        return [(d["path"], d["text"]) for d in map(json.loads, f)]


def cursor_column(rng, line):
    """A column of a line (given without its newline): where people ask for completions."""
    indent = len(line) - len(line.lstrip())
    kind = rng.random()
    if kind < 0.22:
        return indent
    if kind < 0.26:
        return 0
    if kind < 0.32:
        return len(line)
    return rng.randint(indent, len(line))


def split(rng, lines):
    """(prefix, middle, suffix, whether the cut may be healed) of a piece of lines, each with its newline."""
    if rng.random() < RANDOM_SPAN:
        text = "".join(lines)
        a, b = sorted(rng.randrange(len(text) + 1) for _ in range(2))
        b = min(b, a + 300)
        return text[:a], text[a:b], text[b : b + SUFFIX_CHARS_MAX], False
    # The product gives all the suffix that there is room for; at the end of a file there is none.
    kind = rng.random()
    budget = 0 if kind < 0.15 else SUFFIX_CHARS_MAX if kind < 0.7 else rng.randint(0, SUFFIX_CHARS_MAX)
    n_suffix = 0
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
    return prefix, middle, "".join(lines[end : end + n_suffix]), True


class Encoder:
    """Text to token ids, and the product's token healing."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __call__(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def heal(self, prefix):
        """(ids of the prefix without its last tokens, the text that these stand for).

        The last token is taken back, and more until the identifier before the cursor is. Nothing is taken back on a line
        that has just begun, nor where the text is not ASCII (a token may be half a character there).
        """
        encoded = self.tokenizer.encode(prefix, add_special_tokens=False)
        ids, offsets = encoded.ids, encoded.offsets
        identifier = IDENTIFIER_BEFORE.search(prefix, max(0, len(prefix) - 200))
        wanted = identifier.start() if identifier else len(prefix) - 1
        keep = len(ids) - 1
        while keep > 0 and offsets[keep][0] > wanted:
            keep -= 1
        if keep < 1:
            return ids, ""
        owed = prefix[offsets[keep][0] :]
        return (ids, "") if "\n" in owed or not owed.isascii() else (ids[:keep], owed)


class Corpus:
    """Documents in a fixed order of reading. Shards are numbered through all passes: shard g belongs to pass g // n_shards."""

    def __init__(self, documents, tokenizer, seed=0, shard_chars=SHARD_CHARS):
        self.documents, self.encode, self.seed = documents, Encoder(tokenizer), seed
        self.n_shards = max(1, round(sum(len(text) for _, text in documents) / shard_chars))
        self.order = (None, None)  # (pass, document numbers)

    def shard(self, g):
        """The documents of shard g."""
        epoch, place = divmod(g, self.n_shards)
        if self.order[0] != epoch:
            order = list(range(len(self.documents)))
            random.Random(f"{self.seed} pass {epoch}").shuffle(order)
            self.order = (epoch, order)
        n = len(self.documents)
        return [self.documents[i] for i in self.order[1][place * n // self.n_shards : (place + 1) * n // self.n_shards]]

    def samples(self, g, mix, rng):
        """Yields (ids, weights, whether it may be cut short) of shard g."""
        for path, lines, at_end in pieces(self.shard(g), mix.n_tokens, rng):
            header = [] if rng.random() < HEADERLESS else [FILE_SEP, *self.encode(path + "\n")]
            if rng.random() >= mix.plain:
                context, middle = self.fill_in_the_middle(lines, rng)
                if len(header) + len(context) + len(middle) <= mix.n_tokens + 1:
                    # Nothing announces which layout comes: its special tokens are given, never predicted.
                    weights = [0.0] * len(header) + [0.0 if token in (PRE, SUF, MID) else 1.0 for token in context]
                    yield header + context + middle, weights + [mix.middle_weight] * len(middle), False
                    continue
            body = self.encode("".join(lines)) + ([EOT] if at_end else [])
            yield header + body, [0.0] * len(header) + [1.0] * len(body), True

    def fill_in_the_middle(self, lines, rng):
        """(ids up to <|fim_middle|>, ids of MIDDLE and its end)."""
        prefix, middle, suffix, may_heal = split(rng, lines)
        if may_heal and rng.random() < HEALED:
            prefix, owed = self.encode.heal(prefix)
            middle = owed + middle
        else:
            prefix = self.encode(prefix)
        suffix = self.encode(suffix)
        first = rng.random() < PREFIX_FIRST
        context = [PRE, *prefix, SUF, *suffix, MID] if first else [SUF, *suffix, PRE, *prefix, MID]
        return context, [*self.encode(middle), EOT]

    def rows(self, g, mix):
        """[(ids, weights)] of shard g, n_tokens + 1 numbers each: the same whenever it is asked for."""
        rng = random.Random(f"{self.seed} shard {g}")
        pool = list(self.samples(g, mix, rng))
        rng.shuffle(pool)
        return pack(pool, mix.n_tokens + 1)


def pieces(documents, n_tokens, rng):
    """Yields (path, lines, whether the file ends here): documents cut at line starts into what fits into a row."""
    full = int(n_tokens * CHARS_PER_TOKEN * 0.92)
    for path, text in documents:
        lines, size, limit = [], 0, 0
        for line in text.splitlines(keepends=True):
            if size > limit or not lines:
                if lines:
                    yield path, lines, False
                limit = rng.randint(200, full) if rng.random() < 0.5 else full
                lines, size = [], 0
            lines.append(line)
            size += len(line)
        if lines:
            yield path, lines, True


def pack(pool, length):
    """Rows of `length` (ids, weights): samples that fit, at the end a plain one cut short, or else padding of weight 0."""
    rows = []
    while pool:
        ids, weights = [], []
        while len(ids) < length:
            room = length - len(ids)
            choice = next((i for i, s in enumerate(pool) if len(s[0]) <= room), None)
            if choice is None:
                choice = next((i for i, s in enumerate(pool) if s[2]), None)
            sample = ([EOT] * room, [0.0] * room, False) if choice is None else pool.pop(choice)
            if sample[2] and len(sample[0]) - room >= REST_TOKENS_MIN:
                pool.append((sample[0][room:], sample[1][room:], True))
            ids += sample[0][:room]
            weights += sample[1][:room]
        rows.append((ids, weights))
    return rows


class Reader:
    """One of n readers of a corpus: reads every n-th shard, and can say and be told where it is.

    place: (shard, row) to read next. Places of several readers are kept together in a checkpoint; see `places`.
    """

    def __init__(self, corpus, mix, n_readers, place):
        self.corpus, self.mix, self.n_readers = corpus, mix, n_readers
        self.shard, self.row = place
        self.rows = None

    def batch(self, n_rows):
        """ids [n_rows, n_tokens + 1] int64 and weights of the same shape float32."""
        found = []
        while len(found) < n_rows:
            if self.rows is None:
                self.rows = self.corpus.rows(self.shard, self.mix)
            part = self.rows[self.row : self.row + n_rows - len(found)]
            found += part
            self.row += len(part)
            if self.row >= len(self.rows):
                self.shard, self.row, self.rows = self.shard + self.n_readers, 0, None
        return np.array([r[0] for r in found], dtype=np.int64), np.array([r[1] for r in found], dtype=np.float32)

    @property
    def place(self):
        return self.shard, self.row


def places(saved, n_readers, same_mix):
    """Where n_readers go on. saved: [(shard, row)] of a checkpoint's readers, () at the start.

    With another number of readers, or another mix of rows, shards that have been begun are left out: no text is read twice.
    """
    if not saved:
        return [(i, 0) for i in range(n_readers)]
    if len(saved) == n_readers and same_mix:
        return [tuple(place) for place in saved]
    first = max(shard for shard, _ in saved) + 1
    return [(first + i, 0) for i in range(n_readers)]
