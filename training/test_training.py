"""Run with `python -m unittest` in this folder."""

import json
import lzma
import random
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import gguf
import numpy as np
import torch

import corpus
import curve
import data
import evaluate
import export
import model
import ngram
import pack
import quantize
import scaling
import tokenizer
import train

HERE = Path(__file__).parent


def some_source(n_lines, seed=0):
    rng = random.Random(seed)
    words = ["count", "items", "length", "push", "value", "index", "result", "total"]
    lines = []
    for i in range(n_lines):
        lines.append("    " * rng.randrange(3) + f"{rng.choice(words)}_{i % 7} = {rng.choice(words)}.{rng.choice(words)}({i})\n" if i % 6 else "\n")
    return "".join(lines)


def write_data(folder, n_documents=30, n_lines=60):
    """A tiny DATA folder: train.jsonl and a tokenizer.json with the real special ids."""
    texts = [some_source(n_lines, seed) for seed in range(n_documents)]
    with open(folder / "train.jsonl", "w") as f:
        for i, text in enumerate(texts):
            f.write(json.dumps({"registry": "npm", "name": "p", "path": f"src/{i}.py", "language": "python", "text": text}) + "\n")
    tokenizer.from_gguf(HERE / "../models/hearth-starter.gguf").save(str(folder / "tokenizer.json"))
    return [(f"src/{i}.py", text) for i, text in enumerate(texts)]


class ModelTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(0)

    def check_same(self, functions, inputs, fixed=()):
        """Values and gradients of two functions agree to float32 rounding."""
        results = []
        for function in functions:
            leaves = [x.clone().requires_grad_() for x in inputs]
            out = function(*leaves, *fixed)
            weights = torch.arange(out.numel()).view_as(out).cos()
            results.append([out, *torch.autograd.grad((out * weights).sum(), leaves)])
        for a, b in zip(*results):
            torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-4)

    def test_grouped_experts_are_the_dense_sum(self):
        ids = torch.randn(70, 4).topk(2).indices
        reorder = lambda f: lambda m, gates, gate, up, down, ids: f(m, ids, gates, gate, up, down)
        inputs = torch.randn(70, 32), torch.rand(70, 2), torch.randn(4, 48, 32), torch.randn(4, 48, 32), torch.randn(4, 32, 48)
        self.check_same([reorder(model.experts_dense), reorder(model.experts_grouped)], inputs, [ids])

    def test_blockwise_attention_is_the_fused_one(self):
        inputs = torch.randn(2, 4, 300, 64), torch.randn(2, 2, 300, 64), torch.randn(2, 2, 300, 64)
        self.check_same([model.attend_fused, model.attend_in_blocks], inputs)


class QuantizeTest(unittest.TestCase):
    def test_rounding_is_ggml_s(self):
        weight = torch.randn(64, 256)
        weight[0, :32] = 0
        for name, ours in (("Q4_0", quantize.round_q4_0), ("Q8_0", quantize.round_q8_0)):
            kind = gguf.GGMLQuantizationType[name]
            theirs = gguf.quants.dequantize(gguf.quants.quantize(weight.numpy(), kind), kind)
            self.assertTrue(torch.equal(ours(weight), torch.from_numpy(theirs)))
            self.assertTrue(torch.equal(ours(ours(weight)), ours(weight)))


class DataTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.documents = write_data(Path(cls.folder.name))
        cls.bpe = tokenizer.load(Path(cls.folder.name))

    def corpus(self, **options):
        return data.Corpus(list(self.documents), self.bpe, seed=3, shard_chars=8000, **options)

    def text(self, ids):
        return self.bpe.decode(ids, skip_special_tokens=False)

    def test_seams(self):
        lines = [f"{' ' * (i % 7)}line {i}\n" * (i % 5 != 0) or "\n" for i in range(30)]
        rng = random.Random(0)
        for _ in range(2000):
            prefix, middle, suffix, may_heal = data.split(rng, lines)
            text = "".join(lines)
            self.assertTrue(text.startswith(prefix + middle))
            if text.startswith(prefix + middle + "\n" + suffix):
                continue
            # A cut at any characters has no newline between its middle and its suffix.
            self.assertTrue(text.startswith(prefix + middle + suffix) and not may_heal)

    def test_healing_takes_back_the_identifier(self):
        heal = data.Encoder(self.bpe).heal
        for before, owed in (("x = items.len", {".len", "len"}), ("    return tota", {" tota"}), ("x = f(", {"("}), ("x = 1\n", {""})):
            ids, taken = heal("a = 1\n" + before)
            self.assertIn(taken, owed)
            self.assertEqual(self.text(ids) + taken, "a = 1\n" + before)

    def test_healing_after_indentation_takes_it_back(self):
        ids, taken = data.Encoder(self.bpe).heal("if x:\n        ")
        self.assertTrue(taken and not taken.strip())
        self.assertEqual(self.text(ids) + taken, "if x:\n        ")

    def test_rows_read_every_document_once_a_pass(self):
        corpus = self.corpus()
        seen = [document for g in range(corpus.n_shards) for document in corpus.shard(g)]
        self.assertEqual(sorted(seen), sorted(self.documents))
        again = [document for g in range(corpus.n_shards, 2 * corpus.n_shards) for document in corpus.shard(g)]
        self.assertEqual(sorted(again), sorted(self.documents))
        self.assertNotEqual(seen, again)

    def test_plain_rows_lose_no_text(self):
        mix = data.Mix(n_tokens=128, plain=1.0)
        corpus = self.corpus()
        counted = sum(sum(1 for w in weights if w) for g in range(corpus.n_shards) for _, weights in corpus.rows(g, mix))
        expected = sum(len(self.bpe.encode(text).ids) + 1 for _, text in self.documents)
        self.assertGreater(counted, 0.9 * expected)  # less than REST_TOKENS_MIN of a cut text is left out
        self.assertLess(counted, 1.05 * expected)

    def test_samples_read_as_the_document(self):
        mix = data.Mix(n_tokens=256, plain=0.0)
        corpus = self.corpus()
        texts = [text for _, text in self.documents]
        found = 0
        for ids, _, may_cut in corpus.samples(0, mix, random.Random(1)):
            if may_cut:
                continue
            if ids[0] == data.FILE_SEP:
                ids = ids[min(ids.index(mark) for mark in (data.PRE, data.SUF)) :]
            middle = ids[ids.index(data.MID) + 1 : -1]
            self.assertEqual(ids[-1], data.EOT)
            pre, suf, mid = (ids.index(mark) for mark in (data.PRE, data.SUF, data.MID))
            prefix, suffix = (ids[pre + 1 : suf], ids[suf + 1 : mid]) if pre < suf else (ids[pre + 1 : mid], ids[suf + 1 : pre])
            prefix, middle, suffix = map(self.text, (prefix, middle, suffix))
            self.assertTrue(any(prefix + middle + "\n" + suffix in text or prefix + middle + suffix in text for text in texts))
            found += 1
        self.assertGreater(found, 5)

    def test_a_reader_goes_on_where_it_was(self):
        mix = data.Mix(n_tokens=128)
        whole = data.Reader(self.corpus(), mix, 2, (1, 0))
        for _ in range(7):
            whole.batch(3)
        resumed = data.Reader(self.corpus(), mix, 2, whole.place)
        for _ in range(5):
            for a, b in zip(whole.batch(3), resumed.batch(3)):
                self.assertTrue((a == b).all())

    def test_places(self):
        self.assertEqual(data.places([], 2, True), [(0, 0), (1, 0)])
        self.assertEqual(data.places([[4, 7], [5, 2]], 2, True), [(4, 7), (5, 2)])
        self.assertEqual(data.places([[4, 7], [5, 2]], 2, False), [(6, 0), (7, 0)])
        self.assertEqual(data.places([[4, 7], [5, 2]], 3, True), [(6, 0), (7, 0), (8, 0)])


class ScheduleTest(unittest.TestCase):
    def test_warms_up_stays_and_falls(self):
        stable = train.Schedule(warmup=100)
        self.assertLess(stable.rate(0), 0.1)
        self.assertEqual(stable.rate(100), 1)
        self.assertEqual(stable.rate(10**9), 1)
        self.assertFalse(stable.is_over(10**9))
        decay = train.Schedule(warmup=100, decay_from=1000, decay=400)
        self.assertEqual(decay.rate(1000), 1)
        self.assertAlmostEqual(decay.rate(1100), 0.5)
        self.assertEqual(decay.rate(1400), 0)
        self.assertTrue(decay.is_over(1400) and not decay.is_over(1399))


class RunTest(unittest.TestCase):
    """Runs of train.py on two tiny processes."""

    SHAPE = "--n-layer 1 --n-embd 32 --n-head 1 --n-head-kv 1 --head-dim 32 --n-ff 64 --n-expert 2 --n-tokens 64 --tokens 128 --batch 256"

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)
        write_data(self.folder)

    def run_to(self, checkpoint, *options):
        command = [sys.executable, "train.py", "--data", str(self.folder), "--checkpoint", str(self.folder / checkpoint), "--device", "cpu"]
        command += [*self.SHAPE.split(), "--workers", "2", "--eager", "--warmup-tokens", "256", *map(str, options)]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return torch.load(self.folder / checkpoint, weights_only=True)

    def test_stopped_and_resumed_is_the_same_as_in_one_go(self):
        whole = self.run_to("whole.pt", "--until", 2048)
        self.run_to("parts.pt", "--until", 1024)
        parts = self.run_to("parts.pt", "--until", 2048)
        self.assertEqual(whole["state"], parts["state"])
        for key in ("master", "first", "second", "ema"):
            torch.testing.assert_close(whole["flat"][key], parts["flat"][key])

    def test_a_decay_leaves_the_stable_checkpoint_and_exports(self):
        stable = self.run_to("stable.pt", "--until", 1024)
        before = (self.folder / "stable.pt").read_bytes()
        end = self.run_to("decay.pt", "--decay", self.folder / "stable.pt", "--decay-tokens", 1024)
        self.assertEqual((self.folder / "stable.pt").read_bytes(), before)
        self.assertEqual(end["state"]["tokens"], stable["state"]["tokens"] + 1024)
        self.assertFalse(torch.equal(end["flat"]["master"], stable["flat"]["master"]))

        exported = self.folder / "out.gguf"
        export.export(self.folder / "decay.pt", self.folder, exported, "ema", ["suffix-first"])
        config, weights = train.read_weights(exported)
        _, kept = train.read_weights(self.folder / "decay.pt")
        self.assertEqual(config.n_ff, 64)
        for name, weight in weights.items():
            torch.testing.assert_close(weight, train.rounded(name, kept[name]), atol=1e-6, rtol=1e-5)
        fresh = self.run_to("again.pt", "--init", exported, "--until", 256)
        self.assertEqual(fresh["state"]["tokens"], 256)
        self.assertTrue(tokenizer.from_gguf(exported).encode("a = b.c").ids)


class NGramTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = random.Random(0)
        phrases = [[rng.randrange(50, 90) for _ in range(6)] for _ in range(12)]
        cls.tokens = [token for _ in range(400) for token in rng.choice(phrases)]

    def made(self, size_max):
        arrays = ngram.train(self.tokens, size_max)
        return ngram.NGrams(arrays), arrays

    def test_probabilities_add_up_and_are_the_text_s(self):
        ngrams, _ = self.made(10**6)
        bits = 0
        for place in range(1000, 1300):
            p, longest = ngrams.after(self.tokens[:place])
            self.assertAlmostEqual(p.sum(), 1, places=9)
            self.assertTrue((p > 0).all())
            self.assertGreater(longest, 1)
            bits -= np.log2(p[self.tokens[place]])
        # Of six tokens one is open, among twelve phrases.
        self.assertLess(bits / 300, np.log2(12) / 6 + 0.35)

    def test_is_as_absolute_discounting_counts(self):
        ngrams, _ = self.made(10**6)
        a, b = self.tokens[500], self.tokens[501]
        pairs = [pair for pair in zip(self.tokens, self.tokens[1:]) if pair[0] == a]
        own = (pairs.count((a, b)) - ngram.DISCOUNT) / len(pairs)
        found = {order: dict(zip(tokens.tolist(), p)) for order, tokens, p in ngrams.found([a])}
        self.assertAlmostEqual(found[2][b] / own, 1, delta=0.05)

    def test_keeps_to_its_size_and_leaves_out_what_saves_least(self):
        _, everything = self.made(10**6)
        small, arrays = self.made(ngram.FILE_BYTES + 4 * ngram.N_VOCAB + 600)
        with tempfile.TemporaryDirectory() as name:
            with open(Path(name) / "n.npz", "wb") as f:
                np.savez(f, **arrays)
            self.assertLessEqual((Path(name) / "n.npz").stat().st_size, ngram.FILE_BYTES + 4 * ngram.N_VOCAB + 600)
        size = lambda of: sum(len(of[f"tokens{order}"]) for order in range(2, ngram.ORDER + 1))
        self.assertTrue(0 < size(arrays) < size(everything))
        self.assertAlmostEqual(small.after(self.tokens[:700])[0].sum(), 1, places=9)

    def test_weights_follow_who_is_right(self):
        weights = ngram.expectation_maximisation([(2, 0.9, 0.1)] * 200 + [(3, 0.1, 0.9)] * 200)
        self.assertGreater(weights[2], 0.9)
        self.assertLess(weights[3], 0.1)

    def test_an_answer_begins_with_what_is_owed_and_ends_with_its_line(self):
        pieces = [b"a", b"le", b"len", b"gth", b"\n", b"x"]
        said = [b"a", b"x", b"gth", b"\n"]  # the likeliest by step; only `len` goes along with what is owed

        def predict(tokens):
            p = np.full(8, 0.01)
            p[pieces.index(said[len(tokens) - 1])] = 0.5
            if len(tokens) == 1:
                p[pieces.index(b"len")] = 0.1
            elif len(tokens) == 2:
                p[pieces.index(b"gth")] = 0.9
            else:
                p[pieces.index(b"\n")] = 0.9
            return p

        answers = ngram.Answers(pieces)
        self.assertEqual(answers.after(predict, [7], b"le", b"ngth"), b"ngth")
        self.assertEqual(answers.after(predict, [7], b"", b"y"), b"a")

    def test_compares_with_a_starter(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_data(folder)
            with open(folder / "heldout.jsonl", "w") as f:
                for i, language in enumerate(evaluate.LANGUAGES * 2):
                    text = some_source(40, 100 + i)
                    f.write(json.dumps({"name": f"p{i}", "path": f"a/{i}.x", "language": language, "text": text}) + "\n")
            ngrams = ngram.NGrams(ngram.train(ngram.tokens_of(folder), 300_000))
            tiny = model.SmallThinker(model.Config(n_layer=1, n_embd=32, n_head=1, n_head_kv=1, head_dim=32, n_ff=64, n_expert=2)).eval()
            with torch.inference_mode():
                lines = ngram.compare(ngrams, tiny, folder, 14, 2)
        cells = [cell.strip() for cell in next(line for line in lines if line.startswith("| all")).split("|")[2:-1]]
        ours, starter, both = map(float, cells[:3])
        self.assertLess(ours, 1.5)
        self.assertGreater(starter, 2)  # has learnt nothing
        self.assertLess(both, ours + 0.05)
        self.assertEqual(cells[3], "14")


class CurveTest(unittest.TestCase):
    def test_finds_the_law_that_points_follow(self):
        points = [(tokens, 1.2 + 4 * tokens**-0.4) for tokens in range(10, 60)]
        fits = scaling.likely_fits(points)
        best = min(fits, key=lambda found: abs(found[0] - 1.2))
        self.assertAlmostEqual(best[0], 1.2, delta=0.05)
        self.assertAlmostEqual(scaling.loss_at(best, 200), 1.2 + 4 * 200**-0.4, delta=0.02)
        self.assertIn("| 200 |", "\n".join(scaling.report(points, (40, 1.0), [200])))

    def test_runs_outlive_their_logs(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            entries = [{"tokens": 20_000 * step, "loss": 5 - step / 100} for step in range(1, 200)]
            (folder / "starter.pt.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
            run = lambda *logs: subprocess.run(
                [sys.executable, "curve.py", "--csv", folder / "loss.csv", "--out", folder / "loss.svg", *logs], cwd=HERE, check=True
            )
            run(folder / "starter.pt.jsonl")
            first = (folder / "loss.csv").read_text()
            drawn = (folder / "loss.svg").read_text()
            (folder / "starter.pt.jsonl").unlink()
            run()
            self.assertEqual((folder / "loss.csv").read_text(), first)
            self.assertEqual((folder / "loss.svg").read_text(), drawn)
            (points,) = curve.read_csv(folder / "loss.csv").values()
            self.assertEqual(len(points), 17)
            self.assertEqual(points[-1][0], 3.98)


class CorpusTest(unittest.TestCase):
    def test_a_share_has_all_that_is_measured_with_and_all_of_a_smaller_share(self):
        packages = json.loads(corpus.PACKAGES.read_text())
        small, large = corpus.chosen(packages, 0.1), corpus.chosen(packages, 0.5)
        measured = [p for p in packages if p.get("heldout") or p.get("reserved")]
        self.assertEqual(small[: len(measured)], measured)
        self.assertTrue(all(p in large for p in small))
        self.assertTrue(0.05 < (len(small) - len(measured)) / len(packages) < 0.15)
        self.assertCountEqual(map(corpus.key_of, corpus.chosen(packages, 1.0)), map(corpus.key_of, packages))

    def test_overlap_finds_and_drops_a_copy(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            documents = write_data(folder, 5)
            (folder / "cases.jsonl").write_text(json.dumps({"prompt": documents[2][1]}) + "\n")
            corpus.overlap(folder, [folder / "cases.jsonl"], True)
            left = [path for path, _ in data.load(folder / "train.jsonl")]
            self.assertNotIn("src/2.py", left)

    def test_own_folders(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "app/src").mkdir(parents=True)
            (folder / "app/src/a.py").write_text(some_source(40))
            (folder / "app/node_modules").mkdir()
            (folder / "app/node_modules/b.py").write_text(some_source(40, 1))
            corpus.folder(folder, [folder / "app"])
            self.assertEqual([path for path, _ in data.load(folder / "train.jsonl")], ["src/a.py"])


class PackTest(unittest.TestCase):
    def test_keeps_to_its_size_and_joins_parts(self):
        rng = random.Random(0)
        lines = [("%0200x\n" % rng.getrandbits(800)).encode() for _ in range(60_000)]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            limit = 3 << 20
            count = pack.compress(lines, folder / "t.xz", limit)
            self.assertLess(count, len(lines))
            self.assertLessEqual((folder / "t.xz").stat().st_size, limit)
            self.assertEqual(lzma.decompress((folder / "t.xz").read_bytes()), b"".join(lines[:count]))
            (folder / "w.part00").write_bytes(b"ab")
            (folder / "w.part01").write_bytes(b"c")
            self.assertEqual(pack.join(folder), ["w"])
            self.assertEqual((folder / "w").read_bytes(), b"abc")


if __name__ == "__main__":
    unittest.main()
