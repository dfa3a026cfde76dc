"""Kernels as text: what a line means, round trips, and what is refused."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate._errors import KernelError
from striate.ops.gabor_kernels import gabor, gabor_bank
from striate.ops.kernels import KERNELS, kernel
from striate.ops.notation import GRADIENTS, descriptions, parse_filters, parse_kernel


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("1,0,-1;2,0,-2;1,0,-1", [[1, 0, -1], [2, 0, -2], [1, 0, -1]]),
        (" 1 0 -1 ;\t2,0 -2;", [[1, 0, -1], [2, 0, -2]]),
        ("-1,1", [[-1, 1]]),
        ("5", [[5]]),
        (".5;+2;1e-1", [[0.5], [2], [0.1]]),
        ("1/9,-2/4", [[1 / 9, -0.5]]),
    ],
)
def test_weights(text: str, rows: list[list[float]]) -> None:
    torch.testing.assert_close(parse_kernel(text), torch.tensor(rows, dtype=torch.float32))
    (entry,) = parse_filters(text)
    assert entry.name == text.strip()
    assert torch.equal(entry.weights, parse_kernel(text))


@given(rows=st.integers(1, 4).flatmap(lambda n: st.lists(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=n, max_size=n), min_size=1, max_size=4
)))  # fmt: skip
def test_weights_come_back_from_their_text(rows: list[list[float]]) -> None:
    text = ";".join(",".join(map(repr, row)) for row in rows)
    assert parse_kernel(text).tolist() == torch.tensor(rows).tolist()


@pytest.mark.parametrize("name", KERNELS)
def test_names_are_the_kernels(name: str) -> None:
    assert torch.equal(parse_kernel(name.upper()), kernel(name))
    (entry,) = parse_filters(name)
    assert not entry.standardised
    assert torch.equal(entry.weights, kernel(name))


def test_options() -> None:
    wide = kernel("gaussian", sigma=2.5, truncate=2.0)
    assert torch.equal(parse_kernel("gaussian: sigma=2.5 , truncate=2"), wide)
    assert torch.equal(parse_kernel("box-blur:size=5"), kernel("box-blur", size=5))
    for word, flag in (("true", True), ("No", False), ("1", True)):
        found = parse_kernel(f"sobel-x:normalise={word}")
        assert torch.equal(found, kernel("sobel-x", normalise=flag))


def test_gabor() -> None:
    expected = gabor(0.2, math.pi / 4, 2, 3, math.pi / 2)
    text = "gabor:frequency=.2,theta=45,sigma_x=2,sigma_y=3,offset=90"
    (entry,) = parse_filters(text)
    assert (entry.name, entry.standardised) == (text, True)
    assert torch.equal(entry.weights, expected)
    assert torch.equal(parse_kernel(text), expected.real)
    assert torch.equal(parse_kernel(f"{text},part=imaginary"), expected.imag)
    (imaginary,) = parse_filters(f"{text},part=imaginary")
    assert not imaginary.standardised
    assert torch.equal(imaginary.weights, expected.imag)
    (both,) = parse_filters("gabor:sigma=2,sigma_y=3,truncate=2,part=magnitude")
    assert torch.equal(both.weights, gabor(0.1, 0, 2, 3, truncate=2))
    assert torch.equal(parse_filters("gabor")[0].weights, gabor(0.1))


def test_gabor_bank() -> None:
    found = parse_filters("gabor-bank")
    assert [f.name for f in found[:3]] == [
        "gabor:frequency=0.1,theta=0,sigma=1",
        "gabor:frequency=0.4,theta=0,sigma=1",
        "gabor:frequency=0.1,theta=0,sigma=3",
    ]
    for entry, expected in zip(found, gabor_bank(), strict=True):
        assert entry.standardised
        assert torch.equal(entry.weights, expected.weights)
        (again,) = parse_filters(entry.name)  # a name is a line
        torch.testing.assert_close(again.weights, entry.weights)
    assert len(parse_filters("gabor-bank:frequency=.1/.2/.3,theta=0/30/60/90,sigma=2")) == 12


@pytest.mark.parametrize("name", GRADIENTS)
def test_pairs_are_x_and_y(name: str) -> None:
    across, down = (kernel(each) for each in GRADIENTS[name])
    (entry,) = parse_filters(name)
    assert torch.equal(entry.weights, torch.complex(across, down))
    assert not entry.standardised


def test_options_of_a_pair_reach_both() -> None:
    (entry,) = parse_filters("gaussian-gradient:sigma=2")
    assert torch.equal(entry.weights.real, kernel("gaussian-x", sigma=2.0))
    assert torch.equal(entry.weights.imag, kernel("gaussian-y", sigma=2.0))


def test_all_is_everything_once() -> None:
    names = [entry.name for entry in parse_filters("all")]
    assert len(set(names)) == len(names)
    assert names == [*KERNELS, *GRADIENTS, *(f.name for f in parse_filters("gabor-bank"))]


def test_every_name_is_described_and_understood() -> None:
    lines = descriptions()
    assert set(lines) == {*KERNELS, *GRADIENTS, "gabor", "gabor-bank", "all"}
    for name, what in lines.items():
        assert what
        assert parse_filters(name)
    assert "(size=3)" in lines["box-blur"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a kernel is empty; write a name such as sobel-x, or weights 1,0,-1"),
        (
            "sobl-x",
            "there is no kernel 'sobl-x'; nearest: sobel-x, sobel-y",
        ),
        ("gabr", "there is no kernel 'gabr'; nearest: gabor"),
        ("1,2;3", "row 2 of kernel '1,2;3' has 1 numbers, the first 2; all rows must be"),
        ("1;;2", "row 2 of kernel '1;;2' has 0 numbers, the first 1"),
        (";", "row 1 of kernel ';' has 0 numbers"),
        ("1,x", "'x' in kernel '1,x' is no number; write 2, -0.5 or 1/9"),
        ("1,nan", "'nan' in kernel '1,nan' is no number"),
        ("1,1e999", "'1e999' in kernel '1,1e999' is no number"),
        ("1/0", "'1/0' in kernel '1/0' is no number"),
        ("gaussian:sigma", "'sigma' in kernel 'gaussian:sigma' must be option=value"),
        ("gaussian:sigma=", "must be option=value"),
        ("gaussian:sigma=1,sigma=2", "has sigma twice; leave one"),
        ("gaussian:sigma=x", "'x' in sigma=x of gaussian is no number"),
        ("gaussian:sgma=1", "kernel gaussian has no option 'sgma'; nearest: sigma"),
        ("gaussian:sigma=0", "sigma is 0; it must be above 0"),
        ("box-blur:size=2.5", "size=2.5 of box-blur must be a whole number"),
        ("sobel-x:normalise=maybe", "normalise=maybe of sobel-x must be true or false"),
        ("gabor:freqency=1", "kernel gabor has no option 'freqency'; nearest: frequency"),
        ("gabor:part=phase", "part is 'phase'; it must be real, imaginary, magnitude"),
        ("gabor:frequency=0", "frequency is 0; it must be above 0"),
    ],
)
def test_refusals(text: str, why: str) -> None:
    for parse in (parse_kernel, parse_filters):
        with pytest.raises(KernelError) as refused:
            parse(text)
        assert why in str(refused.value)
        assert len(str(refused.value).splitlines()) <= 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sobel", "there is no kernel 'sobel'; nearest: sobel-y, sobel-x"),
        ("all", "there is no kernel 'all'; 'striate filter --list' has all"),
        ("gabor:part=magnitude", "part=magnitude has two kernels; take part=real or part=imag"),
    ],
)
def test_what_is_more_than_one_kernel(text: str, why: str) -> None:
    with pytest.raises(KernelError, match=why):
        parse_kernel(text)
    assert parse_filters(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("gabor-bank:frequncy=1", "gabor-bank has no option 'frequncy'; nearest: frequency"),
        ("gabor-bank:theta=0/x", "'x' in theta=0/x of gabor-bank is no number"),
        ("gabor-bank:sigma=1//2", "'' in sigma=1//2 of gabor-bank is no number"),
        ("all:sigma=1", "all takes no options"),
    ],
)
def test_refusals_of_banks(text: str, why: str) -> None:
    with pytest.raises(KernelError, match=why):
        parse_filters(text)
