"""One page of all heads of a batch: pictures, figures, failures; opens anywhere, offline."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from facegen_core.numeric import counted

_STYLE = """
body { font: 14px/1.45 system-ui, sans-serif; margin: 24px; color: #1c1c1c; background: #f6f6f4; }
h1 { font-size: 20px; margin: 0 0 4px; }
table { border-collapse: collapse; background: #fff; margin-top: 16px; }
th, td { padding: 6px 10px; border-bottom: 1px solid #e2e2de; text-align: left;
  vertical-align: top; }
th { cursor: pointer; position: sticky; top: 0; background: #ececea; white-space: nowrap; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
td img { width: 300px; max-width: 30vw; display: block; border-radius: 4px; }
tr.failed td { background: #fdeceb; }
tr.skipped td { color: #555; }
.poor, .failure { color: #b3261e; } .fair { color: #8a6100; } .good { color: #1d6f42; }
.notes { max-width: 320px; color: #555; font-size: 12px; }
"""
# Sorts by the column that is clicked, the other way round on the second click.
_SCRIPT = """
document.querySelectorAll("th").forEach(function (head, column) {
  head.addEventListener("click", function () {
    var body = document.querySelector("tbody"), rows = Array.from(body.rows);
    var down = head.dataset.down = head.dataset.down === "1" ? "0" : "1";
    rows.sort(function (a, b) {
      var x = a.cells[column].dataset.value, y = b.cells[column].dataset.value;
      var numbers = x !== "" && y !== "" && !isNaN(x) && !isNaN(y);
      var order = numbers ? x - y : x === "" ? 1 : y === "" ? -1 : x.localeCompare(y);
      return down === "1" ? order : -order;
    });
    rows.forEach(function (row) { body.appendChild(row); });
  });
});
"""
_COLUMNS = (
    "Picture",
    "Head",
    "Match",
    "Residual (mm)",
    "Keys",
    "Bake (mm)",
    "Read back (mm)",
    "Frames",
    "Seconds",
    "Notes",
)


def page(batch: dict[str, Any]) -> str:
    """The page of a batch, as its JSON tells it; pictures lie beside it, in the heads' folders."""
    heads = batch["heads"]
    counts = {s: sum(h["status"] == s for h in heads) for s in ("done", "skipped", "failed")}
    told = f"{counts['done']} made, {counts['skipped']} were finished, {counts['failed']} failed"
    left = batch["asked"] - len(heads)
    told += f", {left} not begun" if left else ""
    titles = "".join(f"<th>{escape(title)}</th>" for title in _COLUMNS)
    rows = "\n".join(_row(head) for head in heads)
    begun = counted(len(heads), "head")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Facegen: {begun}</title><style>{_STYLE}</style></head>\n<body>"
        f"<h1>{counted(batch['asked'], 'head')}</h1><div>{escape(told)} · Facegen "
        f"{escape(batch['facegen'])} · click a heading to sort</div>\n"
        f"<table><thead><tr>{titles}</tr></thead><tbody>\n{rows}\n</tbody></table>"
        f"<script>{_SCRIPT}</script></body></html>\n"
    )


def _row(head: dict[str, Any]) -> str:
    report = head["report"]
    fit, bake = report.get("registration", {}), report.get("bake", {})
    residual = fit.get("residual_mm", {})
    verdict = fit.get("verdict", "failed" if head["status"] == "failed" else "")
    cells = [
        _picture(head),
        _cell(head["name"], _name(head)),
        _cell(verdict, f'<span class="{escape(verdict)}">{escape(verdict)}</span>'),
        _number(residual.get("mean"), 2),
        _number(bake.get("keys"), 0),
        _number(bake.get("max_error_mm"), 3),
        _number(report.get("roundtrip", {}).get("max_error_mm"), 4),
        _number(report.get("frames"), 0),
        _number(head["seconds"], 1),
        _notes(head, report.get("warnings", [])),
    ]
    return f'<tr class="{escape(head["status"])}">{"".join(cells)}</tr>'


def _picture(head: dict[str, Any]) -> str:
    pictures = [name for name in head["files"] if name.endswith(".png")]
    if not pictures:
        return _cell("", "")
    address = _address(head, pictures[0])
    alt = escape(f"Contact sheet of {head['name']}", quote=True)
    return _cell(
        head["name"], f'<a href="{address}"><img src="{address}" alt="{alt}" loading="lazy"></a>'
    )


def _name(head: dict[str, Any]) -> str:
    clips = [n for n in head["files"] if not n.endswith((".png", ".json"))]
    links = "<br>".join(f'<a href="{_address(head, n)}">{escape(n)}</a>' for n in clips)
    plays = "<br>".join(escape(expression) for expression in head["expressions"])
    return f'<b>{escape(head["name"])}</b><br>{links}<div class="notes">{plays}</div>'


def _notes(head: dict[str, Any], warnings: list[str]) -> str:
    if head["status"] == "failed":
        return _cell("1000000", f'<div class="failure">{escape(head["sentence"])}</div>')
    was = '<div class="notes">finished by an earlier run</div>' * (head["status"] == "skipped")
    texts = "".join(f"<li>{escape(warning)}</li>" for warning in warnings)
    replay = head["report"].get("replay")
    if replay is not None:
        words = "bit for bit" if replay["bit_equal"] else "but not bit for bit"
        was += f'<div class="notes">played again from its record, {words}</div>'
    notes = f'<ul class="notes">{texts}</ul>' if texts else ""
    return _cell(str(len(warnings)), was + notes)


def _number(value: float | None, digits: int) -> str:
    if value is None:
        return _cell("", "", "number")
    return _cell(str(value), f"{value:.{digits}f}", "number")


def _cell(value: str, content: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<td{named} data-value="{escape(value, quote=True)}">{content}</td>'


def _address(head: dict[str, Any], name: str) -> str:
    return quote(f"{head['name']}/{name}")
