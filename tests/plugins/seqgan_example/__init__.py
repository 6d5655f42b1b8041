"""A package that adds a reward, an algorithm, a generator, a discriminator and a kind of data, one file each."""
