"""The demo's configuration file."""

DEMO_TOML = """\
# The demo: a made-up company in CSV files, and the whole way from pull to push over them.
#     crmbridge demo                 writes this file and its data, and runs the way
# Every key is described in docs/configuration.md.

[store]
url = "sqlite:///demo.db"

[connections.demo]
adapter = "csv"
path = "data"
out = "out"                          # results; the data are never written over
currency = "EUR"

[connections.demo.write]             # what is not named here cannot be written
visits = true
segment = "segment_tag"
score = "visit_score"
reasons = "visit_reasons"
first_fill = "allow"                 # these columns are ours, so filling them needs no asking

[consent.unknown]
visit = "allow"
call = "allow"
email = "deny"

[planning]
horizon_days = 14
iterations_per_rep = 5000            # a demo is quick; a nightly run takes 200000
seed = 1

[planning.rep_defaults]              # for reps that have no table of their own
zone = "Europe/Berlin"
days = ["mon", "tue", "wed", "thu", "fri"]
start = 08:00:00
end = 17:00:00
lunch = { at = 12:00:00, minutes = 45 }

[reps."ann@example.com"]
busy = ["data/ann.ics"]

# Every part of the visit strategy has an example in docs/visits.md. What the customers' own records
# say (visit_interval_days, visit_minutes) stands above what the classes say here.

[planning.classes.A]
every_days = 14
minutes = 60

[planning.classes.B]
every_days = 28
minutes = 45

[planning.classes.C]
every_days = 56
minutes = 30

[jobs.demo]
connections = ["demo"]
steps = ["pull", "analyze", "plan", "push"]
push = "review"                      # look at the changes first: crmbridge diff, then push
"""
"""The text of ``config/demo.toml``; paths are relative to the file."""
