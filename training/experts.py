"""How a model's experts are used on held-out text: whether all of them work, how much of an expert is idle, how soon one is needed again.

    python experts.py --data $DATA --model ../models/hearth-starter.gguf

*busiest*, *idlest*: tokens that an expert computes, over what it would be if all did the same. *gate ≤ 0*: share of a chosen
expert's neurons that ReGLU leaves out. *LRU 25 %*, *50 %*: how many of the choices find their expert among a layer's most recently
used ones where that share of its experts is kept.
"""

import argparse
import json
import random
from collections import OrderedDict
from pathlib import Path

import torch
import torch.nn.functional as F

import tokenizer
from evaluate import WINDOW_CHARS, from_file, header

WINDOWS = 60


def held_out_windows(data_folder, encode):
    """Token ids of WINDOWS pieces of held-out files, each behind its path, as `evaluate.py` reads them."""
    with open(data_folder / "heldout.jsonl") as f:
        documents = [json.loads(line) for line in f]
    for document in random.Random(3).sample(documents, WINDOWS):
        yield header(encode, document["path"]) + encode(document["text"][:WINDOW_CHARS])


def lru_hits(choices, kept):
    """Of [T, k] expert ids, how many are among the `kept` most recently used ones when they are needed."""
    recent, hits = OrderedDict(), 0
    for chosen in choices.tolist():
        for expert in chosen:
            hits += expert in recent
            recent[expert] = True
            recent.move_to_end(expert)
            if len(recent) > kept:
                recent.popitem(last=False)
    return hits


def report(model, windows):
    """Markdown lines, a row a layer."""
    c = model.config
    layers = range(c.n_layer)
    counts = torch.zeros(c.n_layer, c.n_expert)
    idle, neurons = [0] * c.n_layer, [0] * c.n_layer
    hits = {share: [0] * c.n_layer for share in (4, 2)}
    inputs = {}
    for il, block in enumerate(model.blk):
        block.ffn_norm.register_forward_hook(lambda _, __, out, il=il: inputs.__setitem__(il, out.flatten(0, 1)))
    for tokens in windows:
        _, chosen, _ = model(torch.tensor([tokens]))
        for il in layers:
            ids = chosen[il]
            counts[il] += torch.bincount(ids.flatten(), minlength=c.n_expert)
            for e in range(c.n_expert):
                gate = F.linear(inputs[il][(ids == e).any(1)], model.blk[il].ffn_gate_exps.weight[e])
                idle[il] += (gate <= 0).sum().item()
                neurons[il] += gate.numel()
            for share in hits:
                hits[share][il] += lru_hits(ids, c.n_expert // share)
    lines = ["| layer | busiest | idlest | gate ≤ 0 | LRU 25 % | LRU 50 % |", "|---:|---:|---:|---:|---:|---:|"]
    for il in layers:
        load = counts[il] / counts[il].mean()
        found = [f"{hits[share][il] / counts[il].sum():.1%}" for share in hits]
        lines.append(f"| {il} | {load.max():.2f} | {load.min():.2f} | {idle[il] / neurons[il]:.1%} | {' | '.join(found)} |")
    found = [f"{sum(hits[share]) / counts.sum():.1%}" for share in hits]
    lines.append(f"| all | | | {sum(idle) / sum(neurons):.1%} | {' | '.join(found)} |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with heldout.jsonl and tokenizer.json")
    parser.add_argument("--model", type=Path, required=True, help="exported .gguf file, or a checkpoint")
    arguments = parser.parse_args()
    bpe = tokenizer.load(arguments.data)
    with torch.inference_mode():
        tokens = held_out_windows(arguments.data, lambda text: bpe.encode(text, add_special_tokens=False).ids)
        print("\n".join(report(from_file(arguments.model), tokens)))
