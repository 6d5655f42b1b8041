"""`python -m seqgan_cli` and the console script `seqgan`."""

from seqgan_cli.cli import main

if __name__ == "__main__":
    main()
