"""Answers that are alike, and answers that the repository holds: a hint to look, never a mark.

Two answers are alike when their syntax trees are the same once names are numbered, constants are 0, and docstrings,
annotations, imports and comments are gone. Short answers come out alike by themselves, so they are not compared.
"""
import ast
import re
import warnings
from collections import defaultdict
from itertools import combinations

import course

LONG = 40        # nodes of a syntax tree that an answer has beyond the starter: one with fewer is not compared
COMMON = 0.1     # an answer that more than this share of the students gave says nothing
LONGEST = 50000  # characters; what is longer is not compared either


class Plain(ast.NodeTransformer):
    "Names become numbers in the order they appear, constants 0; docstrings, annotations and imports go."

    def __init__(self): self.names = {}

    def number(self, name):
        "The name that stands for `name`."
        return f"v{self.names.setdefault(name, len(self.names))}"

    def visit_Name(self, node): return ast.Name(self.number(node.id), node.ctx)
    def visit_arg(self, node): return ast.arg(self.number(node.arg), None)
    def visit_Constant(self, node): return ast.Constant(0)
    def visit_Import(self, node): return None
    visit_ImportFrom = visit_Import

    def visit_FunctionDef(self, node):
        "A function or a class under its number."
        node.name = self.number(node.name)
        if isinstance(node, ast.FunctionDef): node.returns = None
        return self.generic_visit(node)

    visit_ClassDef = visit_FunctionDef


def without_docstrings(tree):
    "`tree`, changed in place."
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def definitions(source):
    "{shape: (name, size, words)} of the functions, classes and methods of `source`; raises ValueError for no Python."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = without_docstrings(ast.parse(source))
        nodes = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
        words = [ast.dump(n) for n in nodes]  # before the names go
        named = [(n.name, sum(not isinstance(m, ast.expr_context) for m in ast.walk(n))) for n in nodes]
        shapes = [ast.dump(Plain().visit(ast.parse(ast.unparse(n)).body[0])) for n in nodes]
    except (SyntaxError, RecursionError, MemoryError) as error: raise ValueError(str(error)) from None
    return {shape: (*name, word) for shape, name, word in zip(shapes, named, words)}


def long_parts(source, given=None):
    "The definitions that are long enough to say something; `given` are those of the starter."
    given = given or {}
    sizes = {name: size for name, size, _ in given.values()}
    return {shape: part for shape, part in definitions(source).items()
            if shape not in given and part[1] - sizes.get(part[0], 0) >= LONG}


def answer_cells(assignment):
    "{exercise: source of the answer cell, solution and all}."
    cells = [c for c in course.notebook(assignment).cells if c.cell_type == "code"]
    return {c.metadata.nbgrader.grade_id.removeprefix(f"{assignment}-"): c.source
            for c in cells if c.metadata.get("nbgrader", {}).get("solution")}


def starter(source):
    "An answer cell as it is handed out."
    gap = r"^( *)### BEGIN SOLUTION.*?### END SOLUTION[^\n]*"
    return re.sub(gap, r"\1raise NotImplementedError()", source, flags=re.M | re.S)


def package_shapes():
    "{shape: 'ssnet.metrics.f_measure'} of the package's functions, classes and methods."
    found = {}
    for path in sorted((course.COURSE.parent / "ssnet").glob("[a-z]*.py")):
        for shape, (name, *_) in long_parts(path.read_text(encoding="utf-8")).items():
            found.setdefault(shape, f"ssnet.{path.stem}.{name}")
    return found


def known(assignment):
    "{exercise: (definitions of the starter, {shape: where it is published})}."
    package, cells = package_shapes(), {}
    for exercise, source in answer_cells(assignment).items():
        given = definitions(starter(source))
        ours = {shape: "the published solution" for shape in long_parts(source, given)}
        cells[exercise] = given, package | ours
    return cells


def compare(answers, assignment):
    """({exercise: {shape: {student: words}}}, [(student, exercise, where it is published)], [(student, exercise)])

    of `answers` {student: {exercise: source}}: long answers, those that are published, those that are no Python."""
    shapes, published, broken = defaultdict(lambda: defaultdict(dict)), [], []
    cells = known(assignment)
    for student, exercise, source in sorted((s, e, source) for s, by in answers.items() for e, source in by.items()):
        if exercise not in cells: continue  # text
        given, ours = cells[exercise]
        try: parts = long_parts(source if len(source) < LONGEST else "?", given)
        except ValueError:
            broken.append((student, exercise))
            continue
        published += [(student, exercise, where) for where in sorted({ours[s] for s in parts if s in ours})]
        for shape in parts.keys() - ours.keys(): shapes[exercise][shape][student] = parts[shape][2]
    return shapes, published, broken


def pairs(shapes, students):
    "[(student, student, {exercise: word for word?})], most exercises first; and {exercise: how many gave one answer}."
    found, common = defaultdict(dict), {}
    for exercise, groups in sorted(shapes.items()):
        for group in groups.values():
            if len(group) > max(3, COMMON * students): common[exercise] = max(common.get(exercise, 0), len(group))
            else:
                for a, b in combinations(sorted(group), 2):
                    found[a, b][exercise] = found[a, b].get(exercise, False) or group[a] == group[b]
    order = sorted(found.items(), key=lambda item: (-len(item[1]), -sum(item[1].values()), item[0]))
    return [(a, b, which) for (a, b), which in order], common
