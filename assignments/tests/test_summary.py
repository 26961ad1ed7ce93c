"""marks.csv, report.csv and summary.html say what the results say."""
import csv
import io

import alike
import pytest
import summary
from small_course import OTHER, PACKAGE, REFERENCE, make_course, result, write_results

from ssnet.files import InputError

RENAMED = OTHER.replace("difference", "delta").replace("positive", "pos").replace("# a1-mae: your answer", "# all mine")


def rows(path):
    "The rows of a written sheet."
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def shape(source): return set(alike.definitions(source))


def test_marks_hold_a_row_a_student_and_a_column_a_cell(tmp_path, monkeypatch):
    out = make_course(tmp_path, monkeypatch)
    nothing = result("cem", 0, 0, notes=["no notebook"], cells=[])
    write_results(out, result("ben", hidden=0.0), result("anna"), nothing)
    made = summary.write_summary(out)
    assert rows(out / "marks.csv") == [["student", "points", "max_points", "a1-mae-check", "a1-mae-hidden", "notes"],
        ["anna", "5", "5", "2", "3", ""], ["ben", "2", "5", "2", "0", ""], ["cem", "0", "5", "0", "0", "no notebook"]]
    assert (made["submissions"], made["median"], made["waiting"]) == (3, 2, [])
    assert made["failures"][0] == ("a1-mae-hidden", 2, [("see the notes", 1), ("your mae is the sum", 1)])


def test_the_same_results_give_the_same_bytes(tmp_path, monkeypatch):
    out = make_course(tmp_path, monkeypatch)
    write_results(out, *(result(f"s{n}", answer=OTHER + "#" * n) for n in range(9)))
    summary.write_summary(out)
    first = [(out / name).read_bytes() for name in ("marks.csv", "summary.html")]
    summary.write_summary(out)
    assert first == [(out / name).read_bytes() for name in ("marks.csv", "summary.html")]


@pytest.mark.parametrize("evil", ["=cmd|'/c calc'!A1", "+1", "-1", "@sum", " =1", "\t=1", "＝1"])
def test_a_spreadsheet_runs_no_cell(evil, tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch), result(evil, notes=[evil]))
    summary.write_summary(out)
    row = rows(out / "marks.csv")[1]
    assert row[0] == row[-1] == f"'{evil}"


def test_html_of_students_is_shown_and_not_run(tmp_path, monkeypatch):
    evil = "<script>alert(1)</script>"
    out = make_course(tmp_path, monkeypatch)
    write_results(out, result(evil, hidden=0.0, notes=[evil], message=evil, isolation=evil))
    summary.write_summary(out)
    page = (out / "summary.html").read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script" in page and "http" not in page


def test_a_message_without_end_is_cut(tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch), result("anna", hidden=0.0, message="x" * 10**6))
    summary.write_summary(out)
    assert (out / "summary.html").stat().st_size < 20000


def test_results_that_do_not_belong_together_are_refused(tmp_path, monkeypatch):
    out = make_course(tmp_path, monkeypatch)
    with pytest.raises(InputError, match="grade submissions first"): summary.write_summary(out)
    write_results(out, result("anna"), result("ben", seed=2027))
    with pytest.raises(InputError, match="mixes"): summary.write_summary(out)
    (out / "results/0.json").write_text("{")
    with pytest.raises(InputError, match="0.json is broken"): summary.write_summary(out)


# Points that people give

def test_the_sheet_is_made_once_and_its_points_are_merged(tmp_path, monkeypatch):
    out = make_course(tmp_path, monkeypatch, manual=10.0)
    write_results(out, result("anna", manual=10.0), result("-ben", manual=10.0))
    made = summary.write_summary(out)
    assert rows(out / "report.csv") == [["student", "report [10]", "comment"], ["'-ben", "", ""], ["anna", "", ""]]
    assert made["waiting"] == ["-ben", "anna"] and rows(out / "marks.csv")[1][1] == ""
    (out / "report.csv").write_text("student;report [10];comment\n'-ben;7,5;well\nanna;;\n")  # Excel in Germany
    assert summary.write_summary(out)["waiting"] == ["anna"]
    assert rows(out / "marks.csv")[1][:2] == ["'-ben", "12.5"] and "wait" in (out / "summary.html").read_text()
    assert (out / "report.csv").read_text().endswith("anna;;\n")


@pytest.mark.parametrize("line, says", [("anna,11,", "from 0 to 10"), ("anna,-1,", "from 0 to 10"),
                                        ("anna,ten,", "says 'ten'"), ("anna,nan,", "from 0 to 10"),
                                        ("ana,1,", "names ana"), ("anna,1,\nanna,2,", "two rows")])
def test_a_wrong_sheet_is_an_error_with_a_sentence(line, says, tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch, manual=10.0), result("anna", manual=10.0))
    (out / "report.csv").write_text(f"student,report [10],comment\n{line}\n")
    with pytest.raises(InputError, match=says): summary.write_summary(out)
    assert not (out / "marks.csv").exists()


def test_who_hands_in_later_is_named(tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch, manual=10.0), result("anna", manual=10.0))
    summary.write_summary(out)
    write_results(out, result("anna", manual=10.0), result("late", manual=10.0))
    summary.write_summary(out)
    assert "add a row" in rows(out / "marks.csv")[2][-1]


def test_the_rubric_gives_the_columns(tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch, manual=4.0), result("anna", manual=4.0))
    rubric = tmp_path / "assignments/rubric_a1.md"
    rubric.write_text("| | 0 points | 2 points |\n|---|---|---|\n| **Question** (part 1) | none | clear |\n")
    with pytest.raises(InputError, match="gives 2 points"): summary.write_summary(out)
    rubric.write_text(rubric.read_text() + "| **Result** | none | measured |\n")
    summary.write_summary(out)
    assert rows(out / "report.csv")[0] == ["student", "Question [2]", "Result [2]", "comment"]
    (out / "report.csv").write_text("student,Question [2],Result [2],comment\nanna,2,0.5,\n")
    summary.write_summary(out)
    assert rows(out / "marks.csv")[1][:2] == ["anna", "7.5"]


# Alike

def test_names_numbers_and_comments_hide_nothing():
    annotated = OTHER.replace("> 0", "> 1").replace("def mae(S, Y)", "def mae(S: int, Y) -> float")
    assert shape(OTHER) == shape(RENAMED) == shape(annotated)
    assert shape(OTHER) != shape(OTHER.replace("* weights", "+ weights"))
    assert shape("def f(a, b): return a - b") != shape("def f(a, b): return b - a")


def test_pairs_are_found_and_common_answers_are_not(tmp_path, monkeypatch):
    out = make_course(tmp_path, monkeypatch)
    third = OTHER.replace("weights).sum()", "weights).sum().abs()")
    answers = {"a": OTHER, "b": OTHER, "c": RENAMED, "d": third, "e": REFERENCE}
    write_results(out, *(result(name, answer=answer) for name, answer in answers.items()))
    made = summary.write_summary(out)
    assert made["pairs"] == [("a", "b", {"mae": True}), ("a", "c", {"mae": False}), ("b", "c", {"mae": False})]
    assert made["published"] == [("e", "mae", "the published solution")]
    write_results(out, *(result(f"s{n}") for n in range(6)))
    assert summary.write_summary(out)["pairs"] == []
    assert "6 students gave one answer" in (out / "summary.html").read_text(encoding="utf-8")


def test_short_answers_and_the_starter_are_not_compared(tmp_path, monkeypatch):
    out = make_course(tmp_path, monkeypatch)
    short, stub = "def mae(S, Y): return (S - Y).abs().mean()", alike.starter(REFERENCE)
    assert "raise NotImplementedError()" in stub and "zip" not in stub
    write_results(out, *(result(f"s{n}", answer=[short, stub][n % 2]) for n in range(4)))
    made = summary.write_summary(out)
    assert made["pairs"] == made["published"] == []


def test_the_packages_own_function_is_recognised(tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch, package=PACKAGE), result("anna"))
    assert summary.write_summary(out)["published"] == [("anna", "mae", "ssnet.scores.error")]


@pytest.mark.parametrize("broken", ["def mae(", "%timeit 1", "\0", "x = " + "(" * 5000, "x = " + "-" * 200000 + "1",
                                    "x = " + "1+" * 20000 + "1", "#" * 10**6])
def test_what_is_no_python_is_named_and_stops_nothing(broken, tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch), result("anna", answer=broken), result("ben"))
    summary.write_summary(out)
    assert "no Python: anna mae" in (out / "summary.html").read_text(encoding="utf-8")
