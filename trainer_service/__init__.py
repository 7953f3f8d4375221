"""The trainer: turns a model spec and images into a fine-tuned model and its backbone."""
