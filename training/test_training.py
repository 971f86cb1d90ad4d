"""Run with `python -m unittest` in this folder."""

import random
import unittest

import gguf
import torch

import data
import model
import quantize


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
    def test_seams(self):
        lines = [f"{' ' * (i % 7)}line {i}\n" * (i % 5 != 0) or "\n" for i in range(30)]
        rng = random.Random(0)
        for _ in range(2000):
            prefix, middle, suffix = data.split(rng, lines)
            text = "".join(lines)
            self.assertTrue(text.startswith(prefix + middle))
            if text.startswith(prefix + middle + "\n" + suffix):
                continue
            # A cut at any characters has no newline between its middle and its suffix.
            self.assertTrue(text.startswith(prefix + middle + suffix))


if __name__ == "__main__":
    unittest.main()
