"""Fill the marks into the file that Moodle or Canvas gave:

python assignments/tools/lms.py moodle WORKSHEET.csv grading/a1 --out FILLED.csv
python assignments/tools/lms.py canvas GRADEBOOK.csv grading/a1 --column "A1 (4711)" --out FILLED.csv

Only the cells of the grades (and Moodle's feedback) change; every other byte stays as it was.
"""
import argparse
import hashlib
import html
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import summary

from ssnet.files import InputError, write_whole

BOM = "\ufeff"
MOODLE = {"id": "Identifier", "grade": "Grade", "max": "Maximum Grade", "open": "Grade can be changed"}
MOODLE_NAMES = ("Identifier", "ID number", "Email address", "Username", "Full name")
CANVAS_NAMES = ("ID", "SIS User ID", "SIS Login ID", "Integration ID", "Student")
FEEDBACK = "Feedback comments"


@dataclass(frozen=True)
class Cell:
    "A cell of a CSV file: what it says, and where in the text it stands."
    text: str
    start: int
    end: int


@dataclass
class Sheet:
    "A CSV file that keeps its bytes: `change` collects what is different, `written` gives the new text."
    text: str
    separator: str
    rows: list
    changes: dict

    def column(self, name):
        "The number of the column `name`, capitals apart."
        heads = [c.text.strip().casefold() for c in self.rows[0]]
        if heads.count(name.casefold()) == 1: return heads.index(name.casefold())
        shown = ", ".join(f"'{c.text}'" for c in self.rows[0])
        raise InputError(f"The file needs one column '{name}'; its columns are {shown}.")

    def has(self, name):
        "Whether there is a column `name`."
        return name.casefold() in [c.text.strip().casefold() for c in self.rows[0]]

    def change(self, cell, text):
        "Let `cell` say `text`."
        quoted = re.search(rf'["\r\n{self.separator}]', text) or text != text.strip()
        self.changes[cell.start, cell.end] = '"' + text.replace('"', '""') + '"' if quoted else text

    def written(self):
        "The text with all changes."
        parts, at = [], 0
        for (start, end), new in sorted(self.changes.items()):
            parts += [self.text[at:start], new]
            at = end
        return "".join(parts) + self.text[at:]


def split(text, separator):
    "The rows of a CSV text, lists of Cell; empty lines left out."
    quoted, plain = r'"([^"]*(?:""[^"]*)*)"', rf'([^"{separator}\r\n][^{separator}\r\n]*)?'
    cell = re.compile(rf"(?:{quoted}|{plain})({separator}|\r\n|\n|\r|\Z)")
    rows, row, at = [], [], len(BOM) if text.startswith(BOM) else 0
    while at < len(text) or row:
        found = cell.match(text, at)
        line = 1 + text.count("\n", 0, at)
        if not found: raise InputError(f"Line {line} of the file is no CSV: a quote is missing.")
        quoted, plain, end = found.groups()
        row.append(Cell(quoted.replace('""', '"') if quoted is not None else plain or "", at, found.start(3)))
        at = found.end()
        if end != separator:
            rows, row = rows + [row] if any(c.text.strip() for c in row) else rows, []
    return rows


def read_sheet(path):
    "The Sheet in the file `path`; its separator is the one that its first line holds most."
    try: text = Path(path).read_bytes().decode("utf-8")
    except OSError as error: raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8: download it again, and do not open it first.") from None
    head = text.partition("\n")[0]
    separator = max(",;\t", key=head.count)
    rows = split(text, separator)
    if not rows: raise InputError(f"{path} is empty: download it again.")
    short = next((row[0].text for row in rows if len(row) != len(rows[0])), None)
    if short is None: return Sheet(text, separator, rows, {})
    raise InputError(f"{path}: the row of '{short}' is not as long as the head: download it again.")


# Which row is whose

def person(text):
    "A name as it is compared: 'Participant_12345' and '12345' are one, and so are 'Kim, Anna' and 'anna kim'."
    text = re.sub(r"[\s_]+", " ", text.strip().casefold())
    text = re.sub(r"^([^,]+), ([^,]+)$", r"\2 \1", text)
    return re.sub(r"^participant (?=\d+$)", "", text)


def row_names(sheet, columns):
    "{name: rows} from all columns that name a student."
    found = defaultdict(list)
    for column in filter(sheet.has, columns):
        n = sheet.column(column)
        for row in sheet.rows[1:]:
            name = person(row[n].text)
            if name and row not in found[name]: found[name].append(row)
    return found


def match(results, sheet, columns, by=None):
    """[(result, row)] and the students without a row; raises where a name fits two rows, or a row two names.

    The LMS's number of a result is looked for in the first of `columns` alone, a student's name in all; with `by`,
    the name alone is looked for, in that column."""
    if by: sheet.column(by)  # raises where there is none
    numbers, found = ({}, row_names(sheet, [by])) if by else (row_names(sheet, columns[:1]), row_names(sheet, columns))
    pairs, lost, taken = [], [], {}
    for result in results:
        student, number = result["student"], result.get("lms_id")
        rows = numbers.get(number, []) if number and not by else found.get(person(student), [])
        if not rows: lost.append(student)
        if len(rows) > 1: raise InputError(f"'{student}' fits {len(rows)} rows: say with --by which column to use.")
        for row in rows:
            other = taken.setdefault(row[0].start, student)
            if other != student: raise InputError(f"'{student}' and '{other}' fit one row: keep one of the results.")
            pairs.append((result, row))
    return pairs, lost


# What is written

def decimal(text):
    "A number as an LMS writes it, or None."
    text = text.strip().replace(",", ".")
    return float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else None


def check_maximum(text, result, where):
    "Raise where the LMS has another maximum than the assignment."
    if decimal(text) == result["max_points"]: return
    maximum = summary.number(result["max_points"])
    raise InputError(f"{where} has the maximum '{text}', {result['assignment']} has {maximum}: "
                     "set it in the LMS and download the file again.")


def why_none(result):
    "Why a student has no sum of points."
    return "kept: not graded, see marks.csv" if summary.ungraded(result) else "kept: waits for points in report.csv"


def points_text(result, like):
    "The points with two decimals, and with a comma where `like` has one."
    text = f"{result['points']:.2f}"
    return text.replace(".", ",") if "," in like else text


def feedback(result):
    "What a student reads in Moodle: points, a line for each check that cost some, and the end mark; HTML."
    def share(points, maximum): return f"{summary.number(points)} of {summary.number(maximum)}"
    first = f"{result['assignment']}, variant {result['seed']}: {share(result['points'], result['max_points'])} points"
    lost = [c for c in result["cells"] if c["points"] < c["max"]]
    lines = [f"{c['id']} ({share(c['points'], c['max'])}): {c['message']}" for c in lost]
    lines += result["notes"] + ([result["comment"]] if result.get("comment") else [])
    text = "<br>".join([first, *(html.escape(line, quote=False) for line in lines)])
    return f"{text}<br>(written by the grader, {digest(text)})"


def digest(text):
    "A short hash of what a text says, whatever tags and blanks Moodle's editor puts into it."
    said = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def ours(text):
    "Whether a feedback comment is empty, or by `feedback` and as it was written: its end mark fits and ends it."
    found = re.fullmatch(r"(.*)\(written by the grader, (\w{8})\)(\s|<[^>]*>)*", text, flags=re.S)
    return not text.strip() or found is not None and digest(found[1]) == found[2]


def fill_moodle(sheet, results, by=None):
    "Fill in a Moodle grading worksheet; returns {what happened: students}."
    if not sheet.has(MOODLE["id"]):
        raise InputError("The file has no column 'Identifier': set Moodle to English and download the worksheet again.")
    at = {key: sheet.column(name) for key, name in MOODLE.items()}
    pairs, lost = match(results, sheet, MOODLE_NAMES, by)
    told = defaultdict(list, {"result without a row": lost} if lost else {})
    for result, row in pairs:
        check_maximum(row[at["max"]].text, result, f"The row of {row[at['id']].text}")
        if result["points"] is None: told[why_none(result)].append(result["student"])
        elif row[at["open"]].text.strip().casefold() == "no": told["kept: locked in Moodle"].append(result["student"])
        else:
            sheet.change(row[at["grade"]], points_text(result, row[at["max"]].text))
            write_feedback(sheet, row, result, told)
    return told | unmarked(sheet, pairs, at["id"])


def write_feedback(sheet, row, result, told):
    "Fill in Moodle's feedback comment, unless a person wrote one."
    if not sheet.has(FEEDBACK): return
    cell = row[sheet.column(FEEDBACK)]
    if ours(cell.text): sheet.change(cell, feedback(result))
    else: told["grade filled in, but the feedback that stood there kept"].append(result["student"])


def unmarked(sheet, pairs, name):
    "{...: names} of the rows that no result fits."
    done = {row[0].start for _, row in pairs}
    rest = [row[name].text.strip() for row in sheet.rows[1:] if row[0].start not in done]
    return {"kept: row without a result": rest} if rest else {}


def fill_canvas(sheet, results, column, by=None):
    "Fill in a column of a Canvas gradebook; returns {what happened: students}."
    at, ident = sheet.column(column), sheet.column("ID")
    maxima = [row for row in sheet.rows[1:] if "Points Possible" in row[0].text]
    if len(maxima) != 1: raise InputError("The file has no row 'Points Possible': export the gradebook again.")
    check_maximum(maxima[0][at].text, results[0], f"The column '{column}'")
    people = [row for row in sheet.rows[1:] if row[ident].text.strip()]
    sheet.rows = [sheet.rows[0], *people]
    pairs, lost = match(results, sheet, CANVAS_NAMES, by)
    told = defaultdict(list, {"result without a row": lost} if lost else {})
    for result, row in pairs:
        old = row[at].text.strip().upper()
        if result["points"] is None: told[why_none(result)].append(result["student"])
        elif old in ("EX", "N/A"): told[f"kept: '{old}' in Canvas"].append(result["student"])
        else: sheet.change(row[at], points_text(result, maxima[0][at].text))
    return told | unmarked(sheet, pairs, 0)


def fill(kind, source, out, target, column=None, by=None):
    "Write `target`: the LMS's file `source` with the marks of the folder `out`; returns {what happened: students}."
    if Path(source).resolve() == Path(target).resolve(): raise InputError("--out is the LMS's file: give another name.")
    sheet, results = read_sheet(source), summary.load(out)
    told = fill_moodle(sheet, results, by) if kind == "moodle" else fill_canvas(sheet, results, column, by)
    write_whole(target, sheet.written().encode("utf-8"))
    return told


def main():
    "Fill in an LMS's file, and name everybody who got no grade by it."
    parser = argparse.ArgumentParser(description="Fill the marks into a file of Moodle or Canvas.")
    parser.add_argument("kind", choices=("moodle", "canvas"))
    parser.add_argument("file", type=Path, help="Moodle's grading worksheet, or Canvas's exported gradebook")
    parser.add_argument("grading", type=Path, help="the grading folder, such as grading/a1")
    parser.add_argument("--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--column", help="Canvas: the assignment's column, such as 'A1 (4711)'")
    parser.add_argument("--by", help="the column that holds the students' names in the results; found by itself")
    given = parser.parse_args()
    if given.kind == "canvas" and not given.column: parser.error("canvas needs --column 'Name (id)'")
    try: told = fill(given.kind, given.file, given.grading, given.out, given.column, given.by)
    except InputError as error: parser.exit(1, f"{error}\n")
    print(f"{given.out} is written." + (" Every result has its row, every row its grade." if not told else ""))
    for what, students in told.items(): print(f"{what} ({len(students)}): {', '.join(students)}")


if __name__ == "__main__":
    main()
