"""One notebook open in JupyterLab, driven as a reader drives it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

READY = "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.isReady"
KERNEL_IDLE = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const status = panel.sessionContext.session?.kernel?.status;
  return window.ranAll === true && status === 'idle';
}"""
RUN_ALL = """() => {
  window.ranAll = false;
  window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => { window.ranAll = true; });
}"""
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .filter(cell => cell.model.type === 'code')
  .map(cell => ({count: cell.model.executionCount, outputs: cell.model.outputs.toJSON()}))"""
SET_SOURCE = """([old, changed]) => {
  for (const cell of window.jupyterapp.shell.currentWidget.content.widgets) {
    const source = cell.model.sharedModel.getSource();
    if (source.includes(old)) { cell.model.sharedModel.setSource(source.replace(old, changed)); return true; }
  }
  return false;
}"""
PARAMETERS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .map(cell => cell.model.sharedModel.getSource()).find(source => source.includes('run_folder: str'))"""
SHOW_FIGURE = """async (index) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  const cells = notebook.widgets.filter(cell => cell.model.type === 'code'
    && cell.model.outputs.toJSON().some(out => out.data && 'application/vnd.plotly.v1+json' in out.data));
  if (index >= cells.length) return null;
  await notebook.scrollToCell(cells[index], 'start');
  cells[index].outputArea.node.scrollIntoView();
  const until = Date.now() + 30000;
  while (Date.now() < until) {
    const plot = cells[index].node.querySelector('.js-plotly-plot');
    if (plot && plot._fullLayout && plot.querySelector('.main-svg')) {
      plot.dataset.shown = String(index);
      return {traces: plot._fullData.length, frames: (plot._transitionData?._frames || []).length,
              buttons: plot.querySelectorAll('.updatemenu-button').length};
    }
    await new Promise(done => setTimeout(done, 100));
  }
  return {traces: 0, frames: 0, buttons: 0};
}"""
MINUTES = 60_000


@dataclass
class LabPage:
    """A notebook in the browser.

    Attributes
    ----------
    page : playwright page
    """

    page: Any

    @classmethod
    def open(cls, browser: Any, address: str, notebook: str) -> LabPage:
        """Open a notebook in a window of its own, with nothing left of an earlier one."""
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.goto(f"{address}/lab/tree/{notebook}?reset")
        page.wait_for_function(READY, timeout=2 * MINUTES)
        return cls(page)

    def set(self, **values: Any) -> None:
        """Type other values into the parameters cell."""
        for name, value in values.items():
            line = re.search(rf"{name}: \w+ = .*?(?=  #)", self.page.evaluate(PARAMETERS))
            assert line is not None, f"the parameters cell has no line for {name}"
            changed = f"{line[0].partition(' = ')[0]} = {value!r}"
            assert self.page.evaluate(SET_SOURCE, [line[0], changed])

    def run_all(self) -> None:
        """Run > Run All Cells, and wait for the end."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function(KERNEL_IDLE, timeout=10 * MINUTES)

    def errors(self) -> list[str]:
        """Every error below a cell."""
        return [
            f"{out['ename']}: {out['evalue']}"
            for cell in self.cells()
            for out in cell["outputs"]
            if out["output_type"] == "error"
        ]

    def cells(self) -> list[dict[str, Any]]:
        """Execution count and outputs of every code cell."""
        return self.page.evaluate(CELLS)

    def figures(self) -> list[dict[str, int]]:
        """What is drawn of every interactive figure, from top to bottom: traces, frames, buttons."""
        shown = []
        while (figure := self.page.evaluate(SHOW_FIGURE, len(shown))) is not None:
            shown.append(figure)
        return shown

    def text(self) -> str:
        """All that is shown as text below the cells."""
        found = []
        for cell in self.cells():
            for out in cell["outputs"]:
                data = out.get("data", {})
                found += ["".join(data.get(kind, "")) for kind in ("text/plain", "text/markdown", "text/html")]
        return "\n".join(found)
