"""The architectures that can be loaded: which class of transformers, and what each needs to be told."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Architecture:
    """What one `model_type` needs.

    Attributes:
        module: the module of transformers below `transformers.models`; the front door takes a second longer.
        kind: the class in it that gives hidden states.
        decoder: whether it was made to go on writing: it attends causally unless told otherwise.
        reserved: positions of `max_position_embeddings` that hold no token (RoBERTa: from padding + 1 on).
        pooler: whether its class has a pooler that is to be left out.
    """

    module: str
    kind: str
    decoder: bool = False
    reserved: int = 0
    pooler: bool = False

    def first_position(self, config: Any) -> int:
        """Position of the first token of a text, by the model's settings: after that of padding, or 0."""
        return int(config.pad_token_id) + 1 if self.reserved else 0


ARCHITECTURES: dict[str, Architecture] = {
    "bert": Architecture("bert.modeling_bert", "BertModel", pooler=True),
    "distilbert": Architecture("distilbert.modeling_distilbert", "DistilBertModel"),
    "roberta": Architecture("roberta.modeling_roberta", "RobertaModel", reserved=2, pooler=True),
    "xlm-roberta": Architecture(
        "xlm_roberta.modeling_xlm_roberta", "XLMRobertaModel", reserved=2, pooler=True
    ),
    "modernbert": Architecture("modernbert.modeling_modernbert", "ModernBertModel"),
    "qwen2": Architecture("qwen2.modeling_qwen2", "Qwen2Model", decoder=True),
    "qwen3": Architecture("qwen3.modeling_qwen3", "Qwen3Model", decoder=True),
    "llama": Architecture("llama.modeling_llama", "LlamaModel", decoder=True),
    "mistral": Architecture("mistral.modeling_mistral", "MistralModel", decoder=True),
    "gte": Architecture("gte.modeling_gte", "GteModel", pooler=True),
    "new": Architecture("gte.modeling_gte", "GteModel", pooler=True),
}
