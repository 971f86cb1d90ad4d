"""A model of n-grams of the same text in a file of the same size: how much of what the starter knows is no more than that?

    ngram.py train   --data DATA --out FILE.npz --bytes 14141664
    ngram.py compare --data DATA --ngrams FILE.npz --model ../models/hearth-starter.gguf

An n-gram's probability is p(w | c) = a(c, w) + rest(c) · p(w | c without its first token), a = (count − DISCOUNT) / count of c, the
rest what the sum of a leaves to 1: absolute discounting, interpolated. A file has room for a part of the n-grams: those that save
most bits of the training text for their bytes. What is left out falls to `rest`, so the probabilities always add up to 1.

`compare` measures the starter, the n-grams and both together, p = w · p of the n-grams + (1 − w) · p of the starter, where w depends on
the length of the longest context found and is fitted (expectation maximisation) on those held-out packages that are not measured
with it. Prompts are plain and healed (data.py), cursors are evaluate.py's.
"""

import argparse
import json
import math
import random
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import data
import tokenizer
from tokenizer import N_VOCAB

ORDER = 6
DISCOUNT = 0.75
STEPS_OF_LOG2 = 15.5  # in the byte of a probability
ENTRY_BYTES, CONTEXT_BYTES, FILE_BYTES = 3, 6, 8192
MULTIPLIERS = np.random.default_rng(0).integers(1, 2**63, ORDER, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
TOKEN_BITS = np.uint64(13)
assert 1 << int(TOKEN_BITS) == N_VOCAB


def context_hashes(tokens, length):
    """The hash of the `length` tokens that end before each place of tokens; places that have fewer before them get another's."""
    sums = np.zeros(len(tokens), dtype=np.uint64)
    for back in range(1, length + 1):
        sums += (np.roll(tokens, back).astype(np.uint64) + np.uint64(1)) * MULTIPLIERS[back - 1]
    return sums


def keys_of(tokens, order):
    """51 bits of an n-gram's context, 13 of its last token, for each place that has enough before it."""
    return ((context_hashes(tokens, order - 1) >> TOKEN_BITS) << TOKEN_BITS | tokens.astype(np.uint64))[order - 1 :]


@dataclass
class Counted:
    """All n-grams of one order, by key: how often, where first, and their probability (see above) if none were left out."""

    keys: np.ndarray
    counts: np.ndarray
    places: np.ndarray
    own: np.ndarray  # a(c, w)
    all: np.ndarray  # p(w | c)


def count(tokens, order, lower):
    """Counted n-grams of an order; lower: those of the order below, or None."""
    found = keys_of(tokens, order)
    by_key = np.argsort(found, kind="stable")
    ordered = found[by_key]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    keys, places = ordered[starts], by_key[starts] + order - 1
    counts = np.diff(np.append(starts, len(ordered)))
    if order == 1:
        smoothed = np.ones(N_VOCAB)
        smoothed[keys.astype(np.int64)] += counts
        own = smoothed[keys.astype(np.int64)] / smoothed.sum()
        return Counted(keys, counts, places, own, own)
    first = starts_of_contexts(keys)
    lengths = np.diff(np.append(first, len(keys)))
    totals = np.add.reduceat(counts, first)
    own = (counts - DISCOUNT) / np.repeat(totals, lengths)
    rest = np.repeat(DISCOUNT * lengths / totals, lengths)
    below = keys_at(tokens, places, order - 1)
    return Counted(keys, counts, places, own, own + rest * lower.all[np.searchsorted(lower.keys, below)])


def keys_at(tokens, places, order):
    """keys_of, for some places only."""
    sums = np.zeros(len(places), dtype=np.uint64)
    for back in range(1, order):
        sums += (tokens[places - back].astype(np.uint64) + np.uint64(1)) * MULTIPLIERS[back - 1]
    return (sums >> TOKEN_BITS) << TOKEN_BITS | tokens[places].astype(np.uint64)


def candidates(tokens, order, lower):
    """(all n-grams of an order, those worth a place: keys, a, bits that each saves)."""
    counted = count(tokens, order, lower)
    repeated = np.flatnonzero(counted.counts > 1)
    below = lower.all[np.searchsorted(lower.keys, keys_at(tokens, counted.places[repeated], order - 1))]
    saved = counted.counts[repeated] * np.log2(counted.all[repeated] / below)
    worth = saved > 0
    return counted, (counted.keys[repeated][worth], counted.own[repeated][worth], saved[worth])


def starts_of_contexts(keys):
    """Where in ordered keys another context begins."""
    contexts = keys >> TOKEN_BITS
    return np.flatnonzero(np.append(True, contexts[1:] != contexts[:-1])[: len(keys)])


def size_of(chosen):
    return FILE_BYTES + 4 * N_VOCAB + sum(ENTRY_BYTES * len(keys) + CONTEXT_BYTES * len(starts_of_contexts(keys)) for keys in chosen)


def choose(orders, size_max):
    """Per order a mask of the n-grams that save at least as many bits as makes the file fit."""
    low, high = 0.0, max(saved.max(initial=1.0) for _, _, saved in orders)
    for _ in range(40):
        middle = (low + high) / 2
        if size_of([keys[saved >= middle] for keys, _, saved in orders]) > size_max:
            low = middle
        else:
            high = middle
    return [saved >= high for _, _, saved in orders]


def stored(keys, own):
    """What the file holds of one order: contexts' hashes, how many n-grams each has, their tokens and their a as a byte of log2."""
    first = starts_of_contexts(keys)
    hashes = (keys[first] >> np.uint64(32)).astype(np.uint32)  # the upper bits: the order stays the same
    lengths = np.diff(np.append(first, len(keys))).astype(np.uint16)
    steps = np.ceil(-np.log2(own) * STEPS_OF_LOG2)  # down, so that a context's sum stays below 1
    return hashes, lengths, (keys & np.uint64(N_VOCAB - 1)).astype(np.uint16), np.minimum(steps, 255).astype(np.uint8)


def train(tokens, size_max):
    """{name: array} of a file of at most size_max bytes."""
    tokens = np.asarray(tokens, dtype=np.uint16)
    lower = count(tokens, 1, None)
    unigrams = np.full(N_VOCAB, 1 / (len(tokens) + N_VOCAB), dtype=np.float32)
    unigrams[lower.keys.astype(np.int64)] = lower.all
    orders = []
    for order in range(2, ORDER + 1):
        lower, found = candidates(tokens, order, lower)
        orders.append(found)
        print(f"{order}-grams: {len(lower.keys)}, worth a place {len(found[0])}", flush=True)
    arrays = {"unigrams": unigrams}
    for order, (keys, own, _), mask in zip(range(2, ORDER + 1), orders, choose(orders, size_max)):
        names = ("contexts", "lengths", "tokens", "steps")
        arrays |= {f"{name}{order}": part for name, part in zip(names, stored(keys[mask], own[mask]))}
        print(f"{order}-grams kept: {mask.sum()} behind {len(arrays[f'contexts{order}'])} contexts", flush=True)
    return arrays


class NGrams:
    def __init__(self, arrays):
        self.unigrams = arrays["unigrams"] / arrays["unigrams"].sum(dtype=np.float64)
        self.orders = []
        for order in range(2, ORDER + 1):
            hashes, lengths = arrays[f"contexts{order}"], arrays[f"lengths{order}"].astype(np.int64)
            self.orders.append((hashes, np.append(0, lengths.cumsum()), arrays[f"tokens{order}"], np.exp2(arrays[f"steps{order}"].astype(np.float64) / -STEPS_OF_LOG2)))

    @staticmethod
    def load(path):
        return NGrams(np.load(path))

    def found(self, before):
        """Yields (tokens, a) of every order whose context is known, shortest first."""
        hashed = 0
        for order, (hashes, starts, tokens, own) in enumerate(self.orders, 2):
            if len(before) < order - 1:
                return
            hashed = (hashed + (before[1 - order] + 1) * int(MULTIPLIERS[order - 2])) % 2**64
            wanted = hashed >> 32
            at = int(np.searchsorted(hashes, np.uint32(wanted)))
            if at < len(hashes) and hashes[at] == wanted:
                part = slice(starts[at], starts[at + 1])
                yield order, tokens[part], own[part]

    def after(self, before):
        """(probabilities of all tokens, order of the longest n-gram among them)."""
        p, longest = self.unigrams.copy(), 1
        for order, tokens, own in self.found(before[1 - ORDER :]):
            p *= 1 - own.sum()
            p[tokens] += own
            longest = order
        return p, longest


# ---- compare ----------------------------------------------------------------------------------------------------


def bytes_of_tokens(bpe):
    """The bytes of every text token. Byte-level vocabularies write bytes that are no printable signs as others that are."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    shown = {chr(b): b for b in printable}
    shown |= {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in printable)}
    return [bytes(shown[c] for c in bpe.id_to_token(i)) for i in range(bpe.get_vocab_size())]


class Answers:
    """Greedy answers: what is owed by token healing comes first."""

    def __init__(self, pieces, tokens_max=24):
        self.pieces, self.tokens_max = pieces, tokens_max

    def along(self, owed):
        """Mask of the tokens that begin with what is owed, or with which it begins."""
        return np.array([piece.startswith(owed) or owed.startswith(piece) for piece in self.pieces])

    def after(self, predict, prompt, owed, expected):
        """The bytes of an answer, without what was owed, up to its line feed, its end or its first difference from `expected`."""
        tokens, said = list(prompt), b""
        for _ in range(self.tokens_max):
            p = predict(tokens)
            if len(said) < len(owed):
                p = np.where(np.append(self.along(owed[len(said) :]), [False] * (len(p) - len(self.pieces))), p, 0)
            token = int(p.argmax())
            if token >= len(self.pieces):
                break
            tokens.append(token)
            said += self.pieces[token]
            rest = said[len(owed) :]
            if b"\n" in rest or not (expected + b"\n").startswith(rest):
                return rest.split(b"\n")[0]
        return said[len(owed) :]


def expectation_maximisation(samples, rounds=60):
    """Weight of the n-grams by order, from [(order, p of the n-grams, p of the starter)] of tokens."""
    weights = np.full(ORDER + 1, 0.3)
    orders, ours, theirs = (np.array(column) for column in zip(*samples))
    orders = orders.astype(int)
    for _ in range(rounds):
        share = weights[orders] * ours / (weights[orders] * ours + (1 - weights[orders]) * theirs)
        total = np.bincount(orders, minlength=ORDER + 1)
        weights = (np.bincount(orders, share, ORDER + 1) + 0.3) / (total + 1)
    return weights


def compare(ngrams, model, data_folder, n_cases, n_windows):
    """Markdown lines: bits a byte, rest of line and first word, by language, of the n-grams, the starter and both together."""
    import torch

    import evaluate

    bpe = tokenizer.load(data_folder)
    encode = data.Encoder(bpe)
    documents, packages = defaultdict(list), {}
    with open(data_folder / "heldout.jsonl") as f:
        for d in map(json.loads, f):
            documents[d["language"]].append((d["path"], d["text"]))
            packages[d["text"]] = d["name"]
    half = {name: i % 2 for i, name in enumerate(sorted(set(packages.values())))}

    known = {}

    def starter(tokens):
        if tuple(tokens) not in known:
            read(tokens, [])
        return known[tuple(tokens)]

    def read(tokens, further):
        """What the starter says after tokens, and after each of further ones: at once, as most answers are either these or soon wrong."""
        hidden = model(torch.tensor([[*tokens, *further]]))[0][0, len(tokens) - 1 :]
        for count, p in enumerate((hidden @ model.token_embd.weight.T).softmax(-1).double().numpy()):
            known[tuple(tokens) + tuple(further[:count])] = p

    windows = list(evaluate.windows(documents, random.Random(1), n_windows))
    samples = []  # (language, half, bytes of the token, order, p of the n-grams, p of the starter)
    pieces = bytes_of_tokens(bpe)
    for language, path, text, window in windows:
        head, body = evaluate.header(encode, path), encode(window)
        tokens = head + body
        theirs = model.logits(torch.tensor([tokens]))[0, len(head) - 1 : -1].softmax(-1).double()
        for i, token in enumerate(body):
            ours, order = ngrams.after(tokens[: len(head) + i])
            samples.append((language, half[packages[text]], len(pieces[token]), order, ours[token], theirs[i, token].item()))
    weights = [expectation_maximisation([s[3:] for s in samples if s[1] != part]) for part in (0, 1)]
    both_of = lambda part, order, ours, theirs: weights[part][order] * ours + (1 - weights[part][order]) * theirs

    bits, sizes = defaultdict(float), defaultdict(int)
    for language, part, size, order, ours, theirs in samples:
        for group in (language, "all"):
            sizes[group] += size
            for name, p in (("n-grams", ours), ("starter", theirs), ("both", both_of(part, order, ours, theirs))):
                bits[group, name] -= math.log2(p)

    exact, first, counts = defaultdict(int), defaultdict(int), defaultdict(int)
    rng, answers = random.Random(2), Answers(pieces)
    for i in range(n_cases):
        language = evaluate.LANGUAGES[i % len(evaluate.LANGUAGES)]
        path, prefix, expected, _, _, text = evaluate.make_case(documents[language], rng)
        part = half[packages[text]]
        ids, owed = encode.heal(prefix)
        prompt = evaluate.header(encode, path) + ids
        word = data.FIRST_WORD.match(expected).group()

        def both(tokens, part=part):
            ours, order = ngrams.after(tokens)
            return both_of(part, order, ours, starter(tokens))

        known.clear()
        read(prompt, encode(owed + expected + "\n"))
        for name, predict in (("n-grams", lambda tokens: ngrams.after(tokens)[0]), ("starter", starter), ("both", both)):
            said = answers.after(predict, prompt, owed.encode(), expected.encode()).decode(errors="replace")
            for group in (language, "all"):
                exact[group, name] += said.rstrip() == expected
                first[group, name] += said.startswith(word)
        for group in (language, "all"):
            counts[group] += 1
        if i % 50 == 49:
            print(f"{i + 1} of {n_cases} cursors", flush=True)

    names = ("n-grams", "starter", "both")
    lines = ["| | bits a byte: n-grams | starter | both | cursors | exact: n-grams | starter | both | first word: n-grams | starter | both |"]
    lines.append("|---|" + "---:|" * 10)
    for group in [*evaluate.LANGUAGES, "all"]:
        cells = [f"{bits[group, name] / sizes[group]:.3f}" for name in names] + [str(counts[group])]
        cells += [f"{found[group, name] / max(1, counts[group]):.1%}" for found in (exact, first) for name in names]
        lines.append(f"| {group} | {' | '.join(cells)} |")
    lines.append("")
    lines.append("Weight of the n-grams by order, fitted on either half: " + "; ".join(", ".join(f"{w:.2f}" for w in part[1:]) for part in weights))
    return lines


def some_documents(documents, characters):
    """The first documents, which are in random order, up to so many characters."""
    for path, text in documents:
        if characters <= 0:
            return
        characters -= len(text)
        yield path, text


def tokens_of(data_folder, characters=math.inf):
    """Training text behind its paths, as a row has it, and an end after each file."""
    bpe = tokenizer.load(data_folder)
    found = []
    documents = list(some_documents(data.load(data_folder / "train.jsonl"), characters))
    for start in range(0, len(documents), 500):
        some = documents[start : start + 500]
        heads = bpe.encode_batch([path + "\n" for path, _ in some], add_special_tokens=False)
        bodies = bpe.encode_batch([text for _, text in some], add_special_tokens=False)
        for head, body in zip(heads, bodies):
            found.append(np.array([data.FILE_SEP, *head.ids, *body.ids, data.EOT], dtype=np.uint16))
    return np.concatenate(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("step", choices=["train", "compare"])
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl or heldout.jsonl, and tokenizer.json")
    parser.add_argument("--out", type=Path, help="train: file to write")
    parser.add_argument("--bytes", type=int, default=14_141_664, help="train: size of that file at most")
    parser.add_argument("--megabytes", type=float, default=math.inf, help="train: how much of the text is counted")
    parser.add_argument("--ngrams", type=Path, help="compare: file of train")
    parser.add_argument("--model", type=Path, help="compare: exported .gguf file, or a checkpoint")
    parser.add_argument("--cases", type=int, default=301, help="compare: cursor positions")
    parser.add_argument("--windows", type=int, default=40, help="compare: pieces of text to be read, for each language")
    arguments = parser.parse_args()
    if arguments.step == "train":
        tokens = tokens_of(arguments.data, arguments.megabytes * 1e6)
        print(f"{len(tokens)} tokens", flush=True)
        with open(arguments.out, "wb") as f:
            np.savez(f, **train(tokens, arguments.bytes))
        print(f"{arguments.out.stat().st_size} bytes")
        return
    import torch

    import evaluate

    with torch.inference_mode():
        print("\n".join(compare(NGrams.load(arguments.ngrams), evaluate.from_file(arguments.model), arguments.data, arguments.cases, arguments.windows)))


if __name__ == "__main__":
    main()
