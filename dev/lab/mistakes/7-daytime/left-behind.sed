# The exit function does nothing
# point: crash
# hint: A function of a module that was unloaded was called
/_exit\(void\)/,$ { /^\t(knd_daytime_call|cancel_work_sync|sock_release|synchronize_rcu)\(/d }
