"""From units' values to what may be said of a difference: moments, estimates, effects, and the methods that judge them.

    values of units ─ Moments ─ Estimate of each version ─ Effect ─ fixed horizon, sequence, stages or Bayes

A unit is what was assigned to a version: a user, a session, a request. All its rows are summed first, so that rows of
one unit, which are alike, never pass for independent ones."""
