"""The journal against a model: whatever happens, sequences stay whole and only counted records are given up."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ancu.edge.journal import Journal
from ancu.edge.uplink import Held
from ancu.models.topics import Lane

lanes = st.sampled_from(Lane)
CAP = 12


class JournalAgainstAModel(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.journal = Journal(self.folder / "journal.db", cap_records=CAP)
        self.epoch = self.journal.epoch
        self.rows: dict[Lane, dict[int, bytes]] = {lane: {} for lane in Lane}
        self.next = dict.fromkeys(Lane, 1)
        self.dropped = dict.fromkeys(Lane, 0)
        self.number = 0

    @rule(of=st.lists(lanes, min_size=1, max_size=6))
    def append(self, of: list[Lane]) -> None:
        records = []
        for lane in of:
            self.number += 1
            records.append((lane, b"F%d" % self.number))
        self.journal.append(records)
        for lane, blob in records:
            self.rows[lane][self.next[lane]] = blob
            self.next[lane] += 1
        for lane in (Lane.BULK, Lane.STATE):  # the model's own idea of the cap
            while sum(map(len, self.rows.values())) > CAP and self.rows[lane]:
                del self.rows[lane][min(self.rows[lane])]
                self.dropped[lane] += 1

    @rule(lane=lanes, back=st.integers(0, 14))
    def confirm(self, lane: Lane, back: int) -> None:
        upto = max(0, self.next[lane] - 1 - back)
        self.journal.prune(self.epoch, lane, upto)
        self.rows[lane] = {number: blob for number, blob in self.rows[lane].items() if number > upto}

    @rule(lane=lanes, upto=st.integers(0, 50))
    def confirm_of_another_epoch(self, lane: Lane, upto: int) -> None:
        self.journal.prune(self.epoch ^ 1, lane, upto)

    @rule()
    def crash(self) -> None:
        """What a kill leaves: the files as they are, copied while the journal is open."""
        copy = Path(tempfile.mkdtemp())
        for file in self.folder.iterdir():
            shutil.copy(file, copy / file.name)
        self.journal.close()
        shutil.rmtree(self.folder)
        self.folder = copy
        self.journal = Journal(copy / "journal.db", cap_records=CAP)

    @rule(lane=lanes, ahead=st.integers(0, 3))
    def confirm_of_what_was_never_written(self, lane: Lane, ahead: int) -> None:
        """The disk went back in time: the server holds more than the file ever did."""
        self.journal.prune(self.epoch, lane, self.next[lane] + ahead)
        assert self.journal.epoch != self.epoch
        self.epoch = self.journal.epoch
        for each, rows in self.rows.items():
            self.rows[each] = dict(enumerate((rows[number] for number in sorted(rows)), 1))
            self.next[each] = len(rows) + 1
        self.dropped = dict.fromkeys(Lane, 0)

    @invariant()
    def it_holds_what_the_model_holds(self) -> None:
        if not hasattr(self, "journal"):
            return
        assert self.journal.epoch == self.epoch
        assert self.journal.dropped == self.dropped
        for lane in Lane:
            base = min(self.rows[lane], default=self.next[lane])
            assert self.journal.held[lane] == Held(base, self.next[lane])
            assert self.journal.read(lane, base, 1000) == [self.rows[lane][n] for n in sorted(self.rows[lane])]
            assert sorted(self.rows[lane]) == list(range(base, self.next[lane]))

    def teardown(self) -> None:
        if hasattr(self, "journal"):
            self.journal.close()
            shutil.rmtree(self.folder)


TestJournal = JournalAgainstAModel.TestCase
TestJournal.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
