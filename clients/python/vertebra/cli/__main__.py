"""`python -m vertebra.cli` is `vertebra`."""

from vertebra.cli.main import main

if __name__ == "__main__":
    main()
