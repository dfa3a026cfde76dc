"""Start of the command line: `striate …` and `python -m striate …`."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line on `sys.argv` and exit: 0 done, 2 a mistake of the user's."""
    from striate.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
