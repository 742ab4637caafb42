"""Experiments on a service's own traffic: what they do next, and how the candidate's share rises. Pure: no service, no
store, no clock."""
