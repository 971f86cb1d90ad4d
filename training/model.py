"""SmallThinker in PyTorch, small: parameters carry their GGUF tensor names, so that export.py is a plain loop.

Shapes: B sequences, T tokens, N = B·T, d = n_embd, E = n_expert, k = n_expert_used. Weights are [out, in] (ggml's ne reversed).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    n_vocab: int = 8192
    n_embd: int = 256
    n_layer: int = 8
    n_head: int = 4
    n_head_kv: int = 2
    head_dim: int = 64
    n_ff: int = 192
    n_expert: int = 16
    n_expert_used: int = 2
    rope_freq_base: float = 10000.0
    rms_eps: float = 1e-6
    context_length: int = 2048


class Weight(nn.Module):
    """One matrix, or a stack of E matrices."""

    def __init__(self, *shape):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape) * shape[-1] ** -0.5)


class Norm(nn.Module):
    def __init__(self, n_embd, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_embd))
        self.eps = eps

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


def rope_tables(config, n_tokens, device):
    """cos and sin, [T, head_dim] each, for NEOX pairs (i, i + head_dim/2)."""
    exponents = torch.arange(0, config.head_dim, 2, device=device).float() / config.head_dim
    angles = torch.outer(torch.arange(n_tokens, device=device).float(), config.rope_freq_base**-exponents)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Rotary position embedding of x, [B, heads, T, head_dim]."""
    low, high = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-high, low], dim=-1) * sin


def attend_fused(q, k, v):
    """Causal attention of q [B, n_head, T, head_dim] to k and v [B, n_head_kv, T, head_dim]."""
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)


def attend_in_blocks(q, k, v, block=128):
    """The same for the CPU, whose fused kernel is slow backwards: plain products, without most of what the mask would drop."""
    n_sequences, n_head, n_tokens, head_dim = q.shape
    n_head_kv = k.shape[1]
    q = q.reshape(n_sequences * n_head_kv, n_head // n_head_kv, n_tokens, head_dim) * head_dim**-0.5
    k, v = k.reshape(-1, n_tokens, head_dim), v.reshape(-1, n_tokens, head_dim)
    outputs = []
    for start in range(0, n_tokens, block):
        end = min(start + block, n_tokens)
        rows = q[:, :, start:end].flatten(1, 2)  # the query heads of one key head, one below the other
        scores = torch.bmm(rows, k[:, :end].transpose(1, 2)).unflatten(1, (-1, end - start))
        future = torch.arange(end, device=q.device) > torch.arange(start, end, device=q.device)[:, None]
        weights = scores.float().masked_fill(future, -torch.inf).softmax(-1).to(v.dtype)
        outputs.append(torch.bmm(weights.flatten(1, 2), v[:, :end]).unflatten(1, (-1, end - start)))
    return torch.cat(outputs, dim=2).view(n_sequences, n_head, n_tokens, head_dim)


class GroupedExperts(torch.autograd.Function):
    """Sum of the chosen experts' outputs: tokens are sorted by expert, one small product per expert. Least work; for the CPU.

    m [N, d], ids and gates [N, k], w_gate and w_up [E, n_ff, d], w_down [E, d, n_ff] → [N, d]. The backward pass is written out:
    autograd's own would zero and add a whole weight stack per expert, and scatter where gathering is enough.
    Every expert's rows are padded to a multiple of PAD: the matrix library compiles a kernel for each new number of rows.
    """

    PAD = 64

    @staticmethod
    def forward(ctx, m, ids, gates, w_gate, w_up, w_down):
        n_tokens, n_used = ids.shape
        flat = ids.flatten()
        order = flat.argsort(stable=True)
        counts = torch.bincount(flat, minlength=len(w_gate))
        padded = (counts + GroupedExperts.PAD - 1) // GroupedExperts.PAD * GroupedExperts.PAD
        shift = (padded.cumsum(0) - padded) - (counts.cumsum(0) - counts)
        place = torch.empty_like(order)  # row of (token, rank)
        place[order] = torch.arange(len(order)) + shift[flat[order]]
        ends = padded.cumsum(0).tolist()
        parts = [slice(start, end) for start, end in zip([0, *ends], ends)]
        rows = m.new_zeros(ends[-1], m.shape[1])
        rows[place] = m.repeat_interleave(n_used, 0)
        gate, up = rows.new_empty(2, len(rows), w_gate.shape[1])
        for e, part in enumerate(parts):
            torch.mm(rows[part], w_gate[e].T, out=gate[part])
            torch.mm(rows[part], w_up[e].T, out=up[part])
        hidden = reglu(gate, up)
        out = torch.empty_like(rows)
        for e, part in enumerate(parts):
            torch.mm(hidden[part], w_down[e].T, out=out[part])
        ctx.parts = parts
        ctx.save_for_backward(rows, gate, up, hidden, out, place, gates, w_gate, w_up, w_down)
        return torch.bmm(gates[:, None, :].to(out.dtype), out[place].view(n_tokens, n_used, -1)).squeeze(1)

    @staticmethod
    def backward(ctx, grad):
        rows, gate, up, hidden, out, place, gates, w_gate, w_up, w_down = ctx.saved_tensors
        n_tokens, n_used = gates.shape
        grad = grad.to(rows.dtype)
        grad_gates = torch.bmm(out[place].view(n_tokens, n_used, -1), grad[:, :, None]).squeeze(2).to(gates.dtype)
        grad_out = torch.zeros_like(rows)
        grad_out[place] = (grad[:, None, :] * gates[:, :, None].to(rows.dtype)).flatten(0, 1)
        grad_hidden, grad_rows = torch.empty_like(hidden), torch.empty_like(rows)
        grad_w_gate, grad_w_up, grad_w_down = torch.empty_like(w_gate), torch.empty_like(w_up), torch.empty_like(w_down)
        for e, part in enumerate(ctx.parts):
            torch.mm(grad_out[part], w_down[e], out=grad_hidden[part])
            torch.mm(grad_out[part].T, hidden[part], out=grad_w_down[e])
        grad_gate, grad_up = reglu_backward(grad_hidden, gate, up)
        for e, part in enumerate(ctx.parts):
            torch.mm(grad_gate[part], w_gate[e], out=grad_rows[part])
            grad_rows[part].addmm_(grad_up[part], w_up[e])
            torch.mm(grad_gate[part].T, rows[part], out=grad_w_gate[e])
            torch.mm(grad_up[part].T, rows[part], out=grad_w_up[e])
        grad_m = grad_rows[place].view(n_tokens, n_used, -1).sum(1)
        return grad_m, None, grad_gates, grad_w_gate, grad_w_up, grad_w_down


def reglu(gate, up):
    return F.relu(gate) * up


def reglu_backward(grad, gate, up):
    return torch.where(gate > 0, grad * up, 0.0), grad * F.relu(gate)


@torch.compiler.disable
def experts_grouped(*arguments):
    return GroupedExperts.apply(*arguments)


def experts_dense(m, ids, gates, w_gate, w_up, w_down):
    """The same sum with every expert computed for every token: E/k times the work, but of fixed shape; for torch.compile on a GPU."""
    weights = torch.zeros(m.shape[0], w_gate.shape[0], device=m.device, dtype=gates.dtype).scatter(1, ids, gates)
    hidden = F.relu(torch.einsum("nd,efd->nef", m, w_gate)) * torch.einsum("nd,efd->nef", m, w_up)
    return torch.einsum("nef,edf->nd", hidden * weights.unsqueeze(2).to(hidden.dtype), w_down)


class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        self.attn_norm = Norm(c.n_embd, c.rms_eps)
        self.attn_q = Weight(c.n_head * c.head_dim, c.n_embd)
        self.attn_k = Weight(c.n_head_kv * c.head_dim, c.n_embd)
        self.attn_v = Weight(c.n_head_kv * c.head_dim, c.n_embd)
        self.attn_output = Weight(c.n_embd, c.n_head * c.head_dim)
        self.ffn_norm = Norm(c.n_embd, c.rms_eps)
        self.ffn_gate_inp = Weight(c.n_expert, c.n_embd)
        self.ffn_gate_exps = Weight(c.n_expert, c.n_ff, c.n_embd)
        self.ffn_up_exps = Weight(c.n_expert, c.n_ff, c.n_embd)
        self.ffn_down_exps = Weight(c.n_expert, c.n_embd, c.n_ff)

    def route(self, x):
        """Chosen experts by rank, [N, k], their gates, [N, k], and the load-balancing loss, from the raw residual x [B, T, d]."""
        c = self.config
        with torch.autocast(x.device.type, enabled=False):
            logits = F.linear(x.float(), self.ffn_gate_inp.weight).flatten(0, 1)
            chosen, ids = logits.topk(c.n_expert_used, dim=-1)
            gates = chosen.sigmoid()
            gates = gates / gates.sum(-1, keepdim=True)
            # Switch-transformer loss: share of tokens times mean probability, 1 when all experts are equally busy.
            share = F.one_hot(ids, c.n_expert).sum(1).float().mean(0) / c.n_expert_used
            balance = c.n_expert * (share * logits.softmax(-1).mean(0)).sum()
        return ids, gates, balance

    def attention(self, h, cos, sin):
        """Causal grouped-query attention of h [B, T, d]."""
        c = self.config
        heads = lambda weight, n: F.linear(h, weight.weight).unflatten(-1, (n, c.head_dim)).transpose(1, 2)
        q = rotate(heads(self.attn_q, c.n_head), cos, sin)
        k = rotate(heads(self.attn_k, c.n_head_kv), cos, sin)
        v = heads(self.attn_v, c.n_head_kv)
        attend = attend_fused if h.is_cuda else attend_in_blocks
        a = attend(q.to(v.dtype), k.to(v.dtype), v)
        return F.linear(a.transpose(1, 2).flatten(2), self.attn_output.weight)

    def forward(self, x, cos, sin):
        ids, gates, balance = self.route(x)
        x = x + self.attention(self.attn_norm(x), cos, sin)
        m = self.ffn_norm(x).flatten(0, 1)
        weights = self.ffn_gate_exps.weight, self.ffn_up_exps.weight, self.ffn_down_exps.weight
        if torch.is_autocast_enabled(x.device.type):
            # Slices of a cast weight, not casts of slices: one cast per stack.
            dtype = torch.get_autocast_dtype(x.device.type)
            m, weights = m.to(dtype), [w.to(dtype) for w in weights]
        experts = experts_dense if x.is_cuda else experts_grouped
        return x + experts(m, ids, gates, *weights).view_as(x), ids, balance


class SmallThinker(nn.Module):
    """All n_layer blocks with tied embedding and head."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embd = Weight(config.n_vocab, config.n_embd)
        self.blk = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.output_norm = Norm(config.n_embd, config.rms_eps)
        with torch.no_grad():
            # The embedding is also the head: small, or the first logits are far too sure.
            self.token_embd.weight.mul_(0.5)
            for block in self.blk:
                block.attn_output.weight.mul_((2 * config.n_layer) ** -0.5)
                block.ffn_down_exps.weight.mul_((2 * config.n_layer) ** -0.5)

    def forward(self, tokens):
        """tokens [B, T] → normalised last hidden state [B, T, d], experts by rank per layer [N, k], mean balance loss."""
        cos, sin = rope_tables(self.config, tokens.shape[1], tokens.device)
        x = F.embedding(tokens, self.token_embd.weight)
        chosen, balance = [], 0.0
        for block in self.blk:
            x, ids, layer_balance = block(x, cos, sin)
            chosen.append(ids)
            balance = balance + layer_balance / len(self.blk)
        return self.output_norm(x), chosen, balance

    def logits(self, tokens):
        """tokens [B, T] → logits [B, T, n_vocab]."""
        return F.linear(self(tokens)[0], self.token_embd.weight)


def softmax_gradient_(logits, target, weight):
    """Weighted cross-entropy of logits [n, V] against target [n, 1], weight [n, 1]; its gradient takes the logits' place."""
    exact = logits.float()
    log_p = exact - exact.logsumexp(dim=-1, keepdim=True)
    loss = -(log_p.gather(1, target) * weight).sum()
    hot = torch.arange(logits.shape[1], device=logits.device) == target
    logits.copy_((log_p.exp() - hot.float()) * weight)
    return loss


class TiedHeadLoss(torch.autograd.Function):
    """Weighted cross-entropy of hidden [N, d] against targets [N] through the head [V, d], without float32 logits in memory.

    The gradients are made in the forward pass, a chunk of tokens at a time. weights [N] are each token's share of the loss.
    """

    CHUNK = 256  # tokens: few enough that their logits stay near the core

    @staticmethod
    def forward(ctx, hidden, head, targets, weights, dtype, gradient_):
        h, e = hidden.to(dtype), head.to(dtype)
        grad_hidden, grad_logits = torch.empty_like(h), h.new_empty(len(h), len(e))
        loss = hidden.new_zeros((), dtype=torch.float32)
        for start in range(0, len(h), TiedHeadLoss.CHUNK):
            part = slice(start, start + TiedHeadLoss.CHUNK)
            torch.mm(h[part], e.T, out=grad_logits[part])
            loss += gradient_(grad_logits[part], targets[part, None], weights[part, None])
            torch.mm(grad_logits[part], e, out=grad_hidden[part])
        ctx.save_for_backward(grad_hidden, grad_logits.T @ h)
        ctx.dtypes = hidden.dtype, head.dtype
        return loss

    @staticmethod
    def backward(ctx, grad):
        grad_hidden, grad_head = ctx.saved_tensors
        return grad_hidden.to(ctx.dtypes[0]) * grad, grad_head.to(ctx.dtypes[1]) * grad, None, None, None, None
