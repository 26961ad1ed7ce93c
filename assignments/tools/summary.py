"""The marks of all submissions on one page: python assignments/tools/summary.py grading/a1

Reads grading/a1/results/*.json; writes marks.csv and summary.html beside it. Where an assignment has parts that people
grade, report.csv is the sheet for their points: each student gets an empty row, and what stands there is never changed.
The points and the comment then go into the student's page in feedback/.
"""
import argparse
import csv
import html
import io
import json
import math
import re
import statistics
from collections import Counter, defaultdict
from pathlib import Path

import alike
import course

from ssnet.files import InputError, write_whole

STYLE = """
:root { color-scheme: light dark; --line: #8884; --bar: #2a78c2; --soft: #8882; --quiet: #777 }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: 0 } h2 { margin-top: 2.5rem } p.quiet, td.quiet, small { color: var(--quiet) }
dl { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1.5rem 0 }
dl div { flex: 1 0 7rem; border: 1px solid var(--line); border-radius: .5rem; padding: .6rem 1rem }
dt { color: var(--quiet); font-size: .85rem } dd { margin: 0; font-size: 1.7rem }
table { border-collapse: collapse; width: 100% } th { text-align: left; font-weight: 600 }
th, td { padding: .4rem .6rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
td { overflow-wrap: anywhere }
td.number, th.number { text-align: right; white-space: nowrap } td.name { white-space: nowrap }
svg { width: 100%; height: auto } rect { fill: var(--bar) }
text { fill: currentColor; font-size: 13px; text-anchor: middle }
svg.bar { width: 7rem; height: .8rem } svg.bar .all { fill: var(--soft) } ul { margin: 0; padding-left: 1.1rem }
"""


# Reading

def read_result(path):
    "One submission's result."
    try: return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error: raise InputError(f"{path} is broken ({error}): delete it and grade again.") from error


def read_results(out):
    "All results of a grading folder, by student; they must be of one assignment, one variant, one maximum."
    found = [read_result(path) for path in sorted(Path(out).glob("results/*.json")) if not path.name.startswith(".")]
    if not found: raise InputError(f"{out}/results holds no result: grade submissions first.")
    kinds = {(r["assignment"], r["seed"], r["max_points"]) for r in found}
    if len(kinds) > 1:
        raise InputError(f"{out} mixes (assignment, variant, points) {sorted(kinds)}: grade each into its own folder.")
    return sorted(found, key=lambda r: r["student"])


def cell_ids(results):
    "The graded cells in the notebook's order."
    return list(course.graded_cells(results[0]["assignment"]))


def cells(result):
    "{id: cell} of one result."
    return {c["id"]: c for c in result["cells"]}


# CSV

def safe(text):
    "`text` so that a spreadsheet does not run it as a formula."
    return f"'{text}" if re.match(r"\s*[=+\-@\t\r＝＋－＠]", text) else text


def number(points):
    "Points as people write them: 2, 2.5; nothing for points that are not given yet."
    return "" if points is None else f"{points:.2f}".rstrip("0").rstrip(".")


def csv_text(rows, separator=",", end="\n"):
    "`rows` as CSV."
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator=end)
    writer.writerows([safe(c) if isinstance(c, str) else c for c in row] for row in rows)
    return file.getvalue()


def write_csv(path, rows):
    "Write `rows` whole, for any spreadsheet."
    write_whole(path, csv_text(rows).encode("utf-8-sig"))


def separator_of(text):
    "The separator of a sheet: the one that its first line holds most."
    return max(",;\t", key=text.partition("\n")[0].count)


def read_csv(path):
    "The rows of a sheet that a spreadsheet may have saved: commas or semicolons, UTF-8."
    try: text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError: raise InputError(f"{path} is not UTF-8: save it as 'CSV UTF-8'.") from None
    return [row for row in csv.reader(io.StringIO(text), delimiter=separator_of(text)) if any(row)]


def append_csv(path, rows):
    "Add `rows` below a sheet, written as it is: separator, line ends, and every byte that is there."
    data = path.read_bytes()
    text = data.decode("utf-8")
    end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if text.endswith("\n") else end
    write_whole(path, data + (gap + csv_text(rows, separator_of(text), end)).encode())


# Points given by people

def rubric_rows(path):
    "[(what is judged, maximum)] of a rubric: its table's bold names, and the points of its last column."
    text = path.read_text(encoding="utf-8")
    most = re.search(r"^\|.*\| *([\d.]+) points? *\|$", text, flags=re.M)
    if not most: raise InputError(f"{path.name} has no table whose last column is named 'N points'.")
    return [(name, float(most[1])) for name in re.findall(r"^\| *\*\*(.+?)\*\*", text, flags=re.M)]


def rubric(assignment):
    "[(grade id, what is judged, maximum)]: the rows of rubric_aN.md where there is one, else the cells people grade."
    graded = course.graded_cells(assignment).items()
    manual = [(i, c.metadata.nbgrader.points) for i, c in graded if c.cell_type == "markdown"]
    path = course.COURSE / f"rubric_{assignment}.md"
    if len(manual) != 1 or not path.exists(): return [(i, i.removeprefix(f"{assignment}-"), p) for i, p in manual]
    rows, ((cell, maximum),) = rubric_rows(path), manual
    total = sum(points for _, points in rows)
    if total != maximum: raise InputError(f"{path.name} gives {total:g} points, {cell} has {maximum:g}.")
    return [(cell, name, points) for name, points in rows]


def heads(rows):
    "The columns of the sheet for points that people give."
    return ["student", *(f"{name} [{number(maximum)}]" for _, name, maximum in rows), "comment"]


def given(text, maximum, where):
    "The points that a person wrote, or None for an empty cell."
    if not text.strip(): return None
    try: points = float(text.strip().replace(",", "."))
    except ValueError: points = -1
    if 0 <= points <= maximum: return points
    raise InputError(f"{where} says '{text}': give a number from 0 to {number(maximum)}.")


def read_report(path, rows):
    "{student: ({grade id: points or None}, comment)} of the filled sheet."
    head, *lines = read_csv(path)
    wanted = heads(rows)
    if head != [safe(w) for w in wanted]: raise InputError(f"{path} has the columns {head}; {wanted} are expected.")
    found = {}
    for line in lines:
        student, *points, comment = (line + [""] * len(head))[:len(head)]
        if student in found: raise InputError(f"{path} has two rows for {student}: delete one.")
        sums = {}
        for (i, name, maximum), text in zip(rows, points):
            one, so_far = given(text, maximum, f"{path}, {student}, {name}"), sums.get(i, 0)
            sums[i] = None if one is None or so_far is None else so_far + one
        found[student] = sums, comment
    return found


def merge(results, out):
    "`results` with the points of report.csv; that sheet gets a row for each student who has none."
    rows, path, students = rubric(results[0]["assignment"]), Path(out) / "report.csv", [r["student"] for r in results]
    if rows and not path.exists(): write_csv(path, [heads(rows)])
    found = read_report(path, rows) if rows else {}
    lost = found.keys() - set(map(safe, students))
    if lost: raise InputError(f"{path} names {', '.join(sorted(lost))}, who handed in nothing: correct the name.")
    new = [[student] + [""] * (len(rows) + 1) for student in students if safe(student) not in found]
    if rows and new: append_csv(path, new)
    return [merge_one(result, *found.get(safe(result["student"]), ({}, ""))) for result in results]


def merge_one(result, sums, comment):
    "`result` with the points of its row in report.csv; the sum is None while some points are missing."
    done = [c | {"points": sums.get(c["id"])} if c["kind"] == "manual" else c for c in result["cells"]]
    missing, waits = [c for c in done if c["points"] is None], waiting({"cells": done})
    notes = result["notes"] + ([f"waiting for points in report.csv: {', '.join(waits)}"] if waits else [])
    points = None if missing else sum(c["points"] for c in done)
    return result | {"cells": done, "points": points, "notes": notes, "comment": comment}


def load(out):
    "The results of a grading folder with the points that people gave; `points` is None while some are missing."
    return merge(read_results(out), out)


def waiting(result):
    "The cells that wait for points in report.csv."
    return [c["id"] for c in result["cells"] if c["points"] is None and c["kind"] == "manual"]


def ungraded(result):
    "Whether the grader failed, so that there are no points at all."
    return any(c["points"] is None and c["kind"] != "manual" for c in result["cells"])


def so_far(result):
    "The points that are there."
    return sum(c["points"] or 0 for c in result["cells"])


def counted(results):
    "The points that are there, of each submission that was graded."
    return [so_far(r) for r in results if not ungraded(r)]


def marks(results):
    "The rows of marks.csv."
    ids = cell_ids(results)
    yield ["student", "points", "max_points", *ids, "notes"]
    for r in results:
        held = cells(r)
        points = [number(held[i]["points"]) if i in held else "0" for i in ids]
        yield [r["student"], number(r["points"]), number(r["max_points"]), *points, "; ".join(r["notes"])]


# The feedback pages

def score(points, otherwise, maximum):
    "A score as nbgrader writes it; `otherwise` in place of points that are missing."
    return f"{otherwise if points is None else float(round(points, 2))} / {float(maximum)}"


def renew(page, result):
    "A feedback page with the points and the comment of a person; the same again where it has them already."
    def put(before, text): return re.sub(rf"(?s)({before})[^/<]* / [^)<]*", lambda m: m[1] + text, page, count=1)
    page = put(r"<h4>[^<]*\(Score: ", score(result["points"], f"{so_far(result):g} so far", result["max_points"]))
    cells, said = [c for c in result["cells"] if c["kind"] == "manual"], []
    for c in cells:
        text = score(c["points"], "marked by a person", c["max"])
        page = put(rf'<a href="#{c["id"]}">[^<]*</a> \(Score: ', text)                   # the list at the top
        page = put(rf'<a name="{c["id"]}"></a><div(?:(?!</div>).)*?Score: ', f"{text} ")  # the answer's own head
        if c["points"] is not None: said.append(f"{c['id']}: {number(c['points'])} of {number(c['max'])} points.")
    said = html.escape(" ".join([*said, result["comment"].strip()]).strip())
    head, top, rest = page.partition('<div id="toc">')  # nothing of the student's stands above it
    head = re.sub(r'<p id="comment">.*?</p>', "", head, flags=re.S)
    return head + (f'<p id="comment">{said}</p>' if said else "") + top + rest


def renew_pages(results, out):
    "Put what people gave into the students' pages; returns who has no page."
    lost = []
    for r in (r for r in results if any(c["kind"] == "manual" for c in r["cells"])):
        path = Path(out) / "feedback" / f"{r['student']}.html"
        if not path.is_file():
            lost.append(r["student"])
            continue
        old = path.read_text(encoding="utf-8")
        if (new := renew(old, r)) != old: write_whole(path, new.encode())
    return lost


# The page

def esc(text):
    "`text` for HTML, one that is too long cut."
    text = str(text)
    return html.escape(text if len(text) <= 300 else text[:299] + "…")


def table(heads, rows, numbers=()):
    "An HTML table; cells are HTML already; `numbers` are the columns set to the right."
    kind = [' class="number"' if n in numbers else "" for n in range(len(heads))]
    top = "".join(f"<th{k}>{esc(h)}</th>" for k, h in zip(kind, heads))
    body = "".join("<tr>" + "".join(f"<td{k}>{c}</td>" for k, c in zip(kind, row)) + "</tr>\n" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table>\n"


def histogram(points, maximum, bins=10):
    "How many submissions have how many points, as SVG."
    counts = Counter(min(int(p / maximum * bins), bins - 1) for p in points)
    top, parts = max(counts.values(), default=1), []
    for n in range(bins):
        height, left = 150 * counts[n] / top, 40 + n * 64
        label = f"{number(maximum * n / bins)}–{number(maximum) if n == bins - 1 else ''}"
        parts.append(f'<rect x="{left + 3}" y="{180 - height:.1f}" width="58" height="{height:.1f}" rx="3"/>'
                     f'<text x="{left + 32}" y="{172 - height:.1f}">{counts[n] or ""}</text>'
                     f'<text x="{left + 32}" y="200">{label}</text>')
    shape = 'viewBox="0 0 720 210" role="img" aria-label="Number of submissions by points"'
    return f'<svg {shape}>{"".join(parts)}</svg>\n'


def middle(points):
    "Mean and median; nan where there are no points."
    return (statistics.mean(points), statistics.median(points)) if points else (math.nan, math.nan)


def one_digit(value):
    "A figure as it is shown."
    return "–" if math.isnan(value) else f"{value:.1f}"


def tiles(results):
    "The figures at the top."
    points, maximum = counted(results), results[0]["max_points"]
    mean, median = middle(points)
    figures = {"submissions": len(results), "mean": one_digit(mean), "median": one_digit(median),
               "points in all": number(maximum), "full marks": sum(p >= maximum for p in points)}
    return "<dl>" + "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in figures.items()) + "</dl>\n"


def failures(results):
    "[(cell id, how many lost points, [(message, count)])], the most failed first."
    found = []
    for i in cell_ids(results):
        held = [cells(r).get(i) for r in results]
        lost = [c for c in held if c is None or c["points"] is not None and c["points"] < c["max"]]
        said = Counter((c or {}).get("message") or "see the notes" for c in lost)
        found.append((i, len(lost), sorted(said.items(), key=lambda item: (-item[1], item[0]))))
    return sorted(found, key=lambda item: -item[1])


def bar(share):
    "A share of 1 as a small bar."
    inside = f'<rect class="all" width="100" height="10"/><rect width="{100 * share:.0f}" height="10"/>'
    return f'<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none">{inside}</svg>'


def failure_table(results):
    "The checks by how many failed them, with the messages that came most."
    rows = []
    for i, lost, said in failures(results):
        items = "".join(f"<li>{esc(text)} <small>×{count}</small></li>" for text, count in said[:3])
        rest = f"<small>and {len(said) - 3} more</small>" if len(said) > 3 else ""
        rows.append((esc(i), lost, bar(lost / len(results)), f"<ul>{items}</ul>{rest}" if items else ""))
    return table(["check", "lost points", "", "what they were told most"], rows, {1})


def note_table(results):
    "Each note, and who got it."
    found = defaultdict(list)
    for r in results:
        for note in r["notes"]: found[note].append(r["student"])
        if r["isolation"] != "bubblewrap": found[f"isolation by {r['isolation']} only"].append(r["student"])
    rows = [(esc(note), len(who), names(who)) for note, who in sorted(found.items())]
    return table(["note", "students", ""], rows, {1}) if rows else "<p>No submission got a note.</p>\n"


def names(students, most=12):
    "Names for HTML; many of them fold."
    found = list(map(esc, students))
    text = ", ".join(found)
    return text if len(found) <= most else f"<details><summary>show</summary>{text}</details>"


def pair_table(found, common, most=50):
    "Pairs of students with answers alike; `common`: what so many gave that it says nothing."
    def exercises(which): return ", ".join(esc(e) + (" (word for word)" if w else "") for e, w in sorted(which.items()))
    rows = [(esc(a), esc(b), len(which), exercises(which)) for a, b, which in found[:most]]
    text = table(["", "", "alike", "exercises"], rows, {2}) if rows else "<p>No pair.</p>\n"
    if len(found) > most: text += f"<p>and {len(found) - most} more pairs.</p>\n"
    for exercise, count in sorted(common.items()):
        text += f'<p class="quiet">{esc(exercise)}: {count} students gave one answer; their pairs are not listed.</p>\n'
    return text


def alike_section(answers, assignment):
    "(HTML, pairs of students with answers alike, answers that the repository holds)."
    shapes, published, broken = alike.compare(answers, assignment)
    found, common = alike.pairs(shapes, len(answers))
    held = defaultdict(list)
    for student, exercise, where in published: held[student].append(f"{exercise} ({where})")
    rows = [(esc(student), esc(", ".join(which))) for student, which in held.items()]
    text = f"""<h2>Answers alike</h2>
<p>The same structure once names, numbers and comments are left out. A hint to look, never a mark: ask the students.</p>
{pair_table(found, common)}
<h2>Answers like the repository's</h2>
<p>Built like the published solution or like a function of the package.</p>
{table(["student", "exercises"], rows) if rows else "<p>None.</p>"}
"""
    if broken: text += f'<p class="quiet">Not compared, as they are no Python: {names(map(" ".join, broken))}.</p>\n'
    return text, found, published


def missing_text(results):
    "Whose points are missing, and how they are counted."
    failed, waits, said = [r["student"] for r in results if ungraded(r)], sum(bool(waiting(r)) for r in results), []
    if failed:
        said += [f"The grader failed at {', '.join(map(esc, failed))}; mean, median and distribution leave them out. "
                 "Their notes say why: grade them again, or by hand."]
    if waits: said += [f"{waits} submissions wait for points in report.csv; only what is there is counted here."]
    return "".join(f"<p><b>{text}</b></p>\n" for text in said)


def page(results, alike_text):
    "summary.html."
    a, seed = results[0]["assignment"], results[0]["seed"]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{esc(a)}: marks</title>
<style>{STYLE}</style></head><body>
<h1>{esc(a).upper()}: marks</h1>
<p class="quiet">Variant {esc(seed)}. One row a student is in marks.csv.</p>
{missing_text(results)}{tiles(results)}
<h2>Distribution</h2>
{histogram(counted(results), results[0]["max_points"])}
<h2>Checks, most failed first</h2>
{failure_table(results)}
<h2>Worth a look</h2>
{note_table(results)}
{alike_text}</body></html>
"""


def write_summary(out):
    "Write marks.csv and summary.html of the grading folder `out`, renew its pages; returns what they say in a dict."
    results = load(out)
    answers = {r["student"]: r["answers"] for r in results}
    text, found, published = alike_section(answers, results[0]["assignment"])
    write_csv(Path(out) / "marks.csv", marks(results))
    write_whole(Path(out) / "summary.html", page(results, text).encode())
    mean, median = middle(counted(results))
    return {"submissions": len(results), "mean": mean, "median": median,
            "max_points": results[0]["max_points"], "failures": failures(results),
            "pairs": found, "published": published, "no page": renew_pages(results, out),
            "waiting": [r["student"] for r in results if waiting(r)],
            "ungraded": [r["student"] for r in results if ungraded(r)]}


def main():
    "Write the summary of a grading folder and say where it is."
    parser = argparse.ArgumentParser(description="Write marks.csv and summary.html of a grading folder.")
    parser.add_argument("out", type=Path, help="the grading folder, such as grading/a1")
    out = parser.parse_args().out
    try: made = write_summary(out)
    except InputError as error: parser.exit(1, f"{error}\n")
    figures = f"mean {one_digit(made['mean'])}, median {one_digit(made['median'])} of {number(made['max_points'])}"
    print(f"{made['submissions']} submissions, {figures}.")
    if made["ungraded"]: print(f"Not graded, see their notes in marks.csv: {', '.join(made['ungraded'])}.")
    if made["no page"]: print(f"Without a page in {out}/feedback, so grade again: {', '.join(made['no page'])}.")
    if made["waiting"]:
        print(f"{len(made['waiting'])} wait for points: fill in {out}/report.csv, then run summary.py {out}.")
    print(f"Open {out}/summary.html; the marks are in {out}/marks.csv.")


if __name__ == "__main__":
    main()
