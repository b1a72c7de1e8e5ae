"""Encoders behind an embeddings server: vLLM, TEI, Ollama, llama.cpp, any OpenAI-compatible endpoint."""
