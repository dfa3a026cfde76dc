"""The command line: one command a file, each calls one job and prints what it returns."""

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from typing import TextIO

import typer

from striate._errors import StriateError
from striate.cli.conv import conv
from striate.cli.data import data
from striate.cli.filter import filter_
from striate.cli.find_rate import find_rate
from striate.cli.layers import layers
from striate.cli.predict import predict
from striate.cli.report import report
from striate.cli.step import step
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
app.command()(layers)
app.command()(conv)
app.command(name="filter")(filter_)
app.command()(step)


def run(arguments: Sequence[str]) -> int:
    """Run one command; return the exit code.

    A mistake of the user's is one or two lines on standard error and code 2. Ctrl-C is 130. A
    reader that closes the pipe early (`| head`) is no error.
    """
    try:
        code = _invoke(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()  # here, where a full disk or a closed pipe can still be told
    except BrokenPipeError:
        _drop(sys.stdout)
        code = 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _drop(sys.stdout)
        say("error: cannot write the output: no room on the disk", error=True)
        code = 2
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        _drop(sys.stderr)  # nobody can be told; the exit code still says it
    return code


def _invoke(arguments: Sequence[str]) -> int:
    # Not `app(...)`: it turns a broken pipe into exit code 1 and Ctrl-C into silence.
    command = typer.main.get_command(app)
    try:
        _refuse_empty(arguments)
        with command.make_context("striate", list(arguments)) as context:
            command.invoke(context)
    except StriateError as error:
        say(f"error: {error}", error=True)
        return 2
    except typer.Exit as error:
        return error.exit_code
    except (typer.Abort, KeyboardInterrupt):
        say("stopped", error=True)
        return 130
    except Exception as error:
        if _usage(error):
            return 2
        raise
    return 0


def _refuse_empty(arguments: Sequence[str]) -> None:
    """Refuse an empty argument: as a path it would be the current folder, which nobody meant."""
    for before, argument in zip(("", *arguments), arguments, strict=False):
        option, _, value = argument.partition("=")
        if argument and (value or "=" not in argument or not argument.startswith("--")):
            continue
        after = f"the argument after {before}" if before.startswith("--") else "an argument"
        named = option or after
        raise StriateError(f"{named} is empty; is a variable of the shell not set?")


def _usage(error: Exception) -> bool:
    """Print a mistake in the arguments; return whether `error` is one."""
    # click's UsageError and its kin, wherever typer keeps them
    message, context = getattr(error, "format_message", None), getattr(error, "ctx", None)
    if message is None or not hasattr(error, "exit_code"):
        return False
    if context is not None and not context.args and message() == context.get_help():
        say(message())  # no arguments at all: the help
        return True
    path = "striate" if context is None else context.command_path
    say(f"error: {message()}\nwhat it takes: {path} --help", error=True)
    return True


def _drop(stream: TextIO | None) -> None:
    """Send what is still to be written nowhere: Python flushes at exit and would complain."""
    if stream is None:
        return
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
