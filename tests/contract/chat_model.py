"""A chat model small enough to write in a test: two layers without weights, one token a byte."""

import json
from pathlib import Path

END = "<|end|>"
_TURN = "{{ message['role'] }}: {{ message['content'] }}\n"
_TEMPLATE = "{% for message in messages %}" + _TURN + "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
CONTEXT = 32_768  # tokens, thus bytes; an idle machine writes a thousand a second


def write_chat_model(folder: Path) -> Path:
    """Configuration and tokenizer as vLLM reads them; gives ``folder``. Start it with ``--load-format dummy``."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = [*_byte_letters(), END]
    special = {"id": len(tokens) - 1, "content": END, "special": True}
    special |= {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    files: dict[str, object] = {
        "config.json": {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": len(tokens),
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "max_position_embeddings": CONTEXT,
            "rms_norm_eps": 1e-5,
            "hidden_act": "silu",
            "tie_word_embeddings": False,
            "bos_token_id": None,
            "eos_token_id": special["id"],
            "torch_dtype": "float32",
        },
        "tokenizer.json": {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [special],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            "post_processor": None,
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "vocab": {token: number for number, token in enumerate(tokens)},
                "merges": [],
            },
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": END,
            "model_max_length": CONTEXT,
            "chat_template": _TEMPLATE,
        },
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def _byte_letters() -> list[str]:
    """The letter that stands for each byte in a byte-level tokenizer: itself where it can be seen, else one above."""
    seen = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    above = iter(range(0x100, 0x200))
    return [chr(byte if byte in seen else next(above)) for byte in range(256)]
