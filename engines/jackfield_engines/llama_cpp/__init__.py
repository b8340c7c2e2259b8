"""GGUF models of any quantization, evaluated in this process by llama.cpp."""
