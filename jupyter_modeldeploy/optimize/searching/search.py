"""The search: candidates are made, timed against each other and judged on held-out rows; in each of three rungs longer
and on more rows, and only the better half goes on (successive halving: Jamieson and Talwalkar, "Non-stochastic Best Arm
Identification and Hyperparameter Optimization", AISTATS 2016). Validation rows choose, test rows confirm."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_modeldeploy import devices
from jupyter_modeldeploy.datatypes import Tensors
from jupyter_modeldeploy.errors import ModelDeployError, TimedOut
from jupyter_modeldeploy.judging.versions import Questions
from jupyter_modeldeploy.optimize.quantizing import graph
from jupyter_modeldeploy.optimize.searching import front, words
from jupyter_modeldeploy.optimize.searching.answers import Answers, Part, accuracy
from jupyter_modeldeploy.optimize.searching.bench import Bench, Form
from jupyter_modeldeploy.optimize.searching.deadline import Deadline
from jupyter_modeldeploy.optimize.searching.layouts import Layouts
from jupyter_modeldeploy.optimize.searching.measuring import Effort, Measuring, write_inputs
from jupyter_modeldeploy.optimize.searching.state import State
from jupyter_modeldeploy.optimize.searching.workshop import Workshop
from jupyter_modeldeploy.progress import Reporter
from jupyter_modeldeploy.records import Format
from jupyter_modeldeploy.records.optimizations import ORIGINAL, Candidate, Optimization
from jupyter_modeldeploy.tasks import Task

log = logging.getLogger(__name__)
PARITY_TEXTS = 64
JUDGING_SHARE, TESTING_SHARE = 0.2, 0.15
"""Of all the time: held-out rows are as many as can be asked in so much."""
ASKINGS: dict[Part, int] = {"validation": 6, "test": 4}
"""How often about a row of a part is asked in all."""
FINISHING_SHARE = 0.2
"""For confirming and measuring what is left."""
LEAST_ROWS = 32
KEPT = 3
"""So many go on at least."""
OVER = "The time was over before the search was: what was found until then is told."


@dataclass(frozen=True)
class Rung:
    """`share` of the validation rows."""

    share: float
    effort: Effort


RUNGS = (Rung(1 / 9, Effort(3, 0.15)), Rung(1 / 3, Effort(4, 0.3)), Rung(1.0, Effort(6, 0.5)))
LAST = Effort(4, 0.4)


@dataclass(frozen=True)
class Wanted:
    """What is searched for: a better form of `base`, a version of `task`, whose inputs `reader` makes of rows.

    `calibration(n)` gives at most `n` batches of one training row each. `methods` of quantization are tried, all where
    there are none. `folder` is where all that is made and asked is kept."""

    base: Form
    task: str
    reader: Task
    parts: dict[Part, Questions]
    calibration: Callable[[int], list[Tensors]]
    methods: Sequence[str]
    folder: Path


def search(
    wanted: Wanted, found: Optimization, reporter: Reporter, keep: Callable[[Optimization], None]
) -> Optimization:
    """Go on from what was `found` before, until the end or until the time is over. `keep` gets what is found so far.

    Raises InvalidInput where the original is quantized already, and what goes wrong when it is run on the rows."""
    if found.recommended is not None:  # an earlier attempt was ended after its last step
        return found
    if wanted.base.format is Format.onnx:
        graph.read(wanted.base.folder)
    deadline = Deadline(found.minutes, found.seconds)
    state = State(found, wanted.folder, keep, reporter, deadline, {ORIGINAL: wanted.base})
    if not found.candidates:
        size = wanted.base.size_bytes
        state.update(
            candidates=[Candidate(name=ORIGINAL, format=wanted.base.format, verdict="original", size_bytes=size)]
        )
    state.take_up()
    inputs = wanted.folder / "inputs"
    write_inputs(inputs, wanted.parts["validation"], wanted.reader, found.length)
    with Bench(state.forms, inputs, found.device) as bench:
        layouts = Layouts(devices.usable_cores(), found.target, found.device)
        Search(wanted, state, Measuring(state, bench, layouts)).run()
    return state.found


class Search:
    def __init__(self, wanted: Wanted, state: State, measuring: Measuring) -> None:
        self._wanted, self._state, self._measuring = wanted, state, measuring
        folder, device = wanted.folder / "answers", state.found.device
        self._answers = Answers(wanted.parts, wanted.task, folder, device)

    @property
    def _found(self) -> Optimization:
        return self._state.found

    def run(self) -> None:
        finishing_s = FINISHING_SHARE * self._state.deadline.seconds
        for phase, reserved_s in ((self._narrow, finishing_s), (self._confirm, 0.0)):
            self._state.reserved_s = reserved_s
            try:
                phase()
            except TimedOut as error:
                log.info("%s", error)
                self._state.note(OVER)
        self._recommend()

    def _narrow(self) -> None:
        """Make what can be made, and rule out until few are left."""
        wanted, state = self._wanted, self._state
        state.tell(0, "measuring the original")
        self._measuring.compare([], RUNGS[0].effort)
        first = min(LEAST_ROWS, self._answers.rows("validation"))
        self._answers.ask(ORIGINAL, wanted.base, "validation", first, 1, state.left_s)
        with Workshop(state, wanted.base, wanted.calibration, self._texts()) as workshop:
            workshop.make_all(wanted.methods)
        for number in range(len(RUNGS)):
            self._climb(number)

    def _texts(self) -> list[str] | None:
        asked = self._wanted.parts["validation"]
        if not isinstance(asked.item(0), str):
            return None
        return [asked.item(row) for row in range(min(PARITY_TEXTS, len(asked)))]

    # Judging

    def _rows(self, part: Part, share: float) -> int:
        """As many as can be asked of all that are judged on them in the time that is meant for it."""
        every = self._answers.rows(part)
        time_share = JUDGING_SHARE if part == "validation" else TESTING_SHARE
        affordable = int(time_share * self._state.deadline.seconds / (ASKINGS[part] * self._state.run_s))
        return min(every, max(LEAST_ROWS, math.ceil(share * min(every, affordable))))

    def _judge(self, name: str, part: Part, rows: int) -> None:
        state, one = self._state, self._state.get(name)
        batch = self._batch(one)
        base = self._answers.ask(ORIGINAL, self._wanted.base, part, rows, 1, state.left_s)
        try:
            answered = self._answers.ask(name, state.forms[name], part, rows, batch, state.left_s)
        except TimedOut:
            raise
        except ModelDeployError as error:
            state.rule_out(name, "failed", str(error))
            return
        judged = accuracy(answered, base, batch)
        signature = self._answers.signatures.get(name, one.signature)
        state.change(name, signature=signature, **{part: judged})
        state.update(metric=judged.metric)

    def _batch(self, one: Candidate) -> int:
        """With how many at once a row is asked: a dynamically quantized model answers otherwise in other company."""
        is_dynamic = (one.quantization or {}).get("method") == "dynamic-int8"
        return one.best.layout.batch if is_dynamic and one.best else 1

    # Halving

    def _climb(self, number: int) -> None:
        state, rung = self._state, RUNGS[number]
        going = state.open()
        if all(one.rung >= number for one in going):  # in an earlier attempt, or there is none
            return
        rows = self._rows("validation", rung.share)
        state.tell(60 + 8 * number, f"rung {number + 1} of {len(RUNGS)}: {len(going)} candidates")
        self._measuring.compare([one.name for one in going], rung.effort)
        for place, one in enumerate(state.open()):
            state.tell(60 + 8 * (number + (1 + place / len(going)) / 2), f"judging {one.name} on {rows} rows")
            self._judge(one.name, "validation", rows)
        for one in state.open():
            state.change(one.name, rung=number)
        self._drop_lossy(is_last=number == len(RUNGS) - 1)
        if number < len(RUNGS) - 1:
            self._drop_slower()

    def _drop_lossy(self, is_last: bool) -> None:
        """Those that lose too much: beyond doubt while only a sample was asked."""
        allowed, sure = self._found.max_loss, self._found.sure
        for one in self._state.open():
            if one.validation is None:
                self._state.rule_out(one.name, "no-time", "It was not judged in the time there was.")
            elif one.validation.difference.high < -allowed or (
                is_last and not front.within(one.validation, allowed, sure)
            ):
                self._state.rule_out(one.name, "too-much-loss", words.too_much_loss(one.validation, allowed, sure))

    def _drop_slower(self) -> None:
        ranked = sorted(self._state.open(), key=lambda one: -self._found.gain(one))
        going = ranked[: max(KEPT, math.ceil(len(ranked) / 2))]
        for one in ranked[len(going) :]:
            self._state.rule_out(one.name, "slower", words.outrun(one, going, self._found))

    # The end

    def _confirm(self) -> None:
        """Judge those that are left on test rows, and measure what is told of them."""
        state = self._state
        self._drop_lossy(is_last=True)
        for one in state.open():
            if other := front.dominating(one, [*state.open(), self._found.original], self._found):
                state.rule_out(one.name, "dominated", words.dominated(one, other, self._found))
        going = sorted(state.open(), key=lambda one: -self._found.gain(one))
        rows = self._rows("test", 1.0)
        for place, one in enumerate(going):
            state.tell(84 + 6 * place / len(going), f"confirming {one.name} on {rows} test rows")
            self._judge(one.name, "test", rows)
            self._check_test(one.name)
        state.tell(91, "measuring what is left")
        self._measuring.describe([one.name for one in state.open()], LAST)

    def _check_test(self, name: str) -> None:
        allowed, sure = self._found.max_loss, self._found.sure
        tested = self._state.get(name).test
        if tested is not None and not front.within(tested, allowed, sure):
            self._state.rule_out(name, "too-much-loss", words.too_much_loss(tested, allowed, sure, "test rows"))

    def _recommend(self) -> None:
        """Choose among those that were confirmed; where there is none, the original."""
        state, original = self._state, self._found.original
        for one in state.open():
            if not self._is_confirmed(one):
                state.rule_out(one.name, "no-time", "It was not judged on the test rows in the time there was.")
            elif self._found.gain(one) <= 1:
                state.rule_out(one.name, "dominated", words.no_gain(one, self._found))
        chosen = front.best([original, *state.open()], self._found)
        for one in state.open():  # by what was measured last
            other = front.dominating(one, [*state.open(), original], self._found)
            if other is not None and one.name != chosen.name:
                state.rule_out(one.name, "dominated", words.dominated(one, other, self._found))
        going = state.open()
        on_front = [original, *going] if not front.dominating(original, going, self._found) else going
        marks = {one.name: "recommended" if one.name == chosen.name else "front" for one in going}
        state.update(
            candidates=[
                one.model_copy(update={"verdict": marks.get(one.name, one.verdict)}) for one in self._found.candidates
            ],
            recommended=chosen.name,
            front=[one.name for one in on_front],
            why=words.why(self._found, chosen),
        )

    def _is_confirmed(self, one: Candidate) -> bool:
        allowed, sure = self._found.max_loss, self._found.sure
        return all(front.within(judged, allowed, sure) for judged in (one.validation, one.test))
