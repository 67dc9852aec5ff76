"""Which result belongs to which photograph, and what is refused before any work."""

import os
import unicodedata
from pathlib import Path

import pytest

from colorize_cli.batch.colorize_options import ColorizeOptions
from colorize_cli.batch.inputs.make_plan import make_plan
from colorize_cli.batch.inputs.plan import Item, Plan
from colorize_cli.batch.inputs.sources import InputNotFound
from colorize_cli.errors import OutputExists, UsageProblem


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """An empty folder that is the current one; ``make`` fills it with files that hold their own name."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str) -> None:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.fsencode(name))

    return make


def plan(*words: str, ours: tuple[str, ...] = (), **options) -> Plan:
    return make_plan(list(words), ColorizeOptions(**options), is_our_result=lambda path: path.as_posix() in ours)


def pairs(*words: str, **options) -> dict[str, str]:
    """What would be written, as input -> output."""
    return {
        "-" if item.source is None else item.source.as_posix(): "-" if item.target is None else item.target.as_posix()
        for item in plan(*words, **options)
        if item.state == "todo"
    }


def test_result_lands_beside_the_photo_as_color(tree):
    tree("box/photo.jpg")
    assert pairs("box/photo.jpg") == {"box/photo.jpg": "box/photo-color.jpg"}


@pytest.mark.parametrize(
    ("name", "options", "result"),
    [
        ("a.gif", {}, "a-color.png"),
        ("a.pgm", {}, "a-color.ppm"),
        ("a.JPG", {}, "a-color.JPG"),
        ("a.b.tif", {}, "a.b-color.tif"),
        ("a.tif", {"format": "jpeg"}, "a-color.jpg"),
        ("scan", {}, "scan-color.png"),
    ],
)
def test_suffix_is_that_of_the_format_the_result_takes(tree, name, options, result):
    tree(name)
    assert pairs(name, **options) == {name: result}


def test_output_is_a_file_for_one_photo(tree):
    tree("photo.jpg")
    assert pairs("photo.jpg", output="out.png") == {"photo.jpg": "out.png"}


def test_output_is_a_folder_when_it_ends_in_a_slash_or_exists_or_there_are_several(tree):
    tree("a.jpg", "b.jpg", "there/x")
    assert pairs("a.jpg", output="out/") == {"a.jpg": "out/a.jpg"}
    assert pairs("a.jpg", output="there") == {"a.jpg": "there/a.jpg"}
    assert pairs("a.jpg", "b.jpg", output="out") == {"a.jpg": "out/a.jpg", "b.jpg": "out/b.jpg"}


def test_folder_is_searched_recursively_and_mirrored(tree):
    tree("box/1.jpg", "box/deep/er/2.tif", "box/notes.txt", "box/3.xmp", "box/.hidden.jpg", "box/.git/4.jpg")
    tree("box/@eaDir/thumb.jpg", "box/5.JPEG")
    assert pairs("box", output="out") == {
        "box/1.jpg": "out/1.jpg",
        "box/5.JPEG": "out/5.JPEG",
        "box/deep/er/2.tif": "out/deep/er/2.tif",
    }


def test_several_folders_keep_their_names(tree):
    tree("1920/001.jpg", "1930/001.jpg")
    assert pairs("1920", "1930", output="out") == {
        "1920/001.jpg": "out/1920/001.jpg",
        "1930/001.jpg": "out/1930/001.jpg",
    }


def test_order_does_not_depend_on_the_file_system(tree):
    tree("box/b.jpg", "box/a.jpg", "box/c/a.jpg")
    assert list(pairs("box")) == ["box/a.jpg", "box/b.jpg", "box/c/a.jpg"]


def test_quoted_wildcard_is_expanded_unless_a_file_has_that_name(tree):
    tree("a1.jpg", "a2.jpg", "b.jpg", "[x].jpg", "x.jpg")
    assert set(pairs("a*.jpg")) == {"a1.jpg", "a2.jpg"}
    assert set(pairs("[x].jpg")) == {"[x].jpg"}


def test_photo_named_twice_is_colorized_once(tree):
    tree("box/a.jpg")
    assert pairs("box/a.jpg", "./box/../box/a.jpg", "box") == {"box/a.jpg": "box/a-color.jpg"}


def test_missing_file_is_refused_by_its_name(tree):
    with pytest.raises(InputNotFound, match=r"'gone\.jpg'"):
        plan("gone.jpg")


def test_folder_without_photos_is_refused(tree):
    tree("box/notes.txt")
    with pytest.raises(UsageProblem, match="no photographs in 'box'"):
        plan("box")


def test_own_results_never_become_inputs_but_originals_called_color_do(tree):
    tree("box/a.jpg", "box/a-color.jpg", "box/barn-color.jpg")
    found = plan("box", ours=("box/a-color.jpg",), overwrite=True)
    assert {item.source.as_posix(): item.state for item in found} == {
        "box/a.jpg": "todo",
        "box/a-color.jpg": "skipped",
        "box/barn-color.jpg": "todo",
    }


def test_result_named_itself_is_taken(tree):
    tree("a-color.jpg")
    assert pairs("a-color.jpg", ours=("a-color.jpg",)) == {"a-color.jpg": "a-color-color.jpg"}


def test_result_of_another_input_is_passed_over_even_if_named(tree):
    tree("a.jpg", "a-color.jpg")
    options = {"ours": ("a-color.jpg",), "skip_existing": True}
    assert pairs("a.jpg", "a-color.jpg", **options) == {"a.jpg": "a-color.jpg"}


@pytest.mark.parametrize("options", [{}, {"overwrite": True}])
def test_original_that_stands_where_a_result_goes_is_never_replaced(tree, options):
    tree("box/barn.jpg", "box/barn-color.jpg")
    with pytest.raises(UsageProblem, match=r"would replace the original 'box/barn-color\.jpg'"):
        plan("box", **options)


def test_on_resuming_an_original_with_the_name_of_a_result_is_an_input_like_any_other(tree):
    tree("box/barn.jpg", "box/barn-color.jpg")
    assert set(pairs("box", skip_existing=True)) == {"box/barn.jpg", "box/barn-color.jpg"}


@pytest.mark.parametrize("options", [{}, {"overwrite": True}, {"skip_existing": True}])
@pytest.mark.parametrize("output", ["box", "box/", "./box/../box"])
def test_results_may_not_go_where_the_originals_are(tree, options, output):
    tree("box/a.jpg")
    with pytest.raises(UsageProblem, match="would replace the original"):
        plan("box", output=output, **options)


def test_original_behind_a_link_is_never_replaced(tree):
    tree("store/a.jpg")
    Path("box").mkdir()
    Path("box/a.jpg").symlink_to("../store/a.jpg")
    with pytest.raises(UsageProblem, match="would replace the original"):
        plan("box", output="store/", overwrite=True)


def test_output_folder_inside_the_input_is_not_entered(tree):
    tree("box/a.jpg", "box/out/a.jpg", "box/out/b.jpg")
    assert pairs("box", output="box/out", overwrite=True) == {"box/a.jpg": "box/out/a.jpg"}


def test_two_inputs_with_one_output_are_refused_by_name(tree):
    tree("a.gif", "a.png")
    with pytest.raises(UsageProblem, match=r"'a\.gif' and 'a\.png' would both be written to 'a-color\.png'"):
        plan("a.gif", "a.png")


def test_names_that_differ_only_in_case_are_refused(tree):
    tree("a/photo.jpg", "b/PHOTO.jpg")
    with pytest.raises(UsageProblem, match="only case or Unicode form differs"):
        plan("a/photo.jpg", "b/PHOTO.jpg", output="out")


def test_names_that_differ_only_in_unicode_form_are_refused(tree):
    composed = unicodedata.normalize("NFC", "caf\u00e9.jpg")
    tree(f"a/{composed}", f"b/{unicodedata.normalize('NFD', composed)}")
    with pytest.raises(UsageProblem, match="only case or Unicode form differs"):
        plan(f"a/{composed}", f"b/{unicodedata.normalize('NFD', composed)}", output="out")


def test_names_in_different_folders_do_not_collide(tree):
    tree("box/a/1.jpg", "box/b/1.jpg")
    assert len(pairs("box", output="out")) == 2


def test_existing_outputs_are_refused_with_the_first_names_and_the_count(tree):
    tree(*(f"box/{n}.jpg" for n in range(8)), *(f"out/{n}.jpg" for n in range(8)))
    with pytest.raises(
        OutputExists, match=r"'out/0\.jpg', .*'out/4\.jpg' and 3 more already exist; nothing was written"
    ):
        plan("box", output="out")


def test_dangling_link_counts_as_an_existing_output(tree):
    tree("a.jpg")
    Path("a-color.jpg").symlink_to("nowhere")
    with pytest.raises(OutputExists):
        plan("a.jpg")


def test_links_that_lead_round_in_a_circle_end(tree):
    tree("box/a.jpg")
    Path("box/again").symlink_to(".")
    Path("box/self").symlink_to("self")
    assert pairs("box", output="out") == {"box/a.jpg": "out/a.jpg"}


def test_broken_link_and_unreadable_folder_are_not_passed_over_in_silence(tree):
    tree("box/a.jpg", "box/closed/b.jpg")
    Path("box/broken.jpg").symlink_to("gone.jpg")
    Path("box/closed").chmod(0)
    try:
        found = {item.source.name: item for item in plan("box")}
    finally:
        Path("box/closed").chmod(0o755)
    assert found["broken.jpg"].state == "todo"
    if os.geteuid() != 0:  # root reads everything
        assert found["closed"].state == "failed"


def test_stdin_goes_to_stdout_or_to_the_named_file(tree):
    assert pairs("-") == {"-": "-"}
    assert pairs("-", output="x.png") == {"-": "x.png"}
    tree("a.jpg")
    assert pairs("a.jpg", output="-") == {"a.jpg": "-"}


@pytest.mark.parametrize(
    ("words", "output"),
    [(["-", "a.jpg"], None), (["-"], "out/"), (["a.jpg", "b.jpg"], "-"), (["box"], "-"), (["a.jpg", "b.jpg"], "a.jpg")],
)
def test_streams_and_files_that_cannot_hold_what_is_asked_are_refused(tree, words, output):
    tree("a.jpg", "b.jpg", "box/c.jpg")
    with pytest.raises(UsageProblem):
        plan(*words, output=output)


@pytest.mark.parametrize(
    ("output", "format"), [("out.gif", None), ("out", None), ("out.png", "jpeg"), ("out.xyz", None)]
)
def test_output_file_must_name_a_format_that_holds_color(tree, output, format):
    tree("a.jpg")
    with pytest.raises(UsageProblem):
        plan("a.jpg", output=output, format=format)


def test_names_that_are_not_utf8_pass_unharmed(tree):
    name = os.fsdecode(b"box/caf\xe9.jpg")
    tree(name)
    (item,) = plan("box", output="out")
    assert (os.fsencode(item.source), os.fsencode(item.target)) == (b"box/caf\xe9.jpg", b"out/caf\xe9.jpg")


def test_plan_is_listed_once_and_can_be_walked_again(tree):
    tree("box/a.jpg")
    found = plan("box")
    tree("box/b.jpg")
    assert [item.source.name for item in found] == ["a.jpg"] == [item.source.name for item in found]
    assert (len(found), found.todo) == (1, 1)


def test_large_plans_are_kept_in_order():
    items = [Item(Path(f"in/{n:05}.jpg"), Path(f"out/{n:05}.jpg")) for n in range(5000)]
    found = Plan(reversed(items))
    found.check(ColorizeOptions())
    assert list(found) == items


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"])
def test_list_names_photos_and_folders_whose_paths_are_kept(tree, separator):
    tree("a/1.jpg", "b/1.jpg", "c/deep/1.jpg")
    Path("list.txt").write_bytes(separator.join(["a/1.jpg", "", "b/1.jpg", "c", "gone/1.jpg"]).encode())
    assert pairs("@list.txt", output="out") == {
        "a/1.jpg": "out/a/1.jpg",
        "b/1.jpg": "out/b/1.jpg",
        "c/deep/1.jpg": "out/c/deep/1.jpg",
        "gone/1.jpg": "out/gone/1.jpg",  # fails by itself, later
    }


def test_listed_path_that_leads_elsewhere_stays_inside_the_output_folder(tree, tmp_path):
    tree("box/1.jpg", "2.jpg")
    Path("list.txt").write_text(f"box/../2.jpg\n{tmp_path}/box/1.jpg\n")
    assert set(pairs("@list.txt", output="out").values()) == {"out/2.jpg", "out/1.jpg"}


def test_name_in_a_list_is_taken_literally(tree):
    tree("[x]*.jpg", "x.jpg")
    Path("list.txt").write_text("[x]*.jpg")
    assert set(pairs("@list.txt")) == {"[x]*.jpg"}


def test_photo_whose_name_begins_with_an_at_sign_is_a_photo(tree):
    tree("@home.jpg")
    assert pairs("@home.jpg") == {"@home.jpg": "@home-color.jpg"}


def test_list_that_is_not_there_is_refused(tree):
    with pytest.raises(UsageProblem, match=r"list 'gone\.txt' cannot be read"):
        plan("@gone.txt")


def test_long_list_is_read_across_its_chunks(tree):
    Path("list.txt").write_text("".join(f"scans/some/deep/folder/{n:06}.jpg\n" for n in range(6000)))
    assert len(plan("@list.txt")) == 6000
