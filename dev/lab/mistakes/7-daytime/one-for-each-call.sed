# The work accepts one connection each time it is queued
# point: so do many that come at the same time
# hint: accept until there is nothing more
s/n < BUDGET/n < 1/
/^\tqueue_work\(system_dfl_wq, work\);/d
