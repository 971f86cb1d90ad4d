"""What the exported file can hold: which tensor has which type, and rounding to it in PyTorch exactly as ggml does."""

import torch

BLOCK = 32


def is_q4_0(name):
    """Attention and expert matrices."""
    return "attn_norm" not in name and ("attn_" in name or "_exps" in name)


def is_q8_0(name):
    """The embedding, which is the head too: twice the bits, because every token's choice hangs on it."""
    return name == "token_embd.weight"


def round_q4_0(weight):
    """As ggml's quantize_row_q4_0_ref and back: per 32 values d = (value of largest magnitude) / -8, stored as float16."""
    blocks = weight.float().reshape(-1, BLOCK)
    extreme = blocks.gather(1, blocks.abs().argmax(1, keepdim=True))
    scale = extreme / -8
    inverse = torch.where(scale == 0, 0.0, 1 / scale)
    # The quants come from the float32 scale, the value from the stored float16 scale.
    quants = (blocks * inverse + 8.5).clamp_(0, 15).floor_() - 8
    return (quants * scale.half().float()).reshape(weight.shape)


def round_q8_0(weight):
    """As ggml's quantize_row_q8_0_ref and back: per 32 values d = (largest magnitude) / 127, stored as float16."""
    blocks = weight.float().reshape(-1, BLOCK)
    scale = blocks.abs().amax(1, keepdim=True) / 127
    inverse = torch.where(scale == 0, 0.0, 1 / scale)
    # ggml rounds halves away from zero, torch.round to even.
    magnitude = (blocks * inverse).abs()
    whole = magnitude.floor()
    quants = (whole + (2 * (magnitude - whole)).floor()).copysign(blocks)
    return (quants * scale.half().float()).reshape(weight.shape)
