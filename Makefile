# The two commands of a newcomer are `make demo` and `make test`; both build .venv first if it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo oracle test test-lowest same mutants soak soak-long lint format docs data bench faults scaling schedules clean

# Sentences that get better, and a table that says why; about three minutes.
demo: $(READY)
	$(BIN)/seqgan experiment objective --data data/sentences.txt --config data/birds.toml --preset quick --seeds 1 \
		--set adversarial.rounds=30 --methods seqgan,reward-kl --out runs/demo

# All of Algorithm 1 on the paper's synthetic oracle, small.
oracle: $(READY)
	$(BIN)/seqgan train --preset quick --run runs/oracle

test: $(READY)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Kills, fuzzers, shared searches (on PostgreSQL too, which it installs if it may), large files, rounds without end; hours with
# --long. What is done is kept in soak/.
soak: $(READY)
	$(BIN)/python tests/soak/run.py

soak-long: $(READY)
	$(BIN)/python tests/soak/run.py --long

# Whether the checkout trains to the same bits as the commit before the redesign; its runs are kept in same/.
same: $(READY)
	$(BIN)/python tests/same.py

# How many of 200 small faults in the sources the tests find; what is done is kept in mutants/.
mutants: $(READY)
	$(BIN)/python tests/mutants.py

# The suite with the oldest releases that setup.cfg allows; `make test` has the newest.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	$(PYTHON) tests/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' -c .venv-lowest/lowest.txt
	.venv-lowest/bin/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --no-cache --fix .

# docs/cli.md from the commands' own help, the picture of the house, and those of the README and of scores.md from runs of their commands.
docs: $(READY)
	$(BIN)/python docs/write_cli.py
	$(BIN)/python docs/draw_design.py
	$(BIN)/python docs/take_screenshot.py

# Under ten minutes on two cores, if nothing else runs. The others take longer; docs/performance.md has what two of them gave.
bench: $(READY)
	$(BIN)/python benchmarks/run.py

# How well likelihoods find the faulty lines of made-up logs: docs/results/log-faults.json, in a minute or two.
faults: $(READY)
	mkdir -p runs/faults
	$(BIN)/python data/draw_logs.py > runs/faults/logs.txt
	$(BIN)/python data/draw_logs.py --mask runs/faults/logs.txt > runs/faults/masked.txt
	$(BIN)/python data/draw_logs.py --with-faults --seed 1 > runs/faults/faulty.csv
	$(BIN)/python data/draw_logs.py --mask runs/faults/faulty.csv > runs/faults/masked-faulty.csv
	$(BIN)/seqgan train runs/faults/masked.txt --run runs/faults/run --preset quick
	$(BIN)/seqgan score runs/faults/masked-faulty.csv --column line --run runs/faults/run > runs/faults/scores.tsv
	$(BIN)/python data/score_faults.py runs/faults/scores.tsv runs/faults/masked-faulty.csv --json > docs/results/log-faults.json

scaling: $(READY)
	$(BIN)/python benchmarks/scaling.py

schedules: $(READY)
	$(BIN)/python benchmarks/schedules.py

data: $(READY)
	$(BIN)/python data/draw_sentences.py
	$(BIN)/python data/draw_poems.py
	$(BIN)/python data/draw_questions.py > data/questions.txt
	$(BIN)/python data/write_tunes.py

clean:
	rm -rf $(VENV) .venv-lowest build *.egg-info src/*.egg-info .pytest_cache .mypy_cache .hypothesis soak same mutants

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.11 …") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $(READY)
