#!/bin/bash
# Print what a kernel log has that no run may leave; succeed if there is any.
# complaints.sh LOG

patterns=(
	'\bOops\b' 'BUG:' 'BUG ' 'WARNING:' 'KASAN:' 'UBSAN:' 'KCSAN:' 'KFENCE:'
	'Call Trace:' 'RIP: 00' 'kernel panic' 'general protection fault'
	'INFO: task .* blocked' 'INFO: rcu' 'rcu_.*stall' 'soft lockup'
	'hard LOCKUP' 'workqueue lockup' 'INFO: possible' 'INFO: suspicious'
	'suspicious RCU usage' 'possible recursive locking' 'inconsistent lock'
	'ODEBUG:' 'DEBUG_LOCKS_WARN' 'list_(add|del) corruption'
	'ref_tracker:' 'unregister_netdevice: waiting' 'refcount_t:'
	'unreferenced object' 'new suspected memory leaks'
	'sleeping function called' 'scheduling while atomic'
	'Attempted to' 'Out of memory' 'knetdemo: guest:' 'not ok '
)
regex=$(IFS='|'; echo "${patterns[*]}")
grep -m 20 -A 12 -aE "$regex" "$1"
