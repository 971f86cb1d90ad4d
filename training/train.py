"""Trains the starter model for a given time and writes checkpoints that a later call resumes.

On a CPU several single-threaded processes share the parameters, each with its own batch: on a machine that others use too, one
slowed core then slows one process, where threads of one process would all wait for it after every operation. On a GPU there is
one process and torch.compile works on the whole model.

The parameters the model computes with are a rounded copy of the optimiser's once the last phase begins: Q4_0 for attention and
experts, Q8_0 for the embedding, as export.py writes them (gradients pass straight through). The exported file then loses nothing.
"""

import argparse
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.multiprocessing as mp

import data
import model as model_module
import tokenizer
from model import Config, SmallThinker, TiedHeadLoss, softmax_gradient_
from quantize import is_q4_0, is_q8_0, round_q4_0, round_q8_0

MUON_MOMENTUM, MUON_STEPS = 0.95, 5
ADAM_BETAS, ADAM_EPS = (0.9, 0.98), 1e-8
BALANCE_WEIGHT = 0.01


@dataclass
class Plan:
    """What happens when, as shares of the whole time."""

    warmup: float = 0.01
    cooldown: float = 0.35  # the learning rate falls linearly from here to almost nothing
    quantized: float = 0.85  # rounded weights from here on
    # (from this share on, tokens a row): long rows cost more for each token, and little of them is enough.
    lengths: tuple = ((0.0, 512), (0.95, 1024))
    # (from this share on, share of plain samples, weight of a middle's tokens): first the languages, then the task.
    mixes: tuple = ((0.0, 0.5, 2.0), (0.82, 0.2, 4.0))

    def rate(self, done):
        """Learning-rate factor at `done` of the time."""
        if done < self.warmup:
            return 0.05 + 0.95 * done / self.warmup
        return max(0.01, min(1.0, (1 - done) / (1 - self.cooldown)))

    def n_tokens(self, done):
        return [n for start, n in self.lengths if done >= start][-1]

    def mix(self, done):
        """(share of plain samples, weight of a middle's tokens) at `done` of the time."""
        return [mix for start, *mix in self.mixes if done >= start][-1]


def orthogonalize(x):
    """Muon's Newton-Schulz iteration: the nearest semi-orthogonal matrix of every matrix in x [..., rows, columns], about."""
    x = x.bfloat16()
    wide = x.shape[-2] <= x.shape[-1]
    x = x if wide else x.mT
    x = x / (x.float().norm(dim=(-2, -1), keepdim=True) + 1e-7).to(x.dtype)
    for _ in range(MUON_STEPS):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x if wide else x.mT).float()


class Batches(torch.utils.data.IterableDataset):
    """Endless (ids, weights) of data.Sampler, as tensors, by what the plan says for `done`, a shared number."""

    def __init__(self, folder, plan, done, tokens, seed):
        self.folder, self.plan, self.done, self.tokens, self.seed = folder, plan, done, tokens, seed

    def __iter__(self):
        loader = torch.utils.data.get_worker_info()
        seed = self.seed + (1_000_000 * (loader.id + 1) if loader else 0)
        sampler = data.Sampler(data.load(self.folder / "train.jsonl"), tokenizer.load(self.folder), seed)
        while True:
            sampler.n_tokens = self.plan.n_tokens(self.done.value)
            sampler.plain, sampler.middle_weight = self.plan.mix(self.done.value)
            ids, weights = sampler.batch(self.tokens // sampler.n_tokens)
            yield torch.from_numpy(ids), torch.from_numpy(weights)


class Parameters:
    """All parameters in shared memory, and what an optimiser keeps of them: flat float32 vectors of one length.

    values: what the model computes with; master: what is optimised; grads[w]: process w's gradient; first, second: moments.
    """

    def __init__(self, model, n_workers, device):
        shapes = [(name, p.shape, p.numel()) for name, p in model.named_parameters()]
        starts = [0]
        for _, _, n in shapes:
            starts.append(starts[-1] + n)
        self.spans = {name: (slice(start, start + n), shape) for start, (name, shape, n) in zip(starts, shapes)}
        flat = lambda *lead: torch.zeros(*lead, starts[-1], device=device).share_memory_()
        self.values, self.master, self.first, self.second = flat(), flat(), flat(), flat()
        self.grads = flat(n_workers)
        for name, p in model.named_parameters():
            self.of(self.master, name).copy_(p.data)
        self.values.copy_(self.master)

    def of(self, flat, name):
        span, shape = self.spans[name]
        return flat[span].view(shape)

    def attach(self, model, worker):
        """Makes the model's parameters and gradients views of the shared memory."""
        for name, p in model.named_parameters():
            p.data = self.of(self.values, name)
            p.grad = self.of(self.grads[worker], name)

    def owned(self, worker, n_workers):
        """This worker's share of the parameters: largest first, to whoever has least."""
        load = [0] * n_workers
        mine = []
        for name, (_, shape) in sorted(self.spans.items(), key=lambda item: -item[1][1].numel()):
            target = load.index(min(load))
            load[target] += shape.numel()
            if target == worker:
                mine.append(name)
        return mine

    def step(self, name, rate, muon_lr, adam_lr, n_steps, quantized):
        """Updates one parameter from the mean of all workers' gradients. n_steps counts from 1."""
        grad = torch.stack([self.of(g, name) for g in self.grads]).mean(0)
        master, first, second = (self.of(flat, name) for flat in (self.master, self.first, self.second))
        if is_q4_0(name):
            first.lerp_(grad, 1 - MUON_MOMENTUM)
            update = orthogonalize(grad.lerp(first, MUON_MOMENTUM))
            lr = rate * muon_lr * max(1, grad.shape[-2] / grad.shape[-1]) ** 0.5
            master.mul_(1 - rate * muon_lr * 0.02).sub_(update, alpha=lr)
        else:
            first.lerp_(grad, 1 - ADAM_BETAS[0])
            second.lerp_(grad.square(), 1 - ADAM_BETAS[1])
            corrected = (second / (1 - ADAM_BETAS[1] ** n_steps)).sqrt_().add_(ADAM_EPS)
            master.sub_(first / (1 - ADAM_BETAS[0] ** n_steps) / corrected, alpha=rate * adam_lr)
        if quantized and is_q4_0(name):
            self.of(self.values, name).copy_(round_q4_0(master))
        elif quantized and is_q8_0(name):
            self.of(self.values, name).copy_(round_q8_0(master))
        else:
            self.of(self.values, name).copy_(master)


def save(path, parameters, config, state):
    """Writes a checkpoint in one piece: a reader or a kill never meets half of one."""
    tensors = {key: getattr(parameters, key).cpu() for key in ("master", "first", "second")}
    weights = {name: parameters.of(parameters.values, name).clone().cpu() for name in parameters.spans}
    torch.save({"config": asdict(config), "weights": weights, "optimiser": tensors, "state": state}, f"{path}.tmp")
    os.replace(f"{path}.tmp", path)


def work(worker, arguments, config, plan, parameters, barrier, state):
    """One process: batches, gradients, and its share of the updates, until the time is over."""
    device = torch.device(arguments.device)
    torch.manual_seed(worker)
    if device.type == "cpu":
        torch.set_num_threads(1)
    model = SmallThinker(config).to(device)
    parameters.attach(model, worker)
    # Every block is one and the same code; row lengths change twice.
    torch._dynamo.config.cache_size_limit = 64
    forward, gradient = model, softmax_gradient_
    if not arguments.eager:
        forward = torch.compile(model, dynamic=False)
        gradient = torch.compile(softmax_gradient_, dynamic=False)
        model_module.reglu = torch.compile(model_module.reglu, dynamic=True)
        model_module.reglu_backward = torch.compile(model_module.reglu_backward, dynamic=True)
    shared_done = mp.Value("d", state["seconds"] / arguments.seconds)
    batches = Batches(arguments.data, plan, shared_done, arguments.tokens, 1000 * worker + state["steps"])
    batches = iter(torch.utils.data.DataLoader(batches, batch_size=None, num_workers=arguments.loaders))
    mine = parameters.owned(worker, arguments.workers)
    spent_before, started, last_save, last_log = state["seconds"], time.monotonic(), time.monotonic(), time.monotonic()
    mean_loss = None

    while True:
        seconds = spent_before + time.monotonic() - started
        if worker == 0:
            state["seconds"] = seconds
        barrier.wait()
        done = state["seconds"] / arguments.seconds
        if done >= 1:
            break
        shared_done.value = done
        ids, weights = (tensor.to(device) for tensor in next(batches))
        parameters.grads[worker].zero_()
        with torch.autocast(device.type, dtype=torch.bfloat16):
            # On a CPU the last phases are too short to pay for compiling again.
            chosen = forward if device.type == "cuda" or ids.shape[1] - 1 == plan.lengths[0][1] else model
            hidden, _, balance = chosen(ids[:, :-1].contiguous())
        share = weights[:, 1:].flatten() / weights[:, 1:].sum()
        loss = TiedHeadLoss.apply(
            hidden.flatten(0, 1), model.token_embd.weight, ids[:, 1:].flatten(), share, torch.bfloat16, gradient
        )
        (loss + BALANCE_WEIGHT * balance).backward()
        barrier.wait()
        with torch.no_grad():
            for name in mine:
                parameters.step(
                    name, plan.rate(done), arguments.muon_lr, arguments.adam_lr, state["steps"] + 1, done >= plan.quantized
                )
        barrier.wait()
        if worker != 0:
            continue
        state["steps"] += 1
        state["tokens"] += ids[:, 1:].numel() * arguments.workers
        mean_loss = loss.item() if mean_loss is None else 0.97 * mean_loss + 0.03 * loss.item()
        if time.monotonic() - last_log > arguments.log_seconds or state["steps"] <= 3:
            last_log = time.monotonic()
            print(
                f"{done:6.1%} step {state['steps']} {state['tokens'] / 1e6:.2f} M tokens, loss {mean_loss:.4f}, balance {balance.item():.3f}, "
                f"{state['tokens'] / state['seconds']:.0f} tokens/s, {ids.shape[1] - 1} a row",
                flush=True,
            )
        if time.monotonic() - last_save > arguments.save_seconds:
            last_save = time.monotonic()
            save(arguments.checkpoint, parameters, config, dict(state))
    if worker == 0:
        save(arguments.checkpoint, parameters, config, dict(state))
        print(f"done: {state['steps']} steps, {state['tokens']} tokens, {state['seconds']:.0f} s, loss {mean_loss}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl and tokenizer.json")
    parser.add_argument("--checkpoint", type=Path, required=True, help="file to write, and to resume from if it exists")
    parser.add_argument("--seconds", type=float, required=True, help="length of the whole run, earlier parts included")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=0, help="processes; default: one a core on a CPU, 1 on a GPU")
    parser.add_argument("--loaders", type=int, default=-1, help="processes that make batches; default: 0 on a CPU, 12 on a GPU")
    parser.add_argument("--tokens", type=int, default=2048, help="tokens a step and worker; a multiple of 2048")
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=0.004)
    parser.add_argument("--eager", action="store_true", help="no torch.compile")
    parser.add_argument("--log-seconds", type=float, default=30)
    parser.add_argument("--save-seconds", type=float, default=180)
    for name, value in asdict(Config()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    arguments = parser.parse_args()
    arguments.workers = arguments.workers or (os.cpu_count() if arguments.device == "cpu" else 1)
    if arguments.loaders < 0:
        arguments.loaders = 0 if arguments.device == "cpu" else 12
    config = Config(**{name: getattr(arguments, name) for name in asdict(Config())})

    torch.manual_seed(0)
    parameters = Parameters(SmallThinker(config), arguments.workers, arguments.device)
    state = {"steps": 0, "tokens": 0, "seconds": 0.0}
    if arguments.checkpoint.exists():
        saved = torch.load(arguments.checkpoint, weights_only=True)
        config, state = Config(**saved["config"]), saved["state"]
        for key, tensor in saved["optimiser"].items():
            getattr(parameters, key).copy_(tensor)
        for name, weight in saved["weights"].items():
            parameters.of(parameters.values, name).copy_(weight)
    if arguments.workers == 1:
        work(0, arguments, config, Plan(), parameters, mp.Barrier(1), state)
        return
    context = mp.get_context("spawn")
    with context.Manager() as manager:
        shared = manager.dict(state)
        mp.spawn(work, (arguments, config, Plan(), parameters, manager.Barrier(arguments.workers), shared), arguments.workers)


if __name__ == "__main__":
    main()
