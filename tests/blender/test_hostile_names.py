"""Names from scenes and lists of strangers: in pages they are text, in folders they are names."""

import json
from html.parser import HTMLParser

import pytest

from blender_addon.command.batch_jobs import jobs_of
from blender_addon.command.batch_page import page
from blender_addon.command.batch_run import _arguments
from blender_addon.preset_shelf import _stem
from blender_addon.record_checks import is_on_this_machine, is_own_path, recorded_source
from facegen_core.file_names import portable

HOSTILE = [
    '<script>alert("x")</script>',
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "</td></tr></table><h1>gone</h1>",
    "&lt;b&gt;",
    "../../../etc/passwd",
    "/etc/passwd",
    "C:\\Windows\\system32\\evil",
    "\\\\server\\share",
    "..",
    ".",
    "",
    "CON",
    "nul.txt",
    "--output=/tmp/evil",
    "-o",
    "a\0b",
    "x" * 5000,
    "‮gnp.exe".replace("‮", "\u202e"),
]


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append(tag)
        self.attributes += attrs


def tags_of(name):
    report = {"warnings": [name], "registration": {"verdict": name, "residual_mm": {"mean": 0.5}}}
    head = {"name": name, "expressions": [name], "status": "done", "seconds": 1.0}
    head |= {"files": [f"{name}.png", f"{name}.fbx"], "report": report, "sentence": name}
    failed = {**head, "status": "failed", "report": {}}
    text = page({"heads": [head, failed], "asked": 3, "facegen": "0.1.0"})
    tags = _Tags()
    tags.feed(text)
    return tags


@pytest.mark.parametrize("name", HOSTILE)
def test_the_page_of_a_batch_shows_any_name_as_text(name):
    tags, plain = tags_of(name), tags_of("ann")
    assert tags.found == plain.found
    names = [key for key, _ in tags.attributes]
    assert names == [key for key, _ in plain.attributes]
    assert not any(key.startswith("on") for key in names)
    addresses = [value for key, value in tags.attributes if key in ("href", "src")]
    assert all(":" not in address.partition("/")[0] for address in addresses)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_head_becomes_a_folder_inside_and_no_option(tmp_path, name):
    path = tmp_path / "list.json"
    rows = [{"head": "a.obj", "expressions": ["happy@1,2,3,4"], "name": name}]
    path.write_text(json.dumps(rows))
    (job,) = jobs_of([path], [])
    assert portable(job.name) == job.name
    inside = (tmp_path / job.name).resolve()
    assert inside.parent == tmp_path.resolve()

    class Asked:
        arguments, has_pictures, formats = (), True, ("fbx",)

    options = _arguments(Asked, job)[4:]
    assert all(text.startswith(("/", "--")) or text == "report.json" for text in options)
    assert f"--output={job.name}.fbx" in options


@pytest.mark.parametrize("name", [name for name in HOSTILE if name])
def test_a_preset_is_kept_under_a_name_inside_its_folder(name):
    stem = _stem(name[:40])
    assert portable(stem) == stem
    assert not set(stem) & set('/\\:*?"<>|\0')


def test_a_record_asks_no_other_machine_for_its_head(tmp_path):
    record = tmp_path / "clip.json"
    for source in ("\\\\server\\share\\a.obj", "//server/share/a.obj", "/\\server\\share\\a.obj"):
        assert not is_on_this_machine(source)
        assert recorded_source(source, record) == [tmp_path / "a.obj"]
    assert [p.name for p in recorded_source("heads/a.obj", record)] == ["a.obj", "a.obj"]


@pytest.mark.parametrize(
    "path", ["location", "facegen", 'facegen["x"]', "facegen.a.b", "hide_viewport", None, 3]
)
def test_a_record_animates_properties_of_facegen_alone(path):
    assert is_own_path("facegen.happy")
    assert not is_own_path(path)
