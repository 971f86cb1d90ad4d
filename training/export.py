"""Writes a checkpoint as the GGUF file that llama.cpp's converter and quantiser would write (Q4_0), plus Hearth's own keys.

Types: attention and experts Q4_0, embedding (and tied head: there is no output.weight) Q8_0, routers and norms F32.
Shapes are PyTorch's; the GGUF writer reverses them to ggml's ne order.
"""

import argparse
import json
import os
from pathlib import Path

import gguf
import torch

import tokenizer
from model import Config
from quantize import is_q4_0, is_q8_0
from train import read_weights

NAME = "Hearth Starter"
DESCRIPTION = (
    "A very small SmallThinker mixture-of-experts model for code completion, trained from scratch on permissively licensed packages."
)


def vocabulary(data):
    """(tokens by id, types by id, merges) of DIR/tokenizer.json, special tokens included."""
    bpe = json.loads((data / "tokenizer.json").read_text())["model"]
    tokens = [token for token, _ in sorted(bpe["vocab"].items(), key=lambda item: item[1])]
    merges = [m if isinstance(m, str) else " ".join(m) for m in bpe["merges"]]
    types = [gguf.TokenType.NORMAL] * len(tokens) + [gguf.TokenType.CONTROL] * len(tokenizer.SPECIALS)
    return tokens + tokenizer.SPECIALS, types, merges


def write_keys(writer, config, data, layouts):
    writer.add_type("model")
    writer.add_name(NAME)
    writer.add_description(DESCRIPTION)
    writer.add_license("MIT")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_block_count(config.n_layer)
    writer.add_context_length(config.context_length)
    writer.add_embedding_length(config.n_embd)
    writer.add_feed_forward_length(config.n_ff)
    writer.add_expert_feed_forward_length(config.n_ff)
    writer.add_head_count(config.n_head)
    writer.add_head_count_kv(config.n_head_kv)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_eps)
    writer.add_rope_freq_base(config.rope_freq_base)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_expert_count(config.n_expert)
    writer.add_expert_used_count(config.n_expert_used)
    writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)

    tokens, types, merges = vocabulary(data)
    ids = tokenizer.SPECIAL_ID
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(ids["<|endoftext|>"])
    writer.add_eos_token_id(ids["<|endoftext|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)
    for part, token in (("pre", "prefix"), ("suf", "suffix"), ("mid", "middle"), ("pad", "pad")):
        writer.add_uint32(f"tokenizer.ggml.fim_{part}_token_id", ids[f"<|fim_{token}|>"])
    writer.add_uint32("tokenizer.ggml.fim_rep_token_id", ids["<|repo_name|>"])
    writer.add_uint32("tokenizer.ggml.fim_sep_token_id", ids["<|file_sep|>"])

    # What our own prompt builder may use; training/README.md has the exact text at every seam.
    writer.add_array("hearth.capabilities", ["complete"])
    # The layouts that measure better than a plain prompt, best first; without the key the product uses none.
    if layouts:
        writer.add_array("hearth.fim.layouts", layouts)
    writer.add_array("hearth.prompt.file_header", ["<|file_sep|>", "{path}\n"])


def export(checkpoint, data, path, kind="ema", layouts=()):
    """Writes a checkpoint's weights, "ema" (averaged) or "master" (the last ones), as a GGUF file, in one piece."""
    config, weights = read_weights(checkpoint, kind)
    writer = gguf.GGUFWriter(f"{path}.tmp", "smallthinker")
    write_keys(writer, config, data, list(layouts))
    for name, weight in weights.items():
        quantization = gguf.GGMLQuantizationType.F32
        if is_q4_0(name):
            quantization = gguf.GGMLQuantizationType.Q4_0
        elif is_q8_0(name):
            quantization = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(weight.float().numpy(), quantization), raw_dtype=quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(f"{path}.tmp", path)
    print(f"{path}: {os.path.getsize(path)} bytes")


def load(path):
    """(Config, {name: float32 tensor}) of an exported file: the numbers an engine computes with."""
    reader = gguf.GGUFReader(path)
    key = lambda name: reader.fields[f"smallthinker.{name}"].contents()
    tensors = {t.name: torch.from_numpy(gguf.quants.dequantize(t.data, t.tensor_type).copy()) for t in reader.tensors}
    config = Config(
        n_vocab=len(tensors["token_embd.weight"]),
        n_embd=key("embedding_length"),
        n_layer=key("block_count"),
        n_head=key("attention.head_count"),
        n_head_kv=key("attention.head_count_kv"),
        head_dim=key("attention.key_length"),
        n_ff=key("expert_feed_forward_length"),
        n_expert=key("expert_count"),
        n_expert_used=key("expert_used_count"),
        rope_freq_base=key("rope.freq_base"),
        rms_eps=key("attention.layer_norm_rms_epsilon"),
        context_length=key("context_length"),
    )
    return config, tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with tokenizer.json")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--weights", choices=["ema", "master"], default="ema", help="averaged weights, or the last ones")
    parser.add_argument("--layouts", nargs="*", default=[], choices=["suffix-first", "prefix-first"], help="to name in the file, best first")
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.data, arguments.out, arguments.weights, arguments.layouts)


if __name__ == "__main__":
    main()
