# The thread is not stopped
# point: no thread is left
# hint: kthread_stop() in the exit function
/^\tkthread_stop/d
