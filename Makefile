# make demo · make test · make lab · make docs · make test-docs · make export · make assignment · make grade · make mutants · make rehearsal
# make weights · make photos · make benchmarks · make clean
# Each makes its own environment in .venv first, if it is not there. PYTHON picks the interpreter (3.11 to 3.13).
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

.PHONY: demo test lab docs test-docs export assignment grade mutants rehearsal weights photos benchmarks clean

$(VENV)/.installed: settings.ini setup.py
	@echo "Making $(VENV) and installing into it: about 2 minutes, several GB (PyTorch)."
	@$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "ssnet needs Python 3.11 to 3.13; name one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[notebooks,dev,grading]"
	@touch $@

demo: $(VENV)/.installed
	@echo "Training both stages on built-in pictures on the CPU: about 10 minutes on two cores."
	$(BIN)/ssnet demo --out runs/demo
	@echo "Open runs/demo/report.html in a browser."

test: $(VENV)/.installed
	@echo "Checking the export, then the tests, then every notebook: under 25 minutes on two cores."
	$(BIN)/python tools/export.py --check
	$(BIN)/python tools/check_notebooks.py
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal
	$(BIN)/python tools/run_notebooks.py

lab: $(VENV)/.installed
	@echo "Opening JupyterLab at the index: at once."
	$(BIN)/jupyter lab nbs/index.ipynb

$(VENV)/.docs: $(VENV)/.installed docs/package-lock.json
	@echo "Installing what the site needs, from PyPI and npm: about a minute."
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	$(BIN)/python docs/build.py --packages
	@touch $@

docs: $(VENV)/.docs
	@echo "Building the site from the notebooks, checking its links and its spelling: about two minutes."
	$(BIN)/python docs/build.py
	$(BIN)/python docs/check_links.py
	$(BIN)/python docs/check_spelling.py
	@echo "Open _docs/index.html, or serve it: python -m http.server --directory _docs"

test-docs: $(VENV)/.docs
	@echo "Testing the built site in headless Chromium: about two minutes."
	$(BIN)/python -m pytest docs

export: $(VENV)/.installed
	@echo "Writing ssnet/, tests/ and README.md from the notebooks: about 10 seconds."
	$(BIN)/python tools/export.py

# The course (assignments/README.md): A is a1, a2, a3 or a4; SEED the year's variant; FROM a folder of submissions.
A    ?= a1
SEED ?= 0

assignment: $(VENV)/.installed
	@echo "Writing what students of $(A) get, variant $(SEED): about 10 seconds."
	$(BIN)/python assignments/tools/release.py $(A) --seed $(SEED)

grade: $(VENV)/.installed
	@test -n "$(FROM)" || { echo "Name the folder of submissions: make grade A=$(A) FROM=submissions"; exit 1; }
	@echo "Grading $(A), variant $(SEED): see assignments/README.md for how long."
	$(BIN)/python assignments/tools/grade.py $(A) "$(FROM)" --seed $(SEED) $(GRADE)

mutants: $(VENV)/.installed
	@echo "Proving the checks with right and wrong answers, and writing the table in assignments/README.md: about 2 minutes."
	$(BIN)/python assignments/tools/mutants.py

rehearsal: $(VENV)/.installed
	@echo "Grading 200 made submissions, right, wrong, hostile and broken: about 25 minutes on two cores."
	$(BIN)/python assignments/tools/rehearse.py $(A) --number 200 --out grading/rehearsal

weights: $(VENV)/.installed
	@echo "Training the network that the package carries, as make demo does: about 10 minutes on two cores."
	rm -rf runs/weights
	$(BIN)/ssnet demo --out runs/weights
	$(BIN)/python tools/publish.py runs/weights demo "make demo"

photos: $(VENV)/.installed
	@echo "Composing photographs and training on them with ImageNet features: about 15 minutes on two cores."
	$(BIN)/python data_scripts/photos.py --out data/photos --size 128 --train 2000
	rm -rf runs/photos
	$(BIN)/ssnet demo --preset photos --data data/photos --out runs/photos
	$(BIN)/python tools/publish.py runs/photos photos "make photos"

benchmarks: $(VENV)/.installed
	@echo "Measuring against public peers, alone on this machine: about 5 minutes on two cores."
	$(BIN)/python -m pip install --quiet --editable ".[crf]"
	@mkdir -p nbs/results/benchmarks
	@for name in crf metrics training_step inference data_loading memory; do \
	  echo "== $$name"; $(BIN)/python benchmarks/$$name.py --json nbs/results/benchmarks/$$name.json || exit 1; done
	@echo "== import_time"; $(BIN)/python benchmarks/import_time.py

clean:
	@echo "Removing the environment and caches (runs/ and data/ stay): at once."
	rm -rf $(VENV) build dist *.egg-info .pytest_cache
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
