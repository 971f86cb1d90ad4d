"""Trains the byte-level BPE vocabulary and wraps it: `python tokenizer.py --data DIR` writes DIR/tokenizer.json.

With `--from FILE.gguf` it is that file's vocabulary instead, for training that begins with the file's weights.

Pre-tokenising is Qwen2's (GGUF `tokenizer.ggml.pre = qwen2`), so that any engine that runs SmallThinker can read it.
Special tokens come after the text tokens; text never produces them.
"""

import argparse
import json
import random
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

N_VOCAB = 8192
SPECIALS = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_middle|>",
    "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>",
]  # fmt: skip
SPECIAL_ID = {token: N_VOCAB - len(SPECIALS) + i for i, token in enumerate(SPECIALS)}

QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def wrapped(bpe):
    """A Tokenizer that splits text as Qwen2 does, then by this BPE model."""
    tokenizer = Tokenizer(bpe)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(QWEN2_SPLIT), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train(texts):
    """A Tokenizer of N_VOCAB - len(SPECIALS) text tokens."""
    tokenizer = wrapped(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=N_VOCAB - len(SPECIALS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    assert tokenizer.get_vocab_size() == N_VOCAB - len(SPECIALS)
    return tokenizer


def from_gguf(path):
    """The Tokenizer of an exported file, without its special tokens, which text never produces."""
    import gguf  # not needed to train

    reader = gguf.GGUFReader(path)
    tokens, merges = (reader.fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "merges"))
    if tokens[N_VOCAB - len(SPECIALS) :] != SPECIALS:
        raise ValueError(f"{path} has other special tokens than {SPECIALS}")
    vocabulary = {token: i for i, token in enumerate(tokens[: N_VOCAB - len(SPECIALS)])}
    return wrapped(models.BPE(vocabulary, [tuple(merge.split(" ")) for merge in merges]))


def load(data):
    return Tokenizer.from_file(str(data / "tokenizer.json"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of corpus.py")
    parser.add_argument("--megabytes", type=float, default=20, help="text to learn the merges from, in MB")
    parser.add_argument("--from", dest="source", type=Path, help="exported .gguf whose vocabulary to take")
    arguments = parser.parse_args()
    if arguments.source:
        from_gguf(arguments.source).save(str(arguments.data / "tokenizer.json"))
        return
    with open(arguments.data / "train.jsonl") as f:
        texts = [json.loads(line)["text"] for line in f]
    random.Random(0).shuffle(texts)
    size, chosen = 0, []
    for text in texts:
        if size > arguments.megabytes * 1e6:
            break
        size += len(text)
        chosen.append(text)
    tokenizer = train(chosen)
    tokenizer.save(str(arguments.data / "tokenizer.json"))
    sample = texts[-200:]
    count = sum(len(e.ids) for e in tokenizer.encode_batch(sample))
    print(f"{sum(len(t.encode()) for t in sample) / count:.2f} bytes a token on {len(sample)} documents")


if __name__ == "__main__":
    main()
