"""Trains the starter model: warm-up, a constant learning rate for as long as one likes, and branches that decay it.

    train.py --data DATA --checkpoint stable.pt                                    goes on where the checkpoint is, without end
    train.py --data DATA --checkpoint decay.pt --decay stable.pt --decay-tokens N  leaves stable.pt as it is; its end is exported
    train.py --data DATA --checkpoint new.pt --init FILE.gguf                      begins with the weights of an exported file

Everything is planned by tokens, nothing by time, so a run may be stopped, paused or killed at any moment: the checkpoint is
replaced in one piece, and knows which text has been read.

On a CPU several single-threaded processes share the parameters, each with its own batch: on a machine that others use too, one
slowed core then slows one process, where threads of one process would all wait for it after every operation. On a GPU there is
one process and torch.compile works on the whole model.

In a decay branch the parameters that the model computes with are a rounded copy of the optimiser's: Q4_0 for attention and
experts, Q8_0 for the embedding, as export.py writes them (gradients pass straight through). The exported file then loses nothing.
"""

import argparse
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.multiprocessing as mp

import data
import model as model_module
import tokenizer
from data import Mix
from model import Config, SmallThinker, TiedHeadLoss, softmax_gradient_
from quantize import is_q4_0, is_q8_0, round_q4_0, round_q8_0

MUON_MOMENTUM, MUON_STEPS, MUON_DECAY = 0.95, 5, 0.05
ADAM_BETAS, ADAM_EPS, ADAM_DECAY = (0.9, 0.98), 1e-8, 0.1
BALANCE_WEIGHT = 0.01
STABLE_MIX, DECAY_MIX = Mix(), Mix(plain=0.3, middle_weight=3.0)
EMA_TOKENS = {"stable": 4_000_000, "decay": 500_000}  # over how many tokens the averaged weights reach back


@dataclass(frozen=True)
class Schedule:
    """Learning-rate factor by tokens. decay_from: where the decay begins, or None; decay: its length in tokens."""

    warmup: int
    decay_from: int | None = None
    decay: int = 0

    def rate(self, tokens):
        rate = min(1.0, 0.05 + 0.95 * tokens / self.warmup) if self.warmup else 1.0
        if self.decay_from is not None:
            # 1 - sqrt: falls fast at first, and spends most tokens at small rates.
            rate *= 1 - min(1.0, max(0, tokens - self.decay_from) / self.decay) ** 0.5
        return rate

    def is_over(self, tokens):
        return self.decay_from is not None and tokens >= self.decay_from + self.decay


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


class Parameters:
    """All parameters in shared memory, and what an optimiser keeps of them: flat float32 vectors of one length.

    values: what the model computes with; master: what is optimised; ema: average of master; grads[w]: process w's gradient;
    first, second: moments.
    """

    def __init__(self, model, n_workers, device):
        shapes = [(name, p.shape, p.numel()) for name, p in model.named_parameters()]
        starts = [0]
        for _, _, n in shapes:
            starts.append(starts[-1] + n)
        self.spans = {name: (slice(start, start + n), shape) for start, (name, shape, n) in zip(starts, shapes)}
        flat = lambda *lead: torch.zeros(*lead, starts[-1], device=device).share_memory_()
        self.values, self.master, self.first, self.second, self.ema = flat(), flat(), flat(), flat(), flat()
        self.grads = flat(n_workers)
        for name, p in model.named_parameters():
            self.of(self.master, name).copy_(p.data)
        self.values.copy_(self.master)
        self.ema.copy_(self.master)

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

    def step(self, name, optimizer, muon_lr, adam_lr, n_steps, quantized, ema):
        """Updates one parameter from the mean of all workers' gradients. n_steps counts from 1; ema: share of the new value."""
        grad = self.of(self.grads[0], name)
        for other in self.grads[1:]:
            grad = grad + self.of(other, name)
        grad = grad / len(self.grads)
        master, first, second = (self.of(flat, name) for flat in (self.master, self.first, self.second))
        if is_q4_0(name) and optimizer == "muon":
            first.lerp_(grad, 1 - MUON_MOMENTUM)
            update = orthogonalize(grad.lerp(first, MUON_MOMENTUM))
            lr = muon_lr * max(1, grad.shape[-2] / grad.shape[-1]) ** 0.5
            master.mul_(1 - muon_lr * MUON_DECAY).sub_(update, alpha=lr)
        else:
            first.lerp_(grad, 1 - ADAM_BETAS[0])
            second.lerp_(grad.square(), 1 - ADAM_BETAS[1])
            corrected = (second / (1 - ADAM_BETAS[1] ** n_steps)).sqrt_().add_(ADAM_EPS)
            if is_q4_0(name):
                master.mul_(1 - adam_lr * ADAM_DECAY)
            master.sub_(first / (1 - ADAM_BETAS[0] ** n_steps) / corrected, alpha=adam_lr)
        self.of(self.ema, name).lerp_(master, ema)
        self.of(self.values, name).copy_(rounded(name, master) if quantized else master)


def rounded(name, weight):
    """What the exported file holds of a weight."""
    return round_q4_0(weight) if is_q4_0(name) else round_q8_0(weight) if is_q8_0(name) else weight


class Batches(torch.utils.data.IterableDataset):
    """Endless (ids, weights, reader, shard, row): a batch, who read it, and where that reader goes on after it.

    Each loader process is a reader; without loaders, `reader` is this process's number among n_readers.
    """

    def __init__(self, folder, mix, n_readers, places, n_rows, seed, reader=0):
        self.folder, self.mix, self.n_readers, self.places, self.n_rows = folder, mix, n_readers, places, n_rows
        self.seed, self.reader = seed, reader

    def __iter__(self):
        loader = torch.utils.data.get_worker_info()
        reader = loader.id if loader else self.reader
        corpus = data.Corpus(data.load(self.folder / "train.jsonl"), tokenizer.load(self.folder), self.seed)
        source = data.Reader(corpus, self.mix, self.n_readers, self.places[reader])
        while True:
            ids, weights = source.batch(self.n_rows)
            yield torch.from_numpy(ids), torch.from_numpy(weights), reader, *source.place


def new_state():
    """tokens, steps: of these weights so far; warmup, decay_from, decay: of the schedule, in tokens; places: next to be read."""
    return {"tokens": 0, "steps": 0, "warmup": 0, "decay_from": None, "decay": 0, "places": [], "mix": {}, "seed": 0}


def write(path, content):
    """Writes a file of torch.save in one piece: a reader or a kill never meets half of one."""
    with open(f"{path}.tmp", "wb") as f:
        torch.save(content, f)
        f.flush()
        os.fsync(f.fileno())
    os.replace(f"{path}.tmp", path)


def save(path, parameters, config, state):
    flat = {key: getattr(parameters, key).cpu() for key in ("master", "first", "second", "ema")}
    write(path, {"config": asdict(config), "flat": flat, "state": state})


def save_weights(path, parameters, config, state):
    """The averaged weights alone, bfloat16: a sixteenth of a checkpoint. `--init` and evaluate.py read it too."""
    weights = {name: parameters.of(parameters.ema, name).to(torch.bfloat16, copy=True).cpu() for name in parameters.spans}
    write(path, {"config": asdict(config), "weights": weights, "state": state})


def read_weights(path, kind="ema"):
    """(Config, {name: float32 tensor}) of a checkpoint ("ema" or "master"), of save_weights, or of an exported .gguf."""
    if Path(path).suffix == ".gguf":
        import export  # not at the top: export.py imports this module, and training itself needs no gguf

        return export.load(path)
    saved = torch.load(path, weights_only=True)
    config = Config(**saved["config"])
    if "weights" in saved:
        return config, {name: weight.float() for name, weight in saved["weights"].items()}
    spans = Parameters(SmallThinker(config), 0, "cpu").spans
    return config, {name: saved["flat"][kind][span].view(shape).clone() for name, (span, shape) in spans.items()}


class Stop:
    """Ends the run after the step in hand, with a checkpoint, on SIGTERM and SIGINT."""

    def __init__(self):
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.ask)

    def ask(self, *_):
        self.asked = True


def work(worker, arguments, config, parameters, barrier, shared, state):
    """One process: batches, gradients, and its share of the updates, until the schedule or the text is over.

    shared: int64 tensor in shared memory: whether to stop, then (shard, row) of every reader.
    """
    device = torch.device(arguments.device)
    torch.manual_seed(worker)
    stop = Stop()
    if device.type == "cpu":
        torch.set_num_threads(1)
    model = SmallThinker(config).to(device)
    parameters.attach(model, worker)
    torch._dynamo.config.cache_size_limit = 64
    gradient = softmax_gradient_
    if not arguments.eager:
        # Every block is one and the same code: compiled by itself it is compiled once.
        for block in model.blk:
            block.compile(dynamic=False)
        gradient = torch.compile(softmax_gradient_, dynamic=False)
        model_module.reglu = torch.compile(model_module.reglu, dynamic=True)
        model_module.reglu_backward = torch.compile(model_module.reglu_backward, dynamic=True)
    mix = Mix(**state["mix"])
    n_readers = len(state["places"])
    batches = Batches(arguments.data, mix, n_readers, state["places"], arguments.tokens // mix.n_tokens, state["seed"], worker)
    batches = iter(torch.utils.data.DataLoader(batches, batch_size=None, num_workers=arguments.loaders, pin_memory=device.type == "cuda"))
    n_micro = max(1, arguments.batch // (arguments.tokens * arguments.workers))
    mine = parameters.owned(worker, arguments.workers)
    log = RunLog(arguments, state) if worker == 0 else None
    started = last_save = time.monotonic()

    while True:
        schedule = Schedule(state["warmup"], state["decay_from"], state["decay"])
        if worker == 0:
            text_is_over = int(shared[1::2].min()) >= arguments.passes * arguments.n_shards
            shared[0] = stop.asked or schedule.is_over(state["tokens"]) or state["tokens"] >= arguments.until or text_is_over
        barrier.wait()
        if shared[0]:
            break
        parameters.grads[worker].zero_()
        loss, moved = 0.0, {}
        for _ in range(n_micro):
            ids, weights, reader, shard, row = next(batches)
            moved[reader] = shard, row
            ids, weights = ids.to(device, non_blocking=True), weights.to(device, non_blocking=True)
            with torch.autocast(device.type, dtype=torch.bfloat16):
                hidden, _, balance = model(ids[:, :-1].contiguous())
            share = weights[:, 1:].flatten() / weights[:, 1:].sum().clamp(min=1) / n_micro
            part = TiedHeadLoss.apply(
                hidden.flatten(0, 1), model.token_embd.weight, ids[:, 1:].flatten(), share, torch.bfloat16, gradient
            )
            (part + BALANCE_WEIGHT / n_micro * balance).backward()
            loss = loss + part.detach()
        barrier.wait()
        for reader, place in moved.items():
            shared[1 + 2 * reader : 3 + 2 * reader] = torch.tensor(place)
        rate = schedule.rate(state["tokens"])
        n_tokens = n_micro * arguments.tokens * arguments.workers
        reach = EMA_TOKENS["stable" if state["decay_from"] is None else "decay"]
        ema = max(min(1.0, n_tokens / reach), 1 / (1 + state["steps"] / 4))
        with torch.no_grad():
            for name in mine:
                parameters.step(
                    name, arguments.optimizer, rate * arguments.muon_lr, rate * arguments.adam_lr,
                    state["steps"] + 1, state["decay_from"] is not None, ema,
                )  # fmt: skip
        barrier.wait()
        state["steps"] += 1
        state["tokens"] += n_tokens
        if worker != 0:
            continue
        state["places"] = shared[1:].view(-1, 2).tolist()
        log.step(state, loss, balance, rate)
        if arguments.seconds and state["decay_from"] is None and time.monotonic() - started > 0.75 * arguments.seconds:
            # A machine lent for a time: what is left of it is enough for a third of what was seen.
            save(f"{arguments.checkpoint}.stable", parameters, config, state)
            state.update(decay_from=state["tokens"], decay=int((state["tokens"] - log.first_tokens) * 0.3))
        if arguments.keep_every and state["tokens"] // arguments.keep_every > (state["tokens"] - n_tokens) // arguments.keep_every:
            save_weights(f"{arguments.checkpoint}.{state['tokens'] // 1_000_000:04d}M", parameters, config, state)
        if time.monotonic() - last_save > arguments.save_seconds:
            save(arguments.checkpoint, parameters, config, state)
            last_save = time.monotonic()
    if worker == 0:
        save(arguments.checkpoint, parameters, config, state)
        log.end(state)


class RunLog:
    """Prints progress, and appends it to CHECKPOINT.jsonl: one object a line, for the loss curve."""

    def __init__(self, arguments, state):
        self.path, self.every, self.n_shards = f"{arguments.checkpoint}.jsonl", arguments.log_seconds, arguments.n_shards
        self.first_tokens = self.tokens = state["tokens"]
        self.time, self.losses, self.n_steps = time.monotonic(), [], 0

    def step(self, state, loss, balance, rate):
        self.losses.append(loss)
        self.n_steps += 1
        seconds = time.monotonic() - self.time
        if seconds < self.every and self.n_steps > 3:
            return
        loss = torch.stack(self.losses).mean().item()
        if loss != loss:
            raise FloatingPointError(f"the loss is not a number at step {state['steps']}; the checkpoint is of before")
        n_passes = max(shard for shard, _ in state["places"]) / self.n_shards
        speed = (state["tokens"] - self.tokens) / seconds
        entry = {"tokens": state["tokens"], "step": state["steps"], "loss": round(loss, 4), "balance": round(balance.item(), 4)}
        entry |= {"rate": round(rate, 4), "passes": round(n_passes, 3), "speed": round(speed), "time": round(time.time())}
        with open(self.path, "a") as f:
            f.write(json.dumps(entry) + "\n")
        print(
            f"{state['tokens'] / 1e6:.2f} M tokens, step {state['steps']}, loss {loss:.4f}, balance {entry['balance']:.3f}, "
            f"rate {rate:.3f}, pass {n_passes:.2f}, {speed:.0f} tokens/s",
            flush=True,
        )
        self.time, self.tokens, self.losses = time.monotonic(), state["tokens"], []

    def end(self, state):
        print(f"ended after {state['steps']} steps, {state['tokens']} tokens", flush=True)


def prepare(arguments, config):
    """(Config, Parameters, state) of the checkpoint if there is one, else of --decay, --init or random weights."""
    source = arguments.checkpoint if arguments.checkpoint.exists() else arguments.decay
    if source:
        saved = torch.load(source, weights_only=True)
        config, state = Config(**saved["config"]), saved["state"]
        parameters = Parameters(SmallThinker(config), arguments.workers, arguments.device)
        for key, tensor in saved["flat"].items():
            getattr(parameters, key).copy_(tensor)
        if source != arguments.checkpoint:
            state.update(decay_from=state["tokens"], decay=arguments.decay_tokens)
            parameters.ema.copy_(parameters.master)
    else:
        state = new_state() | {"warmup": arguments.warmup_tokens, "seed": arguments.seed}
        weights = None
        if arguments.init:
            config, weights = read_weights(arguments.init)
        model = SmallThinker(config)
        if weights:
            model.load_state_dict(weights)
        parameters = Parameters(model, arguments.workers, arguments.device)
    for name in parameters.spans:
        master = parameters.of(parameters.master, name)
        parameters.of(parameters.values, name).copy_(rounded(name, master) if state["decay_from"] is not None else master)
    mix = asdict(STABLE_MIX if state["decay_from"] is None else DECAY_MIX)
    for key in mix:
        if getattr(arguments, key) is not None:
            mix[key] = getattr(arguments, key)
    n_readers = arguments.loaders or arguments.workers
    state["places"] = data.places(state["places"], n_readers, state["mix"] == mix)
    state["mix"] = mix
    return config, parameters, state


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with train.jsonl and tokenizer.json")
    parser.add_argument("--checkpoint", type=Path, required=True, help="file to write, and to go on from if it exists")
    parser.add_argument("--decay", type=Path, help="checkpoint whose learning rate is decayed; stays as it is")
    parser.add_argument("--decay-tokens", type=int, default=10_000_000, help="length of the decay")
    parser.add_argument("--init", type=Path, help="exported .gguf to begin with (or weights that a run has kept): fresh optimiser")
    parser.add_argument("--weights-to", type=Path, help="train nothing: write the checkpoint's averaged weights, bfloat16, to this file")
    parser.add_argument("--until", type=float, default=float("inf"), help="stop at this number of tokens")
    parser.add_argument("--seconds", type=float, help="begin the decay after three quarters of this time")
    parser.add_argument("--passes", type=int, default=4, help="stop when the text has been read this often")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--workers", type=int, default=0, help="processes; default: one a core on a CPU, 1 on a GPU")
    parser.add_argument("--loaders", type=int, default=-1, help="processes that make batches; default: 0 on a CPU, 12 on a GPU")
    parser.add_argument("--tokens", type=int, default=4096, help="tokens at a time and worker; a multiple of a row's")
    parser.add_argument("--batch", type=int, default=16384, help="tokens a step, all workers together")
    parser.add_argument("--warmup-tokens", type=int, default=1_000_000)
    parser.add_argument("--optimizer", choices=["muon", "adamw"], default="muon", help="of attention and experts")
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=0.004)
    parser.add_argument("--seed", type=int, default=0, help="of weights and order of reading")
    parser.add_argument("--eager", action="store_true", help="no torch.compile")
    parser.add_argument("--log-seconds", type=float, default=30)
    parser.add_argument("--save-seconds", type=float, default=240)
    parser.add_argument("--keep-every", type=int, default=0, help="keep the averaged weights every so many tokens, as CHECKPOINT.0010M")
    for name, kind in (("n_tokens", int), ("plain", float), ("middle_weight", float)):
        parser.add_argument("--" + name.replace("_", "-"), type=kind, help=f"see data.py, Mix; default {asdict(STABLE_MIX)[name]}")
    for name, value in asdict(Config()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    arguments = parser.parse_args()
    arguments.workers = arguments.workers or (os.cpu_count() if arguments.device == "cpu" else 1)
    if arguments.loaders < 0:
        arguments.loaders = 0 if arguments.device == "cpu" else 12
    if arguments.seconds and arguments.workers > 1:
        parser.error("--seconds is for one process: --workers 1")
    return arguments


def main():
    arguments = parse()
    if arguments.weights_to:
        config, weights = read_weights(arguments.checkpoint)
        state = torch.load(arguments.checkpoint, weights_only=True)["state"]
        write(arguments.weights_to, {"config": asdict(config), "weights": {n: w.bfloat16() for n, w in weights.items()}, "state": state})
        return
    TiedHeadLoss.CHUNK = 256 if arguments.device == "cpu" else 8192
    torch.manual_seed(arguments.seed)
    config = Config(**{name: getattr(arguments, name) for name in asdict(Config())})
    config, parameters, state = prepare(arguments, config)
    arguments.n_shards = data.Corpus(data.load(arguments.data / "train.jsonl"), tokenizer.load(arguments.data)).n_shards
    shared = torch.tensor([0, *(number for place in state["places"] for number in place)]).share_memory_()
    context = mp.get_context("spawn")
    barrier = context.Barrier(arguments.workers)
    if arguments.workers == 1:
        work(0, arguments, config, parameters, barrier, shared, state)
        return
    Stop()  # the workers end by themselves, and this process after them
    mp.spawn(work, (arguments, config, parameters, barrier, shared, state), arguments.workers)


if __name__ == "__main__":
    main()
