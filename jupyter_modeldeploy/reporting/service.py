"""A served model's report as one HTML file, in a notebook, and as Markdown."""

from __future__ import annotations

from functools import cache

import jinja2

from jupyter_modeldeploy.records.service_reports import Advice, ServiceReport
from jupyter_modeldeploy.reporting import figures
from jupyter_modeldeploy.reporting.load import plot_of, told
from jupyter_modeldeploy.reporting.page import Page, template

SHOWN_OPERATORS = 12
TONES = ("fp32", "int8", "undecided", "before", "worse", "better")


class ServicePage(Page, ServiceReport):
    """A served model's report that shows itself."""

    def html(self) -> str:
        return _template().render(
            found=self,
            plot=plot_of(self.load),
            tones=TONES,
            told=told,
            gain=gain,
            shown=SHOWN_OPERATORS,
        )

    def heading(self) -> str:
        return f"Report on {self.service}"

    def markdown(self) -> str:
        """A summary for a pull request or a chat: figures, where the time goes, advice."""
        lines = [f"# Report on {self.service}", "", self.summary, ""]
        lines += ["| Connections | Requests/s | p50 (ms) | p99 (ms) | Errors |", "|---:|---:|---:|---:|---:|"]
        for step in self.load.steps:
            p50, p99 = (told(each) for each in (step.latency.p50, step.latency.p99))
            speed = figures.significant(step.throughput_rps)
            lines.append(f"| {step.label} | {speed} | {p50} | {p99} | {step.failed} |")
        lines += ["", f"Where a request's time goes at {self.concurrency} connections:", ""]
        lines += [
            f"- {part.name}: {figures.percent(part.share, 0)} ({figures.milliseconds(part.mean_ms)})"
            for part in self.parts
        ]
        lines += ["", "## Advice", ""]
        for number, advice in enumerate(self.advice, 1):
            lines.append(f"{number}. **{advice.title}: {gain(advice)}.** {advice.evidence} {advice.caution}".rstrip())
            lines += [f"   `{command}`" for command in advice.action.commands]
            lines += [f"   {advice.action.how}"] * bool(advice.action.how)
        lines += ["Nothing that was tried gains more than its noise."] * (not self.advice)
        return "\n".join(lines) + "\n"


def gain(advice: Advice) -> str:
    """`1.9× (1.85 – 1.96)`."""
    speed_up = advice.speed_up
    low, high = (figures.significant(end) for end in (speed_up.low, speed_up.high))
    return f"{figures.significant(speed_up.value)}× ({low} – {high})"


@cache
def _template() -> jinja2.Template:
    return template("service.html.j2", figures=figures)
