"""Writes what PyTorch computes from an exported file for a short prompt, for the engine's parity test.

starter-logits.json: the file's SHA-256, the token ids, and for some positions logsumexp and the TOP largest logits; for every
layer and token the chosen experts by rank, and the router's margin: last chosen minus first refused logit. Where a margin is
tiny, another order of float32 additions may choose otherwise.
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch
import torch.nn.functional as F

import tokenizer
from data import FILE_SEP
from evaluate import from_file

SOURCE_PATH = "src/queue.ts\n"
SOURCE = """export class Queue<T> {
  private items: T[] = [];

  push(item: T): void {
    this.items.push(item);
  }
"""
N_TOKENS_MAX = 48
POSITIONS = 6
TOP = 64


def router_margins(model, tokens):
    """[n_layer][T]: logit of the last chosen expert minus that of the first refused one."""
    margins = []

    def record(block, inputs):
        logits = F.linear(inputs[0], block.ffn_gate_inp.weight)[0].sort(descending=True).values
        k = block.config.n_expert_used
        margins.append((logits[:, k - 1] - logits[:, k]).tolist())

    hooks = [block.register_forward_pre_hook(record) for block in model.blk]
    model(tokens)
    for hook in hooks:
        hook.remove()
    return margins


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with tokenizer.json")
    parser.add_argument("--model", type=Path, required=True, help="exported .gguf file")
    parser.add_argument("--out", type=Path, required=True, help="folder for starter-logits.json")
    arguments = parser.parse_args()
    bpe = tokenizer.load(arguments.data)
    encode = lambda text: bpe.encode(text, add_special_tokens=False).ids
    ids = [FILE_SEP, *encode(SOURCE_PATH), *encode(SOURCE)][:N_TOKENS_MAX]
    positions = [round(i * (len(ids) - 1) / (POSITIONS - 1)) for i in range(POSITIONS)]
    model = from_file(arguments.model)
    number = lambda x: float(f"{x:.8g}")
    with torch.inference_mode():
        tokens = torch.tensor([ids])
        hidden, chosen, _ = model(tokens)
        logits = F.linear(hidden[0], model.token_embd.weight)
        margins = router_margins(model, tokens)
    rows = []
    for position in positions:
        top = logits[position].topk(TOP)
        rows.append({
            "position": position,
            "logsumexp": number(logits[position].logsumexp(-1).item()),
            "ids": top.indices.tolist(),
            "logits": [number(x) for x in top.values.tolist()],
        })
    fixture = {
        "model": arguments.model.name,
        "sha256": hashlib.sha256(arguments.model.read_bytes()).hexdigest(),
        "header": SOURCE_PATH,
        "text": SOURCE,
        "tokens": ids,
        "rows": rows,
        "experts": [layer.tolist() for layer in chosen],
        "router_margins": [[float(f"{x:.3g}") for x in layer] for layer in margins],
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    # One key a line: short enough to read, no longer than it must be.
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fixture.items())
    (arguments.out / "starter-logits.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
