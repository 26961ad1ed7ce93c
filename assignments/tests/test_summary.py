"""marks.csv, report.csv and summary.html say what the results say."""
import csv
import io

import alike
import pytest
import summary
from small_course import OTHER, PACKAGE, REFERENCE, make_course, result, ungraded, write_results

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

def test_who_was_not_graded_has_no_sum_and_never_counts_as_0(tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch), result("anna"), ungraded("ben"))
    made = summary.write_summary(out)
    assert rows(out / "marks.csv")[2] == ["ben", "", "5", "", "", "The grader failed here (OSError)"]
    assert (made["mean"], made["median"], made["waiting"], made["ungraded"]) == (5, 5, [], ["ben"])
    assert [lost for _, lost, _ in made["failures"]] == [0, 0]
    text = (out / "summary.html").read_text(encoding="utf-8")
    assert "failed at ben; mean, median and distribution leave them out." in text and "report.csv" not in text
    write_results(out, ungraded("anna"), ungraded("ben"))
    summary.write_summary(out)
    assert "<dd>–</dd>" in (out / "summary.html").read_text(encoding="utf-8")


def test_who_was_not_graded_has_no_sum_though_a_person_gave_points(tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch, manual=10.0), ungraded("ben", manual=10.0))
    out.joinpath("report.csv").write_text("student,report [10],comment\nben,7,\n")
    made = summary.write_summary(out)
    assert rows(out / "marks.csv")[1][1:6] == ["", "15", "", "", "7"]
    assert (made["waiting"], made["ungraded"]) == ([], ["ben"])


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


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
@pytest.mark.parametrize("separator", ",;")
def test_who_hands_in_later_gets_a_row_and_every_byte_stays(separator, end, tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch, manual=10.0), result("anna", manual=10.0))
    lines = [["student", "report [10]", "comment"], ["anna", "7", '"well\nand good"']]
    sheet = "\ufeff" + (end or "\n").join(map(separator.join, lines)) + end
    (out / "report.csv").write_bytes(sheet.encode())
    write_results(out, result("anna", manual=10.0), result("=ben", manual=10.0), result("late", manual=10.0))
    for _ in range(2): made = summary.write_summary(out)
    new = "".join(f"{name}{separator * 2}{end or chr(10)}" for name in ("'=ben", "late"))
    assert (out / "report.csv").read_bytes().decode() == sheet + ("" if end else "\n") + new
    assert made["waiting"] == ["=ben", "late"] and rows(out / "marks.csv")[2][:2] == ["anna", "12"]


# As nbgrader makes it
PAGE = """<h4>a1 (Score: 5.0 / 15.0)</h4>
<p>a note (Score: 1 / 2)</p><div id="toc"><ol>
<li><a href="#a1-mae-check">a1-mae-check</a> (Score: 2.0 / 2.0)</li>
<li><a href="#a1-report">a1-report</a> (Score: 0.0 / 10.0): not answered</li></ol></div>
<a name="a1-report"></a><div class="panel-heading"><span class="pull-right">
      Score: 0.0 / 10.0 <a href="#top">(Top)</a>
</span></div><p id="comment">my own text, <a href="#a1-report">a1-report</a> (Score: 0.0 / 10.0)</p>"""


def test_the_students_page_says_what_a_person_gave(tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch, manual=10.0), result("anna", manual=10.0))
    page, sheet = out / "feedback/anna.html", out / "report.csv"
    page.parent.mkdir()
    page.write_text(PAGE)
    def renewed(row=None):
        if row is not None: sheet.write_text(f"student,report [10],comment\nanna,{row}\n")
        found = [summary.write_summary(out) and page.read_text() for _ in range(2)]
        assert found[0] == found[1]
        return found[0]
    waits = PAGE.replace("Score: 5.0", "Score: 5 so far").replace("Score: 0.0", "Score: marked by a person", 2)
    assert renewed() == waits
    given = PAGE.replace("Score: 5.0", "Score: 12.5").replace("Score: 0.0", "Score: 7.5", 2)
    said = '<p id="comment">a1-report: 7.5 of 10 points. &lt;b&gt; \\1 well</p>'
    assert renewed("7.5,<b> \\1 well") == given.replace('<div id="toc">', f'{said}<div id="toc">')
    assert renewed(",") == waits


def test_a_page_without_a_notebook_gets_the_points_and_a_lost_page_is_named(tmp_path, monkeypatch):
    out = make_course(tmp_path, monkeypatch, manual=10.0)
    write_results(out, result("anna", manual=10.0), result("ben", manual=10.0))
    (out / "report.csv").write_text("student,report [10],comment\nanna,7,by mail\nben,,\n")
    (out / "feedback").mkdir()
    (out / "feedback/anna.html").write_text("<h1>a1: not graded</h1>")
    assert summary.write_summary(out)["no page"] == ["ben"]
    said = '<p id="comment">a1-report: 7 of 10 points. by mail</p>'
    assert (out / "feedback/anna.html").read_text() == f"<h1>a1: not graded</h1>{said}"


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
