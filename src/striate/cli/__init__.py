"""The command line: one command a file, each calls one job and prints what it returns."""

import contextlib
import os
import sys
from collections.abc import Sequence

import typer

from striate._errors import StriateError
from striate.cli.data import data
from striate.cli.find_rate import find_rate
from striate.cli.predict import predict
from striate.cli.report import report
from striate.cli.text import say
from striate.cli.train import train
from striate.cli.version import version

__all__ = ["app", "run"]

app = typer.Typer(
    name="striate",
    help="Train convolutional networks on images, and look at what they learned.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.callback()(version)
app.command()(train)
app.command(name="find-rate")(find_rate)
app.command()(predict)
app.command()(report)
app.command()(data)


def run(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code.

    A mistake of the user's is one or two lines on standard error and code 2. Ctrl-C is 130. A
    reader that closes the pipe early (`| head`) is no error.
    """
    try:
        return app(list(arguments), standalone_mode=False) or 0
    except StriateError as error:
        say(f"error: {error}", error=True)
        return 2
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        say("stopped", error=True)
        return 130
    except BrokenPipeError:
        # Python flushes standard output at exit and would complain once more.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if _usage(error):
            return 2
        raise


def _usage(error: Exception) -> bool:
    """Print a mistake in the arguments; return whether `error` is one."""
    show = getattr(error, "show", None)  # click's UsageError and its kin, wherever typer keeps them
    if not hasattr(error, "exit_code") or show is None:
        return False
    show()
    return True
