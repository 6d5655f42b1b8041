"""SeqGAN (Yu et al., AAAI 2017) from the command line: train a generator of discrete sequences, and tell how good it is."""

__version__ = "0.1.0"
