"""The rules of the house that a program can check."""

import ast
import doctest
import importlib
import pkgutil
import subprocess
import sys
import warnings

import pytest

import gcopt

MODULES = sorted(m.name for m in pkgutil.walk_packages(gcopt.__path__, "gcopt.") if "__main__" not in m.name)


def test_solvers_live_at_the_top_and_are_reached_through_the_link(root):
    import gcopt.solvers as solvers

    assert (root / "gcopt" / "solvers").is_symlink()
    assert (root / "gcopt" / "solvers").resolve() == root / "solvers"
    assert (root / "gcopt" / "tables").resolve() == root / "tables"
    assert (root / "solvers" / "__init__.py").samefile(solvers.__file__)


def test_solvers_refuse_another_name(root):
    done = subprocess.run([sys.executable, "-c", "import solvers"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 1
    assert "this package is gcopt.solvers" in done.stderr


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_solvers_never_import_gcopt(root):
    allowed = ("numpy", "scipy", "cvxpy", "networkx", "numba")
    for path in (root / "solvers").glob("**/*.py"):
        depth = len(path.relative_to(root / "solvers").parts)  # so many dots reach solvers itself, one more gcopt
        for name in imported(path):
            first = name.split(".")[0]
            inside = 1 <= len(name) - len(name.lstrip(".")) <= depth
            assert inside or first in allowed or first in sys.stdlib_module_names, f"{path.name} imports {name}"


@pytest.mark.parametrize("module", MODULES)
def test_doctests(module, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        failed, _ = doctest.testmod(importlib.import_module(module))
    assert failed == 0


def test_importing_gcopt_and_asking_for_help_load_nothing_heavy():
    script = (
        "import sys, gcopt, gcopt.cli\n"
        "try: gcopt.cli.app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'scipy', 'numba', 'cvxpy', 'networkx', 'matplotlib', 'rich.markdown'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_families_and_simulation_load_no_numba_cvxpy_or_matplotlib():
    script = (
        "import sys, gcopt\n"
        "code = gcopt.families.fractional_repetition(4, 1)\n"
        "gcopt.Decoder, gcopt.simulate, gcopt.design, gcopt.verify, gcopt.train, gcopt.fit\n"
        "heavy = {'numba', 'cvxpy', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_public_name_resolves():
    for name in gcopt.__all__:
        assert getattr(gcopt, name) is not None


def test_files_and_functions_stay_small(root):
    for folder in ("gcopt", "solvers"):
        for path in (root / folder).rglob("*.py"):
            text = path.read_text()
            assert text.count("\n") <= 600, path
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef):
                    documented = (ast.get_docstring(node) or "").count("\n")
                    assert node.end_lineno - node.lineno - documented <= 80, f"{path}: {node.name}"


def test_ci_runs_what_the_readme_says(root):
    commands = [line for line in (root / "README.md").read_text().splitlines() if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert commands[1] in (root / ".ci" / "run").read_text().replace("pip install --quiet", "pip install")
