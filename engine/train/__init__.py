"""How the shipped model is made: corpus, mutants, tokenizer, objective, trainer, evaluation."""
