"""A package that adds a reward, an algorithm, a generator, a discriminator, a kind of data and a tokenizer, one file each."""
