# The time is that since the boot
# point: a client receives the time
# hint: ktime_get_real_seconds() is the time of the clock
s/ktime_get_real_seconds/ktime_get_seconds/
