# The thread does not look whether it is to stop
# point: rmmod returns
# hint: has to return when kthread_should_stop() says so
s/while \(!kthread_should_stop\(\)\)/for (;;)/
