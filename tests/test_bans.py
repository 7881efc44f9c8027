"""What no shipped or training code may do, read from every file: run what it reads, call a shell,
unpickle, unpack archives to disk, guess names of temporary files, or reach for the network."""

import ast
from functools import cache

import pytest

from tests.test_architecture import ROOT, imported_modules, python_files, relative

FOLDERS = ("facegen_core", "blender_addon", "training")
FILES = [*python_files(*FOLDERS), ROOT / "build_addon.py"]

# Modules that turn data into objects or code, or parse what can name other files.
DANGEROUS_MODULES = {
    *("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"),
    *("code", "codeop", "imp", "pdb", "xml", "lxml", "plistlib", "pty", "commands"),
}
NETWORK_MODULES = {
    *("socket", "socketserver", "ssl", "http", "urllib.request", "urllib3", "requests", "aiohttp"),
    *("httpx", "ftplib", "smtplib", "telnetlib", "xmlrpc", "webbrowser", "asyncio", "websockets"),
}
# Where pip is run, because the user pressed the button that says so; it is left out of the zip
# for Blender's own platform.
MAY_INSTALL = ("blender_addon/engine_setup/",)
MAY_START_PROGRAMS = {
    "blender_addon/command/batch_processes.py",  # this same Python, a head each
    "blender_addon/scene/alembic_apart.py",  # this same Blender, whose Alembic may end it
    "build_addon.py",  # pip and Blender's validator
    "facegen_core/worker_process.py",  # the Python the user chose
    "training/runs/provenance.py",  # git
}
# By constant names of our own tables, never by what a file says.
MAY_IMPORT_BY_NAME = {
    "blender_addon/engine_view.py",  # its own sub-package, which one zip leaves out
    "training/__main__.py",
    "training/landmark_evaluation/opening.py",
}
# The command in the place of itself: the same Python, the same arguments, another environment.
MAY_BECOME_ITSELF = {("blender_addon/cli.py", "os.execve")}

BANNED_CALLS = {
    *("eval", "exec", "compile", "__import__", "execfile", "input", "breakpoint"),
    *("os.system", "os.popen", "os.startfile", "tempfile.mktemp", "os.tempnam", "os.tmpnam"),
    *("subprocess.getoutput", "subprocess.getstatusoutput", "subprocess.check_output"),
    *("yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "yaml.unsafe_load_all"),
    *("np.fromregex", "numpy.fromregex", "torch.hub.load", "torch.jit.load"),
    *("tarfile.extractall", "zipfile.extractall", "shutil.unpack_archive"),
    *("os.execv", "os.execve", "os.execvp", "os.spawnv", "os.spawnl", "os.fork"),
    *("bpy.ops.script.python_file_run", "bpy.ops.text.run_script", "bpy.ops.wm.url_open"),
    *("importlib.util.spec_from_file_location", "importlib.machinery.SourceFileLoader"),
}
BANNED_METHODS = {"run_path", "extractall", "as_module", "exec_module", "literal_eval"}


@cache
def calls(path):
    """(line, dotted name, call) of every call in a file."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return [(n.lineno, ast.unparse(n.func), n) for n in nodes if isinstance(n, ast.Call)]


def offences(is_wrong):
    return [
        f"{relative(path)}:{line} {name}"
        for path in FILES
        for line, name, call in calls(path)
        if is_wrong(path, name, call)
    ]


def keyword(call, name):
    found = [k.value for k in call.keywords if k.arg == name]
    return ast.literal_eval(found[0]) if found and isinstance(found[0], ast.Constant) else None


def test_nothing_that_is_read_is_run():
    assert not offences(
        lambda path, name, call: (
            (relative(path), name) not in MAY_BECOME_ITSELF
            and (name in BANNED_CALLS or name.rpartition(".")[2] in BANNED_METHODS)
        )
    )


@pytest.mark.parametrize("modules", [DANGEROUS_MODULES, NETWORK_MODULES], ids=["data", "network"])
def test_modules_that_run_data_or_reach_out_are_not_imported(modules):
    found = [
        f"{relative(path)} imports {name}"
        for path in FILES
        if not relative(path).startswith(MAY_INSTALL)
        for name in imported_modules(path)
        if name in modules or name.split(".")[0] in modules
    ]
    assert not found


def test_arrays_are_read_without_objects_and_weights_without_code():
    def is_wrong(path, name, call):
        if name in ("np.load", "numpy.load"):
            return keyword(call, "allow_pickle") is not False
        if name in ("np.save", "np.savez", "np.savez_compressed"):
            return keyword(call, "allow_pickle") is True
        return name == "torch.load" and keyword(call, "weights_only") is not True

    assert not offences(is_wrong)
    # And only from what this program has just written itself; files of others go by array_files.
    assert not offences(lambda _, name, call: name in ("np.load", "numpy.load", "torch.load"))


def test_yaml_goes_by_the_loader_that_knows_plain_values_alone():
    assert not offences(
        lambda path, name, call: (
            name in ("yaml.load", "yaml.safe_load")
            and relative(path) != "training/runs/plain_yaml.py"
        )
    )


def test_programs_are_started_in_few_places_by_lists_and_without_a_shell():
    def is_wrong(path, name, call):
        if name not in ("subprocess.run", "subprocess.Popen", "subprocess.call"):
            return name.startswith("subprocess.") and name.rpartition(".")[2][0].islower()
        is_text = bool(call.args) and isinstance(call.args[0], (ast.Constant, ast.JoinedStr))
        known = relative(path) in MAY_START_PROGRAMS or relative(path).startswith(MAY_INSTALL)
        return is_text or keyword(call, "shell") not in (None, False) or not known

    assert not offences(is_wrong)


def test_modules_are_imported_by_name_only_from_our_own_tables():
    assert not offences(
        lambda path, name, call: (
            name in ("importlib.import_module", "runpy.run_module")
            and relative(path) not in MAY_IMPORT_BY_NAME
            and not (call.args and isinstance(call.args[0], ast.Constant))
        )
    )


def test_json_of_others_goes_by_the_reader_that_bounds_it():
    """In scenes too, whose records may be anybody's;
    elsewhere we read what we have just written."""
    own = {
        "facegen_core/json_text.py",
        "blender_addon/scene/kept.py",  # what is none tells nothing, depth included
        "facegen_core/worker_protocol.py",  # bounded there, and depth told apart
        "training/landmark_gan/add_to_bundle.py",  # of json.dumps
    }
    assert not offences(
        lambda path, name, call: name in ("json.loads", "json.load") and relative(path) not in own
    )


def test_blend_files_are_opened_with_their_scripts_off():
    def is_wrong(path, name, call):
        return name.endswith("wm.open_mainfile") and keyword(call, "use_scripts") is not False

    assert not offences(is_wrong)


def test_drivers_are_products_of_variables_and_nothing_else():
    """The expression of a driver comes from one place, and Blender works it out without Python."""
    from blender_addon.scene.key_drivers import Drive

    assigned = [
        relative(path)
        for path in python_files("blender_addon")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Attribute) and t.attr == "expression" for t in node.targets)
    ]
    assert assigned == ["blender_addon/scene/key_drivers.py"]
    names = ('evil"]; __import__("os")', "facegen.happy")
    assert Drive(names, held_by=names[0]).expression == "clamp(f0 * f1 * (1 - held))"
