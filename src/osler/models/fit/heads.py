"""The heads that an objective needs while it is fitted: they learn along and are thrown away."""

from typing import Any

from osler.base.errors import InputError
from osler.base.files import read_json
from osler.models.fit.network import Network

# Encoders that were made by telling masked tokens, and what their head is called in their weights:
# dense layer, normalisation, bias of the tokens.
_MASKED_HEADS = {
    "bert": (
        "cls.predictions.transform.dense",
        "cls.predictions.transform.LayerNorm",
        "cls.predictions.bias",
    ),
    "roberta": ("lm_head.dense", "lm_head.layer_norm", "lm_head.bias"),
    "xlm-roberta": ("lm_head.dense", "lm_head.layer_norm", "lm_head.bias"),
    "distilbert": ("vocab_transform", "vocab_layer_norm", "vocab_projector.bias"),
}
_MASKS = ("[MASK]", "<mask>")


def require_masked(network: Network) -> int:
    """The id of the mask.

    Raises:
        InputError: the encoder is a decoder or of another kind without such a head, or knows no mask.
    """
    facts = network.facts
    if facts.architecture not in _MASKED_HEADS:
        raise InputError(
            f"masked-language modelling does not apply to the architecture '{facts.architecture}'",
            where=f"encoder '{facts.name}'",
            allowed=sorted(_MASKED_HEADS),
            remedy="use --objective contrastive or supervised",
        )
    added = read_json(facts.path() / "tokenizer.json").get("added_tokens", [])
    found = [token["id"] for token in added if token["content"] in _MASKS]
    if not found:
        raise InputError("the tokenizer has no mask token", where=f"encoder '{facts.name}'", allowed=_MASKS)
    return int(found[0])


def masked_head(network: Network, *, seed: int) -> Any:
    """Head of masked-language modelling, tied to the embeddings of tokens (Devlin et al. 2019).

    Dense layer, GELU, normalisation; then the product with each token's embedding, and a bias. Taken from
    the encoder's weights where they hold it, else new.

    Args:
        network: the encoder.
        seed: of new weights.

    Returns:
        A module with `transform` and `bias`; `token_logits` computes with it.
    """
    import torch
    from safetensors import safe_open

    embedding = network.model.get_input_embeddings().weight
    vocabulary, size = embedding.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        dense, norm = torch.nn.Linear(size, size), torch.nn.LayerNorm(size, eps=1e-12)
        torch.nn.init.normal_(dense.weight, std=0.02)
        torch.nn.init.zeros_(dense.bias)
    head = torch.nn.Module()
    head.transform = torch.nn.Sequential(dense, torch.nn.GELU(), norm)
    head.bias = torch.nn.Parameter(torch.zeros(vocabulary))
    named = _MASKED_HEADS[network.facts.architecture]
    keys = [f"{named[0]}.weight", f"{named[0]}.bias", f"{named[1]}.weight", f"{named[1]}.bias", named[2]]
    places = [dense.weight, dense.bias, norm.weight, norm.bias, head.bias]
    with safe_open(network.facts.path() / "model.safetensors", framework="pt") as file:
        if set(keys) <= set(file.keys()):
            with torch.no_grad():
                for key, place in zip(keys, places, strict=True):
                    place.copy_(file.get_tensor(key))
    return head


def token_logits(network: Network, head: Any, hidden: Any) -> Any:
    """Logits of all tokens.

    Args:
        network: the encoder, for its embeddings.
        head: of `masked_head`.
        hidden: float [n, dimension], vectors of the tokens that are to be told.

    Returns:
        float [n, vocabulary].
    """
    embedding = network.model.get_input_embeddings().weight
    return head.transform(hidden) @ embedding.T + head.bias


def label_head(dimension: int, *, seed: int) -> Any:
    """One linear unit on the vector of a record."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = torch.nn.Linear(dimension, 1)
        torch.nn.init.normal_(head.weight, std=0.02)
        torch.nn.init.zeros_(head.bias)
    return head
