"""striate conv: what it prints, to a pipe and to a terminal, and what it refuses."""

import io
import json
import subprocess
import sys

import pytest

from striate._errors import ShapeError
from striate.cli.conv import parse_lengths, parse_padding
from striate.cli.conv_text import memory_text
from striate.cli.text import say_styled
from tests.cli.conftest import Cli

COURSE = ("conv", "--input", "13", "--kernel", "6", "--stride", "5")
LAYER = ("conv", "--input", "100x150", "--kernel", "5", "--padding", "same", "--in-channels", "3",
         "--out-channels", "200")  # fmt: skip


def rows(out: str) -> dict[str, str]:
    """Return the lines by their first words; a later one of the same label is left out."""
    found: dict[str, str] = {}
    for line in out.splitlines():
        found.setdefault(line[:17].strip(), line[17:].strip())
    return found


def test_the_courses_axis(cli: Cli) -> None:
    done = cli(*COURSE, "--padding", "same")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[0] == "convolution  1 x 13  ->  1 x 3"
    assert "  length         floor((13 + 1 + 2 - 6) / 5) + 1 = 3\n" in done.out
    assert "1 before, 2 after  = max((3 - 1) * 5 + 6 - 13, 0) in all, the odd one" in done.out
    lines = rows(done.out)
    assert lines["parameters"] == "7  = 1 * (1 * 6 + 1)"
    assert lines["multiply-adds"] == "18  = 3 * 1 * 1 * 6"
    assert lines["receptive field"] == "6 pixels, 5 apart; the first begins at -1"
    assert lines["input"] == "52 bytes"


def test_pixels_never_read_and_full_padding(cli: Cli) -> None:
    assert rows(cli(*COURSE).out)["never read"] == "2 pixels at the far end of length"
    out = cli(*COURSE, "--padding", "full", "--dilation", "2").out
    assert "5 before" not in out
    assert "10 before, 10 after  = 11 - 1" in out
    assert rows(out)["span, length"] == "2 * (6 - 1) + 1 = 11"


def test_the_courses_layer(cli: Cli) -> None:
    lines = rows(cli(*LAYER).out)
    assert lines["parameters"] == "15,200  = 200 * (3 * 5 * 5 + 1)"
    assert lines["multiply-adds"] == "225,000,000  = 100 * 150 * 200 * 3 * 5 * 5"
    assert lines["output"] == "11.44 MiB  = 12,000,000 bytes"
    assert lines["receptive field"] == "5 x 5 pixels, 1 x 1 apart; the first begins at (-2, -2)"
    lean = rows(cli(*LAYER, "--no-bias", "--batch", "4", "--dtype", "float16").out)
    assert lean["parameters"] == "15,000  = 200 * 3 * 5 * 5"
    assert lean["multiply-adds"].startswith("900,000,000  = 4 * 100 * 150 * ")
    assert lean["output"] == "22.89 MiB  = 24,000,000 bytes"


def test_against_other_layers(cli: Cli) -> None:
    out = cli(*LAYER, "--against").out
    assert "\nfully            135,000,000,000  135,000,000,000\n" in out
    assert "\nlocally              225,000,000      225,000,000\n" in out
    assert "\nconvolutional        225,000,000           15,000\n" in out
    assert "\nseparable                875     10,125,000         4.5%\n" in out
    assert "separable: 1 / 200 + 1 / (5 * 5) of the work" in out
    assert "behind one another" not in out
    same = cli("conv", "--input", "56x56", "--kernel", "7", "--padding", "same", "--no-bias",
               "--in-channels", "64", "--out-channels", "64", "--against").out  # fmt: skip
    assert "\n3 of 3 x 3           110,592    346,816,512        55.1%\n" in same
    assert "separable: 1 / 1 + 1 / 6 of the work" in cli(*COURSE, "--against").out
    grouped = cli("conv", "--input", "9", "--kernel", "3", "--groups", "2", "--in-channels", "2",
                  "--out-channels", "4", "--against").out  # fmt: skip
    assert "\nconvolutional" in grouped
    assert "separable" not in grouped
    assert rows(grouped)["parameters"] == "16  = 4 * (2 / 2 * 3 + 1)"


def test_transposed(cli: Cli) -> None:
    out = cli("conv", "--input", "8x8", "--kernel", "4", "--stride", "2", "--padding", "1",
              "--in-channels", "16", "--out-channels", "8", "--transposed").out  # fmt: skip
    assert out.startswith("transposed convolution  16 x 8 x 8  ->  8 x 16 x 16\n")
    lines = rows(out)
    assert lines["each axis"] == "(8 - 1) * 2 + 4 - 1 - 1 + 0 = 16"
    assert lines["multiply-adds"] == "131,072  = 8 * 8 * 8 * 16 * 4 * 4"
    assert lines["padding"] == "cut off"
    assert lines["receptive field"] == "at most 2 x 2 pixels"
    wide = cli("conv", "--input", "4", "--kernel", "1", "--stride", "3", "--padding", "same",
               "--transposed").out  # fmt: skip
    assert "0 before, 2 more after" in wide


def test_uneven_axes(cli: Cli) -> None:
    out = cli("conv", "--input", "16X112x110", "--kernel", "3x5x5", "--stride", "1x2x2",
              "--padding", "1x0:2x2", "--dilation", "1x2x2").out  # fmt: skip
    assert "  height         0 before, 2 after\n" in out
    assert "  width          floor((110 + 2 + 2 - 9) / 2) + 1 = 53\n" in out
    assert "3 x 9 x 9 pixels, 1 x 2 x 2 apart; the first begins at (-1, 0, -2)" in out
    assert "1 pixel, 1 apart" in cli("conv", "--input", "4", "--kernel", "1").out


def test_json(cli: Cli) -> None:
    values = json.loads(cli(*LAYER, "--json").out)
    assert values["parameters"] == 15_200
    assert values["multiply_adds"] == 225_000_000
    assert values["output_bytes"] == 12_000_000
    assert values["axes"][1]["formula"] == "floor((150 + 2 + 2 - 5) / 1) + 1 = 150"
    assert values["connections"]["convolutional"]["parameters"] == 15_000


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--kernel", "15"], "padding=1 is the least that fits"),
        (["--stride", "0"], "--stride is 0; it must be at least 1"),
        (["--stride", "-2"], "--stride is -2; it must be at least 1"),
        (["--stride", "two"], "--stride is 'two'; it must be whole numbers"),
        (["--dilation", "1x1"], "--dilation has 2 numbers, but --input has 1; give one for all"),
        (["--kernel", "3x3"], "--kernel has 2 numbers, but --input has 1"),
        (["--padding", "smae"], "--padding is 'smae'; it must be valid, same, full, pixels"),
        (["--padding", "1:2:3"], "--padding is '1:2:3'; it must be"),
        (["--padding", "-1"], "--padding is '-1'; it must be"),
        (["--padding", "1x1"], "--padding has 2 numbers, but --input has 1"),
        (["--input", "13x"], "--input is '13x'; it must be whole numbers"),
        (["--input", "9999999999"], "--input is '9999999999'; it must be whole numbers of up to 9"),
        (["--input", "2x2x2x2x2x2x2x2x2"], "--input has 9 axes; 8 is the most"),
        (["--groups", "2"], "groups is 2, but in_channels is 1 and out_channels 1; 1 divides"),
        (["--in-channels", "0"], "Invalid value for '--in-channels'"),
        (["--batch", "10000000000"], "Invalid value for '--batch'"),
        (["--dtype", "float"], "dtype is 'float'; it must be one of float64"),
        (["--output-padding", "1"], "output_padding is for transposed convolutions"),
        (["--transposed", "--against"], "--against compares convolutions that are not transposed"),
        (["--transposed", "--output-padding", "7"], "output_padding is 7; it must be 0 to 4"),
    ],
)
def test_refuses(cli: Cli, words: list[str], why: str) -> None:
    assert cli(*COURSE, *words).refused(why)


def test_remedies_work(cli: Cli) -> None:
    assert cli(*COURSE, "--kernel", "15", "--padding", "1").code == 0
    photo = ("conv", "--kernel", "7", "--input")
    refusal = cli(*photo, "3x224x224")
    assert refusal.refused(
        "(are 3 the channels? they are left out of --input: --input 224x224 --in-channels 3)"
    )
    assert cli(*photo, "224x224", "--in-channels", "3").code == 0
    assert cli("conv", "--input", "3").refused("Missing option '--kernel'")


def test_the_largest_numbers_are_still_numbers(cli: Cli) -> None:
    most = "x".join(["999999999"] * 8)
    done = cli("conv", "--input", most, "--kernel", "5", "--padding", "same", "--batch",
               "1000000000", "--in-channels", "1000000000", "--out-channels", "1000000000",
               "--against")  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert "PiB" in done.out
    groups = ("--in-channels", "999999937", "--out-channels", "999999937", "--groups", "7")
    assert cli(*COURSE, *groups).refused("1 or 999999937 divides both")


def test_it_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "from striate.cli import run\n"
        "import striate.ops.arithmetic\n"
        f"assert run({list(LAYER)!r} + ['--against']) == 0\n"
        "heavy = {'torch', 'numpy', 'jinja2', 'rich'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stderr, done.returncode) == ("", 0)
    assert "15,200" in done.stdout


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bold_and_dim_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    screen = Terminal()
    monkeypatch.setattr(sys, "stdout", screen)
    line = [("size ", "dim"), ("[red]12\x1b[0m", "bold"), (" " + "x" * 300, "")]
    say_styled(line)
    shown = screen.getvalue()
    assert "\x1b[2msize \x1b[0m" in shown
    assert "\x1b[1m[red]12\\x1b[0m\x1b[0m" in shown  # neither markup nor a foreign escape
    assert shown.count("\n") == 1  # a long line is not broken
    monkeypatch.setattr(sys, "stdout", pipe := io.StringIO())
    say_styled(line)
    assert pipe.getvalue() == "size [red]12\\x1b[0m " + "x" * 300 + "\n"
    monkeypatch.setattr(sys, "stdout", None)
    say_styled(line)


def test_help(cli: Cli) -> None:
    assert "  conv " in cli("--help").out
    done = cli("conv", "--help")
    assert (done.code, done.err) == (0, "")
    for option in ("--input", "--kernel", "--padding", "--transposed", "--no-bias", "--against"):
        assert option in done.out


def test_parsing() -> None:
    assert parse_lengths(" 3 x 5×7", "--kernel") == (3, 5, 7)
    assert parse_padding("SAME", 3) == "same"
    assert parse_padding("1:2", 2) == ((1, 2), (1, 2))
    assert parse_padding("0:1x2x3:4", 3) == ((0, 1), 2, (3, 4))
    with pytest.raises(ShapeError, match="--padding is ''"):
        parse_padding("", 1)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1023 bytes"),
        (1024, "1.00 KiB"),
        (2**20 - 1, "1,024.00 KiB"),
        (12_000_000, "11.44 MiB"),
        (2**60, "1,024.00 PiB"),
    ],
)
def test_memory_in_words(number: int, text: str) -> None:
    assert memory_text(number) == text


@pytest.mark.parametrize("kernel", ["7", "7x7"])
@pytest.mark.parametrize("channels", ["3", "16"])
def test_channels_among_the_lengths(cli: Cli, kernel: str, channels: str) -> None:
    rest = ("--kernel", kernel, "--in-channels", channels)
    refusal = cli("conv", "--input", f"{channels}x5x5", *rest)
    assert refusal.code == 2
    meant = f"--input 5x5 --in-channels {channels})"
    assert meant in refusal.err
    assert cli("conv", "--input", "5x5", *rest, "--padding", "same").code == 0
    assert "channels?" not in cli("conv", "--input", "5x6x6", *rest).err
