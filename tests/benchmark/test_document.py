import csv
import io
import json

import pytest

from colorize_cli.benchmark.bench_options import BenchOptions
from colorize_cli.benchmark.document import Document, comparison, export, load, ratio_of_medians
from colorize_cli.benchmark.speed_tables import as_text, plot
from colorize_cli.errors import OutputError, UsageProblem
from tests.benchmark.conftest import MACHINE, measured_row


def document() -> Document:
    made = Document.of(BenchOptions())
    made.rows = [measured_row(), measured_row(device="cuda", samples={}, status="not available", note="No | here")]
    return made


def test_json_keeps_raw_samples_and_the_machine_of_every_row_and_reads_back(tmp_path):
    path = tmp_path / "out.json"
    export(path, document())
    plain = json.loads(path.read_text())
    assert plain["rows"][0]["samples"]["predict"] == [0.05] * 10
    assert all(row["cpu"] == MACHINE.cpu and row["torch"] == MACHINE.torch for row in plain["rows"])
    again = load(path)
    assert again.rows == document().rows and again.quick is False


def test_csv_has_one_line_a_row_with_its_machine_and_no_samples(tmp_path):
    path = tmp_path / "out.csv"
    export(path, document())
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [row["status"] for row in rows] == ["measured", "not available"]
    assert float(rows[0]["latency_p50_seconds"]) == 0.1 and rows[0]["cpu"] == MACHINE.cpu and "samples" not in rows[0]


def test_markdown_is_a_table_whose_cells_do_not_break_it(tmp_path):
    path = tmp_path / "out.md"
    export(path, document())
    text = path.read_text()
    lines = [line for line in text.splitlines() if line.startswith("| gan")]
    assert len(lines) == 3 and "not available" in text and "No \\| here" in text and MACHINE.cpu in text


def test_a_table_for_a_pipe_is_not_cut_to_the_width_of_a_terminal():
    text = as_text(document().tables()[0], None)
    assert "not available" in text and max(map(len, text.splitlines())) > 100


def test_quick_and_untrained_figures_say_so():
    quick = Document(rows=[measured_row(weights="untrained")], quick=True)
    text = as_text(quick.tables()[0], None)
    assert "too few samples" in text and "untrained: random weights" in text


def test_another_file_is_no_benchmark(tmp_path):
    for content in ("{}", "no json", "[1]", '{"kind": "colorize bench", "format": 99}'):
        path = tmp_path / "other.json"
        path.write_text(content)
        with pytest.raises(UsageProblem, match="not a benchmark"):
            load(path)


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path):
    with pytest.raises(OutputError):
        export(tmp_path / "no" / "such" / "out.json", document())


def test_comparison_tells_a_change_from_noise():
    old, new = Document(rows=[measured_row(0.2)]), Document(rows=[measured_row(0.1)])
    (line,) = comparison(old, new).rows
    assert line[-1] == "faster" and line[-2].startswith("0.500")
    (line,) = comparison(new, old).rows
    assert line[-1] == "slower"
    noisy = [0.1, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1, 0.3, 0.1, 0.3]
    ratio, low, high = ratio_of_medians(noisy, [0.28, 0.12] * 5)
    assert low < 1 < high and low <= ratio <= high


def test_comparison_names_another_machine_and_missing_rows():
    from dataclasses import replace

    old = Document(rows=[measured_row(machine=replace(MACHINE, cpu="an older processor"))])
    new = Document(rows=[measured_row(), measured_row(batch=16)])
    table = comparison(old, new)
    assert len(table.rows) == 1
    assert any("an older processor" in remark for remark in table.remarks)
    assert any("1 rows were not measured in the earlier run" in remark for remark in table.remarks)


def test_plot_is_a_png_of_what_was_measured(tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "out.png"
    plot(path, [measured_row(), measured_row(batch=4), measured_row(megapixels=12.0)])
    assert path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size > 5000
    with pytest.raises(UsageProblem, match="Nothing was measured"):
        plot(path, [measured_row(samples={})])


def test_figures_of_a_busy_machine_say_so():
    from dataclasses import replace

    busy = Document(rows=[measured_row(machine=replace(MACHINE, load=8.0))])
    assert "load 8.0 on 2 cores" in as_text(busy.tables()[0], None)
    assert "Other programs" not in as_text(Document(rows=[measured_row()]).tables()[0], None)


@pytest.mark.parametrize("width", [80, 100])
def test_tables_fit_the_terminal_and_say_what_they_leave_out(width):
    made = document()
    for table in made.tables():
        text = as_text(table, width)
        assert max(map(len, text.splitlines())) <= width
        heading = text.splitlines()[2]
        assert "photos/s" in heading and "…" not in heading
    left_out = " ".join(as_text(made.tables()[0], 50).split())
    assert "first photo s" not in left_out.partition("AMD")[0] and "--export FILE has them" in left_out
