"""The files of Moodle and Canvas get the marks, and nothing else changes."""
import lms
import pytest
from small_course import make_course, result, ungraded, write_results

from ssnet.files import InputError

# As Moodle exports it: byte order mark, quotes around what holds a space, a cell with a line break
MOODLE = '''\ufeffIdentifier,"Full name","Email address",Status,Grade,"Maximum grade","Grade can be changed",\
"Last modified (submission)","Last modified (grade)","Feedback comments"
"Participant 12345","Anna ""A"" Ō",anna@uni.example,"Submitted for grading",,5.00,Yes,"Monday, 4 May 2026, 10:00 AM",-,
"Participant 12346","Ben, B",ben@uni.example,"Submitted for grading",1.00,5.00,Yes,"Monday, 4 May 2026, 10:00 AM",-,"by
hand"
"Participant 12347",Cem,cem@uni.example,"No submission",,5.00,Yes,-,-,
"Participant 12348",Dan,dan@uni.example,"Submitted for grading",2.00,5.00,No,-,-,
'''.replace("\n", "\r\n")
CANVAS = '''Student,ID,SIS User ID,SIS Login ID,Section,A1 (4711),A2 (4712),Final Score
,,,,,Manual Posting,,
    Points Possible,,,,,5.00,20.00,(read only)
"Smith, Anna",101,S1,anna,"Section, 1",,3.00,15.00
"Brown, Ben",102,S2,ben,Section 1,1.00,,5.00
"Cole, Cem",103,S3,cem,Section 1,EX,,
"Student, Test",104,,0a1b,Section 1,,,
'''


@pytest.fixture
def graded(tmp_path, monkeypatch):
    "A function that writes results and an LMS's file, fills the file, and gives what was told and the new text."
    out = make_course(tmp_path, monkeypatch)
    def fill(text, *results, kind="moodle", **more):
        write_results(out, *results)
        (tmp_path / "lms.csv").write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        told = lms.fill(kind, tmp_path / "lms.csv", out, tmp_path / "filled.csv", **more)
        return told, (tmp_path / "filled.csv").read_bytes().decode("utf-8")
    return fill


def canvas(graded, text, *results, **more): return graded(text, *results, kind="canvas", column="A1 (4711)", **more)


def test_moodle_gets_grades_and_feedback_and_keeps_every_other_byte(graded):
    results = result("12345"), result("Participant_12346", hidden=0.5), result("12348"), result("nobody")
    told, text = graded(MOODLE, *results)
    assert told == {"result without a row": ["nobody"], "kept: locked in Moodle": ["12348"],
                    "grade filled in, but the feedback that stood there kept": ["Participant_12346"],
                    "kept: row without a result": ["Participant 12347"]}
    wanted = MOODLE.replace('grading",,', 'grading",5.00,').replace('grading",1.00', 'grading",2.50')
    comment = lms.feedback(results[0])
    assert comment.startswith("a1, variant 0: 5 of 5 points<br>(written by the grader")
    assert text == wanted.replace('AM",-,\r\n', f'AM",-,"{comment}"\r\n', 1)


def test_moodles_feedback_is_html_and_is_renewed(graded):
    _, text = graded(MOODLE, result("12345", hidden=0.0, message="is 1 < 2", notes=["cell x was edited"]))
    assert "a1-mae-hidden (0 of 3): is 1 &lt; 2<br>cell x was edited" in text
    told, text = graded(text, result("12345"))
    assert "a1, variant 0: 5 of 5 points" in text and "edited" not in text
    assert list(told) == ["kept: row without a result"]


@pytest.mark.parametrize("change, renewed", [
    (lambda ours: ours, True), (lambda ours: f"<p>{ours.replace('<br>', '<br />')}</p>\n", True),  # Moodle's editor
    (lambda ours: f"{ours}<br>See me.", False), (lambda ours: f"See me. {ours}", False),
    (lambda ours: ours.replace("the sum", "the mean"), False), (lambda ours: "a1, variant 0: well done", False)])
def test_feedback_that_a_person_changed_is_kept(change, renewed, graded):
    r = result("12345", hidden=0.0, message="it is < the sum & 'more'")
    _, text = graded(MOODLE, r)
    there = change(lms.feedback(r))
    told, filled = graded(text.replace(lms.feedback(r), there), result("12345"))
    assert ("but the feedback that stood there kept" in " ".join(told)) != renewed
    assert ("5 of 5 points" in filled) == renewed == (there not in filled)


def test_decimal_commas_stay(graded):
    _, text = graded(MOODLE.replace("5.00", '"5,00"'), result("12345", hidden=0.5))
    assert 'grading","2,50","5,00",Yes' in text


def test_canvas_gets_its_column_only(graded):
    told, text = canvas(graded, CANVAS, result("101"), result("ben", hidden=0.0), result("103"))
    assert text == CANVAS.replace('1",,3.00', '1",5.00,3.00').replace("1,1.00,", "1,2.00,")
    assert told == {"kept: 'EX' in Canvas": ["103"], "kept: row without a result": ["Student, Test"]}


def test_canvas_with_semicolons_and_decimal_commas(graded):
    text = CANVAS.replace('"Section, 1"', "Section 1").replace(",", ";").replace(".", ",").replace("Smith;", "Smith,")
    _, filled = canvas(graded, text, result("101", hidden=0.5))
    assert ";Section 1;2,50;3,00;" in filled


@pytest.mark.parametrize("student", ["101", "s1", "Anna", "ANNA", "Anna Smith", "Smith, Anna"])
def test_a_student_is_found_by_any_of_the_names(student, graded):
    assert "result without a row" not in canvas(graded, CANVAS, result(student))[0]


def test_the_number_that_the_lms_gave_counts_more_than_the_name(graded):
    told, text = canvas(graded, CANVAS.replace(",S2,", ",101,"), result("Ben Brown", lms_id="101"))
    assert '1",5.00,3.00' in text and told["kept: row without a result"][0] == "Brown, Ben"
    assert canvas(graded, CANVAS, result("Anna Smith", lms_id="999"))[0]["result without a row"] == ["Anna Smith"]
    assert 'grading",5.00,5.00,Yes' in graded(MOODLE, result("Ben, B", lms_id="12345"))[1]


def test_by_looks_for_the_name_in_that_column(graded):
    text = CANVAS.replace(",S2,", ",99,")
    told, filled = canvas(graded, text, result("Ben", lms_id="101"), by="SIS Login ID")
    assert 'Ben",102,99,ben,Section 1,5.00' in filled and "result without a row" not in told
    assert canvas(graded, text, result("Ben", lms_id="99"), by="SIS User ID")[0]["result without a row"] == ["Ben"]
    with pytest.raises(InputError, match="one column 'Nick'"): canvas(graded, text, result("Ben"), by="Nick")


def test_a_name_that_fits_two_students_is_an_error(graded, tmp_path):
    text = CANVAS.replace(",S2,", ",101,")
    with pytest.raises(InputError, match="'101' fits 2 rows"): canvas(graded, text, result("101"))
    assert not (tmp_path / "filled.csv").exists()
    assert 'Anna",101,S1,anna,"Section, 1",5.00' in canvas(graded, text, result("101"), by="ID")[1]
    with pytest.raises(InputError, match="fit one row"): canvas(graded, CANVAS, result("101"), result("anna"))


@pytest.mark.parametrize("old, new, says", [
    ("5.00", "100.00", "maximum '100.00', a1 has 5"), ("Identifier", "ID-Nummer", "to English"),
    ('"by', '"b"y', "Line 3"), (",Grade,", ",Note,", "one column 'Grade'"), ('"Maximum grade"', "Scale", "'Maximum Grade'"),
    (",Yes,", ",", "download it again")])
def test_a_wrong_worksheet_is_an_error_and_nothing_is_written(old, new, says, graded, tmp_path):
    assert old in MOODLE
    with pytest.raises(InputError, match=says): graded(MOODLE.replace(old, new), result("12346"))
    assert not (tmp_path / "filled.csv").exists()


@pytest.mark.parametrize("text, says", [(b"", "is empty"), (MOODLE.encode("utf-16"), "UTF-8"), (b"Ident\xe9", "UTF-8")])
def test_a_file_of_another_kind_is_an_error(text, says, graded):
    with pytest.raises(InputError, match=says): graded(text, result("12345"))


def test_a_wrong_column_or_maximum_in_canvas_is_an_error(graded):
    for column, says in (("A9", "'A2 \\(4712\\)'"), ("A2 (4712)", "maximum '20.00'"), ("Final Score", "read only")):
        with pytest.raises(InputError, match=says): graded(CANVAS, result("101"), kind="canvas", column=column)


def test_the_lms_file_is_never_overwritten(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="another name"): lms.fill("moodle", tmp_path / "x", tmp_path, tmp_path / "x")


def test_who_waits_for_points_keeps_the_grade(tmp_path, monkeypatch):
    out = write_results(make_course(tmp_path, monkeypatch, manual=15.0), result("12345", manual=15.0))
    (tmp_path / "in.csv").write_bytes(MOODLE.replace("5.00", "20.00").encode())
    told = lms.fill("moodle", tmp_path / "in.csv", out, tmp_path / "out.csv")
    assert told["kept: waits for points in report.csv"] == ["12345"]
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "in.csv").read_bytes()


@pytest.mark.parametrize("kind, text, more", [("moodle", MOODLE, {}), ("canvas", CANVAS, {"column": "A1 (4711)"})])
def test_who_was_not_graded_keeps_the_grade(kind, text, more, graded):
    failed = ungraded("12346" if kind == "moodle" else "102")
    told, filled = graded(text, failed, kind=kind, **more)
    assert told["kept: not graded, see marks.csv"] == [failed["student"]] and filled == text
