import errno
import json
from pathlib import Path

import filelock
import numpy as np
import pytest

from striate._errors import RunError, StorageError
from striate.runs import FILES, FORMAT, Run, is_run

TABLES = {"data": {"source": "x"}, "network": {"name": "lenet5", "options": {}}, "recipe": {}}


def begun(folder: Path) -> Run:
    run = Run.create(folder)
    run.write_recipe(TABLES)
    return run


def test_a_new_run_is_an_empty_folder_until_its_recipe_is_written(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "runs" / "a")
    assert list(run.folder.iterdir()) == []
    assert not is_run(run.folder)
    run.write_recipe(TABLES)
    assert is_run(run.folder)
    assert not run.finished


def test_what_a_killed_process_left_before_the_recipe_does_not_stand_in_the_way(
    tmp_path: Path,
) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".0123456789abcdef.part").touch()
    run = begun(tmp_path)
    assert run.folder == tmp_path
    assert is_run(tmp_path)
    with run.locked():  # the lock that was left is held by nobody
        run.sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "recipe.toml"]


@pytest.mark.parametrize("name", ["notes.txt", "data.json", ".mine.part", ".lock2"])
def test_a_folder_with_anything_else_in_it_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    for force in (False, True):
        with pytest.raises(RunError, match=f"is no run \\(it holds {name}\\); choose another"):
            Run.create(tmp_path, force=force)
    assert (tmp_path / name).read_text() == "mine"


def test_a_recipe_that_is_not_ours_makes_no_run(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text('[cake]\nflour = "500 g"\n')
    with pytest.raises(RunError, match=r"is no run \(it holds recipe.toml\)"):
        Run.create(tmp_path, force=True)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("mine")
    with pytest.raises(RunError, match="a is a file; a run needs a folder of its own"):
        Run.create(tmp_path / "a", force=True)


def test_a_run_is_replaced_only_by_force_and_only_its_own_files(tmp_path: Path) -> None:
    run = begun(tmp_path)
    for name in FILES:
        if name != "recipe.toml":
            (tmp_path / name).write_text("old")
    others = ["notes.txt", ".video.part", "report.html.bak", "model.safetensors.old"]
    for name in others:
        (tmp_path / name).write_text("mine")
    (tmp_path / ".00112233445566aa.part").write_text("half")
    with pytest.raises(RunError, match=r"is a run already; choose .* --out, .* --resume, .* --for"):
        Run.create(tmp_path)
    assert run.replaces(force=True)
    Run.create(tmp_path, force=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*others, ".lock"])


def test_the_recipe_is_the_last_to_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it is deleted, the folder is still a run that --force may replace."""
    run = begun(tmp_path)
    for name in FILES[1:]:
        (tmp_path / name).write_text("old")
    gone: list[str] = []
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        gone.append(path.name)
        real(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    run.remove_files()
    assert gone[-1] == "recipe.toml"
    assert ".lock" not in gone


def test_a_folder_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(StorageError, match=r"cannot read .*: no permission; choose a place"):
        Run.create(tmp_path)


def test_a_name_too_long_for_the_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot read .*File name too long"):
        Run.create(tmp_path / ("a" * 300))


def test_a_file_that_cannot_be_deleted_is_said(tmp_path: Path) -> None:
    begun(tmp_path)
    (tmp_path / "report.html").mkdir()
    with pytest.raises(StorageError, match=r"cannot delete .*report.html"):
        Run.create(tmp_path, force=True)
    assert is_run(tmp_path)


def test_the_lock_keeps_others_out_and_opens_again(tmp_path: Path) -> None:
    run = begun(tmp_path)
    with run.locked():
        with pytest.raises(RunError, match=r"another process is working on .*; wait until it ends"):
            Run(tmp_path).locked().__enter__()
        with pytest.raises(RunError, match="another process"):
            Run.create(tmp_path, force=True)
        assert is_run(tmp_path)
    with run.locked():
        pass
    held = filelock.FileLock(tmp_path / ".lock", timeout=0)
    with held, pytest.raises(RunError, match="another process"), run.locked():
        pytest.fail("entered")


def test_the_lock_opens_when_the_block_raises(tmp_path: Path) -> None:
    run = begun(tmp_path)
    with pytest.raises(ValueError, match="oh"), run.locked():
        raise ValueError("oh")
    with run.locked():
        pass


def test_a_folder_that_cannot_be_written_is_said_when_locking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(lock: object) -> None:
        raise PermissionError(errno.EROFS, "Read-only file system")

    run = begun(tmp_path)
    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(StorageError, match=r"cannot lock .*: no permission"), run.locked():
        pytest.fail("entered")


def test_sweep_takes_only_what_an_interrupted_write_left(tmp_path: Path) -> None:
    mine = [
        ".0123456789abcdef.part.txt",
        ".0123456789ABCDEF.part",
        "0123456789abcdef.part",
        ".a.part",
    ]
    for name in [*mine, ".0123456789abcdef.part"]:
        (tmp_path / name).touch()
    Run(tmp_path).sweep()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(mine)


def test_finished_needs_both_the_word_and_the_report(tmp_path: Path) -> None:
    run = begun(tmp_path)
    assert not run.finished
    run.write_json("environment.json", {"finished": True})
    assert not run.finished
    for name in ("report.html", "model.safetensors", "metrics.json", "history.csv"):
        assert not run.finished
        run.write_text(name, "{}")
    assert run.finished
    run.write_json("environment.json", {"finished": False})
    assert not run.finished
    (tmp_path / "environment.json").write_text('{"finished": tr')
    assert not run.finished


def test_json_is_read_back(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a")
    value = {"é\udce9": [1, 0.1, None, True], "b": {"c": "\x1b"}}
    run.write_json("metrics.json", value)
    assert run.metrics == value
    (run.folder / "metrics.json").read_text("ascii")  # whatever the names, the file is ASCII
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.write_json("metrics.json", {"loss": float("nan")})
    assert run.metrics == value


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "Expecting value"),
        (b'{"a": 1', "Expecting"),
        (b"\xff\xfe\x00", "codec can't decode"),
        (b"[1, 2]", "no JSON object"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_a_damaged_json_file_is_named(tmp_path: Path, raw: bytes, why: str) -> None:
    (tmp_path / "metrics.json").write_bytes(raw)
    with pytest.raises(RunError, match=rf"metrics.json is damaged \(.*{why}"):
        _ = Run(tmp_path).metrics


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no metrics.json"):
        _ = Run(tmp_path).metrics


def test_recipe_has_the_format_and_round_trips(tmp_path: Path) -> None:
    import tomllib

    run = Run.create(tmp_path / "a")
    run.write_recipe({"striate": {"version": "1"}, "data": {"source": "caf\udce9"}})
    tables = tomllib.loads((run.folder / "recipe.toml").read_text("utf-8"))
    assert tables == {
        "striate": {"format": FORMAT, "version": "1"},
        "data": {"source": "bytes:caf%E9"},
    }


def test_arrays_are_written_without_pickles_and_the_same_each_time(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a")
    arrays = {"scores": np.arange(6.0).reshape(2, 3), "names": np.array(["a", "bé"])}
    run.write_arrays("predictions.npz", arrays)
    first = (run.folder / "predictions.npz").read_bytes()
    run.write_arrays("predictions.npz", arrays)
    assert (run.folder / "predictions.npz").read_bytes() == first
    with np.load(run.folder / "predictions.npz", allow_pickle=False) as file:
        assert file["names"].tolist() == ["a", "bé"]
        np.testing.assert_array_equal(file["scores"], arrays["scores"])
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        run.write_arrays("predictions.npz", {"a": np.array([{}], dtype=object)})
    assert (run.folder / "predictions.npz").read_bytes() == first


def test_no_report_to_show(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has no report yet; make it: striate report"):
        Run(tmp_path).show()


def test_show_opens_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report.html").write_text("<p>")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    Run(tmp_path).show()
    assert opened == [(tmp_path / "report.html").as_uri()]


def test_repr_names_the_folder() -> None:
    assert repr(Run("runs/a")) == "Run('runs/a')"


def test_json_files_end_in_a_newline_and_are_indented(tmp_path: Path) -> None:
    run = Run.create(tmp_path / "a")
    run.write_json("data.json", {"a": [1]})
    text = (run.folder / "data.json").read_text()
    assert text.endswith("}\n")
    assert json.loads(text) == {"a": [1]}
