"""The table of wrong answers that the checks catch: python assignments/tools/mutants.py [--check]

Judges every answer in assignments/proof/ with two variants of the checks and writes the table between the markers in
assignments/README.md. With --check it only says whether the table there is still true; numbers in messages may differ.
"""
import argparse
import os
import re
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import course

from ssnet.files import InputError, write_whole

SEEDS = (0, 2027)  # the source's variant, and one of another year
GUIDE = course.COURSE / "README.md"
START, END = "<!-- mutants -->", "<!-- /mutants -->"


@dataclass(frozen=True)
class Verdict:
    "What the checks said to an answer in every variant."
    exercise: str
    right: bool
    title: str
    good: bool    # right and accepted, or wrong and told why, whatever the variant
    message: str  # the sentence that names the mistake, in the first variant


def telling(answer, failed):
    "Of the messages that an answer got the one that names its mistake; '' where none does."
    return next((m for m in failed.values() if answer.says in m), "")


def good(answer, failed):
    "Whether the checks said of an answer what they should."
    return not failed if answer.right else telling(answer, failed) != ""


def judge_exercise(task):
    "The Verdicts on one exercise's answers."
    assignment, exercise = task
    answers, said = course.read_answers(assignment, exercise), []
    for seed in SEEDS:
        course.load_checks(assignment, seed)
        said.append([course.judge(answer) for answer in answers])
    return [Verdict(exercise, a.right, a.title, all(good(a, failed) for failed in per), telling(a, per[0]))
            for a, per in zip(answers, zip(*said))]


def judge_all(assignments):
    "{assignment: Verdicts}, exercises side by side in two processes."
    tasks = [(a, exercise) for a in assignments for exercise in course.exercises(a)]
    if not tasks: raise InputError("There is no assignment in assignments/source.")
    found = {a: [] for a in assignments}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for (a, _), verdicts in zip(tasks, pool.map(judge_exercise, tasks)): found[a] += verdicts
    return found


def plain(text):
    "`text` as Markdown shows it letter by letter, in a table."
    return re.sub(r"([\\`*_{}\[\]<>|$~#])", r"\\\1", " ".join(text.split()))


def share(verdicts):
    "'8 of 8'."
    return f"{sum(v.good for v in verdicts)} of {len(verdicts)}"


def counts(verdicts):
    "A row's two cells: right answers accepted, wrong ones caught."
    return f"{share([v for v in verdicts if v.right])} | {share([v for v in verdicts if not v.right])}"


def folded(assignment, verdicts):
    "The wrong answers of an assignment with their messages, folded."
    lines = ["| exercise | the wrong answer | what the student is told |", "|---|---|---|"]
    for v in verdicts:
        said = plain(v.message) if v.good else "**not caught**"
        if not v.right: lines.append(f"| {v.exercise} | {plain(v.title)} | {said} |")
    rows = "\n".join(lines)
    return f"<details><summary>{assignment.upper()}: the wrong answers</summary>\n\n{rows}\n\n</details>\n"


def table(found):
    "The Markdown between the markers."
    everything = [v for verdicts in found.values() for v in verdicts]
    wrong, right = [v for v in everything if not v.right], [v for v in everything if v.right]
    seeds, alarms = " and ".join(map(str, SEEDS)), sum(not v.good for v in right)
    lines = [f"Caught {share(wrong)}; false alarms {alarms} of {len(right)} (variants {seeds}).", "",
             "| | exercise | right answers accepted | wrong answers caught |", "|---|---|---|---|"]
    for a, verdicts in found.items():
        for exercise in dict.fromkeys(v.exercise for v in verdicts):
            lines.append(f"| {a.upper()} | {exercise} | {counts([v for v in verdicts if v.exercise == exercise])} |")
    return "\n".join(lines) + "\n\n" + "\n".join(folded(a, verdicts) for a, verdicts in found.items())


def between(guide):
    "Where the table stands in the guide: (start, end)."
    if guide.count(START) == guide.count(END) == 1: return guide.index(START) + len(START), guide.index(END)
    raise InputError(f"{GUIDE} needs {START} and {END}, once each.")


def masked(text):
    "`text` without the numbers inside messages, which depend a little on the machine."
    def one(line): return line if re.search(r"\d+ of \d+", line) else re.sub(r"-?[\d.]+(e-?\d+)?", "#", line)
    return [one(line) for line in text.strip().split("\n")]


def main():
    "Write the table, or check it."
    parser = argparse.ArgumentParser(description="Write or check the table of wrong answers caught.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where the table differs")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    guide = GUIDE.read_text(encoding="utf-8")
    try: start, end = between(guide)
    except InputError as error: parser.exit(1, f"{error}\n")
    made = table(judge_all(course.ASSIGNMENTS))
    print(made.partition("\n")[0])
    if not given.check: write_whole(GUIDE, f"{guide[:start]}\n{made}{guide[end:]}".encode())
    elif masked(guide[start:end]) != masked(made):
        sys.exit("The table in assignments/README.md differs: run `make mutants`.")


if __name__ == "__main__":
    main()
