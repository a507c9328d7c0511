"""What is told of each refusal, in both languages; `sandbox.errors` gathers them."""
