"""What speed depends on in a SmallThinker file: idle neurons, how experts are used, how well they can be foreseen.

    python3 statistics.py MODEL.gguf IDS.json [--tokens N] [--layers N]

IDS.json is a list of token ids (`hearth tokenize --json`). Runs the first layers in float32 numpy, written from the model's
description, and prints by layer and on average:

size      root mean square of the residual stream where the layer begins
idle      share of a chosen expert's neurons that ReLU sets to zero
foreseen  share of the next layer's experts that its router names before this layer's FFN
again     share of a token's experts that the token before it used too
busiest   most-used expert's share of all choices, times the number of experts (1: all alike); median and least alike

and for all layers the hits of an LRU cache that holds 30 % of the experts, in the order of decoding, first 256 tokens left out.
Needs numpy.
"""

from __future__ import annotations

import argparse
import json
import mmap
import struct
from collections import OrderedDict

import numpy as np

HEAD_DIM = 128
SOFTMAX = 1
WARM_UP = 256
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9


class File:
    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.at = 8
        n_tensor, n_key = self.take("<Q"), self.take("<Q")
        self.keys = {}
        for _ in range(n_key):
            name = self.string()
            self.keys[name] = self.value(self.take("<I"))
        self.places = {}
        for _ in range(n_tensor):
            name = self.string()
            shape = [self.take("<Q") for _ in range(self.take("<I"))]
            self.places[name] = (shape, self.take("<I"), self.take("<Q"))
        self.data = -(-self.at // 32) * 32

    def take(self, form: str):
        (value,) = struct.unpack_from(form, self.bytes, self.at)
        self.at += struct.calcsize(form)
        return value

    def string(self) -> str:
        n = self.take("<Q")
        self.at += n
        return self.bytes[self.at - n : self.at].decode()

    def value(self, kind: int):
        if kind == STRING:
            return self.string()
        if kind != ARRAY:
            return self.take(SCALARS[kind])
        of, n = self.take("<I"), self.take("<Q")
        if of in (STRING, ARRAY):
            return [self.value(of) for _ in range(n)]
        self.at += n * struct.calcsize(SCALARS[of])
        return None

    def rows(self, name: str, first: int = 0, n_row: int | None = None) -> np.ndarray:
        """float32 [n_row, row length]"""
        shape, kind, offset = self.places[name]
        n_in = shape[0]
        n_row = int(np.prod(shape[1:])) if n_row is None else n_row
        row_bytes = {0: n_in * 4, 2: n_in // 32 * 18}[kind]
        start = self.data + offset + first * row_bytes
        raw = np.frombuffer(self.bytes, np.uint8, n_row * row_bytes, start)
        if kind == 0:
            return raw.view(np.float32).reshape(n_row, n_in)
        blocks = raw.reshape(-1, 18)
        scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
        nibbles = np.concatenate([blocks[:, 2:] & 15, blocks[:, 2:] >> 4], 1).astype(np.float32) - 8
        return (nibbles * scale).reshape(n_row, n_in)


def rms_norm(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * weight


def rope(x: np.ndarray, base: float) -> np.ndarray:
    half = HEAD_DIM // 2
    angle = np.arange(len(x))[:, None, None] * base ** (-np.arange(half) / half)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    a, b = x[..., :half], x[..., half:]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def attention(file: File, il: int, h: np.ndarray) -> np.ndarray:
    name = "blk.%d.attn_%s.weight"
    n_token = len(h)
    window = file.keys.get("smallthinker.attention.sliding_window", 0)
    is_global = window > 0 and il % 4 == 0
    q, k, v = ((h @ file.rows(name % (il, part)).T).reshape(n_token, -1, HEAD_DIM) for part in "qkv")
    if not is_global:
        q, k = (rope(each, file.keys["smallthinker.rope.freq_base"]) for each in (q, k))
    group = q.shape[1] // k.shape[1]
    distance = np.arange(n_token)[:, None] - np.arange(n_token)[None, :]
    hidden = (distance < 0) if is_global or window == 0 else (distance < 0) | (distance >= window)
    out = np.empty_like(q)
    for head in range(q.shape[1]):
        scores = q[:, head] @ k[:, head // group].T / np.sqrt(np.float32(HEAD_DIM))
        scores[hidden] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        out[:, head] = weights / weights.sum(-1, keepdims=True) @ v[:, head // group]
    return out.reshape(n_token, -1) @ file.rows(name % (il, "output")).T


def top(logits: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-logits, -1, kind="stable")[:, :k]


def shared(a: np.ndarray, b: np.ndarray) -> float:
    return float((a[:, :, None] == b[:, None, :]).any(-1).mean())


def ffn(file: File, il: int, m: np.ndarray, chosen: np.ndarray, gates: np.ndarray) -> tuple[np.ndarray, float]:
    n_embd = m.shape[1]
    name = "blk.%d.ffn_%s_exps.weight"
    n_ff = file.places[name % (il, "up")][0][1]
    out, n_idle = np.zeros_like(m), 0
    for e in range(file.keys["smallthinker.expert_count"]):
        token, rank = np.nonzero(chosen == e)
        if len(token) == 0:
            continue
        gate, up = (m[token] @ file.rows(name % (il, part), e * n_ff, n_ff).T for part in ("gate", "up"))
        n_idle += int((gate <= 0).sum())
        y = (np.maximum(gate, 0) * up) @ file.rows(name % (il, "down"), e * n_embd, n_embd).T
        out[token] += gates[token, rank, None] * y
    return out, n_idle / (chosen.size * n_ff)


def lru_hits(chosen: np.ndarray, n_slot: int) -> float:
    """chosen [n_layer, n_token, n_expert_used]"""
    cache: OrderedDict[tuple[int, int], None] = OrderedDict()
    hits = asked = 0
    for t in range(chosen.shape[1]):
        for il in range(chosen.shape[0]):
            for expert in chosen[il, t].tolist():
                asked += t >= WARM_UP
                if (il, expert) in cache:
                    cache.move_to_end((il, expert))
                    hits += t >= WARM_UP
                    continue
                cache[il, expert] = None
                if len(cache) > n_slot:
                    cache.popitem(last=False)
    return hits / max(asked, 1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("ids")
    parser.add_argument("--tokens", type=int, default=768)
    parser.add_argument("--layers", type=int, default=10**6)
    options = parser.parse_args()
    file = File(options.model)
    with open(options.ids) as ids_file:
        ids = json.load(ids_file)
    ids = (ids["ids"] if isinstance(ids, dict) else ids)[: options.tokens]
    n_layer = file.keys["smallthinker.block_count"]
    n_run = min(options.layers, n_layer)
    k, n_expert = file.keys["smallthinker.expert_used_count"], file.keys["smallthinker.expert_count"]
    print("     size   idle   foreseen again  busiest median least")
    x = np.concatenate([file.rows("token_embd.weight", i, 1) for i in ids])
    all_chosen, rows = [], []
    for il in range(n_run):
        logits = x @ file.rows(f"blk.{il}.ffn_gate_inp.weight").T
        chosen = top(logits, k)
        scores = np.take_along_axis(logits, chosen, 1)
        is_softmax = file.keys["smallthinker.expert_gating_func"] == SOFTMAX
        gates = np.exp(scores - scores.max(-1, keepdims=True)) if is_softmax else 1 / (1 + np.exp(-scores))
        gates = gates / gates.sum(-1, keepdims=True)
        size = float(np.sqrt((x * x).mean()))
        x = x + attention(file, il, rms_norm(x, file.rows(f"blk.{il}.attn_norm.weight", 0, 1)))
        router = file.rows(f"blk.{il + 1}.ffn_gate_inp.weight").T if il + 1 < n_layer else None
        guess = None if router is None else top(x @ router, k)
        y, idle = ffn(file, il, rms_norm(x, file.rows(f"blk.{il}.ffn_norm.weight", 0, 1)), chosen, gates)
        x = x + y
        foreseen = np.nan if router is None else shared(top(x @ router, k), guess)
        load = np.bincount(chosen.ravel(), minlength=n_expert) / chosen.size * n_expert
        rows.append((size, idle, foreseen, shared(chosen[1:], chosen[:-1]), load.max(), np.median(load), load.min()))
        all_chosen.append(chosen)
        print(f"{il:3d}", "  ".join(f"{each:.3f}" for each in rows[-1]), flush=True)
    print("all", "  ".join(f"{each:.3f}" for each in np.nanmean(rows, 0)))
    hits = lru_hits(np.stack(all_chosen), int(0.3 * n_expert * n_run))
    print(f"LRU at 30 %: {hits:.3f} of {len(ids) - WARM_UP} tokens; finite: {bool(np.isfinite(x).all())}")


main()
