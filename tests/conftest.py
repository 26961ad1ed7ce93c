"A failing test names the notebook and the cell that it was made from. Made by tools/export.py."
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        report.sections.append(("made from", item.function.__doc__ or "an unnamed cell"))
